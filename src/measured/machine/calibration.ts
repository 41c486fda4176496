import { groupedBy } from '../../base/objects.js';
import type { WorkWatch } from '../../base/work-watch.js';
import { constantsApart, KNOBS, NUDGE, type RuntimeConstants, type RuntimeSpec, turnedBy } from '../../hardware/door.js';
import type { Runtimes } from '../validate/constants.js';
import { fitSteps, residualAt, type Sensitivity, sensitivityOf } from '../validate/fit.js';
import { predictRowVariants } from '../validate/predict-all.js';
import type { Measurement } from '../validate/rows/measurement.js';

/** A speed and its predictions, tokens/s. */
export interface FittedSpeed {
  /** `file:line`, or a row's name. */
  readonly place: string;
  readonly metric: 'decode' | 'prefill';
  readonly measured: number;
  /** With constants of all machines. */
  readonly before: number;
  /** With fitted constants. */
  readonly predicted: number;
}

/** Fit of a runtime's constants to printed speeds. */
export interface RuntimeCalibration {
  readonly runtime: string;
  readonly constants: RuntimeConstants;
  /** Steps of {@link KNOBS}: logarithms. */
  readonly steps: readonly number[];
  readonly anchors: readonly FittedSpeed[];
  readonly checks: readonly FittedSpeed[];
}

/** Standard error of a benchmark, a logarithm; ours. */
const NOISE = 0.05;
/** Largest step of a knob, a factor of 3; ours. A larger difference has a different cause. */
const LARGEST_STEP = Math.log(3);
/** Inverse variances of the knobs, and of a speed. */
export const RIDGE: readonly number[] = KNOBS.map(({ spread }) => 1 / spread ** 2);
export const SURENESS = 1 / NOISE ** 2;
/** Rounds of the fit, since predictions are nonlinear; ours. */
const ROUNDS = 2;

/** Most likely steps of the knobs (maximum a posteriori). @param at steps of the given residuals and slopes */
export function fitKnobs(speeds: readonly Sensitivity[], at: readonly number[]): number[] {
  const back = at.map((step) => -step);
  const rows = speeds.map((speed) => ({ ...speed, residual: residualAt(speed, back) }));
  return fitSteps(rows, RIDGE, () => SURENESS, LARGEST_STEP);
}

/** Fits the knobs to rows of one machine. @param runtimes by name */
export async function fittedTo(
  rows: readonly Measurement[],
  runtimes: Runtimes,
  threads: number,
  watch: WorkWatch = {},
): Promise<{ readonly steps: readonly number[]; readonly speeds: readonly Sensitivity[]; readonly left: readonly number[] }> {
  let steps: readonly number[] = KNOBS.map(() => 0);
  let speeds: readonly Sensitivity[] = [];
  let left: readonly number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    speeds = await sensitivities(rows, runtimes, steps, threads, watch);
    const next = fitKnobs(speeds, steps);
    const moved = next.map((step, k) => step - steps[k]!);
    left = speeds.map((speed) => residualAt(speed, moved));
    steps = next;
  }
  return { steps, speeds, left };
}

/** Calibrates a runtime. @param rows of one machine and runtime @param runtime with constants of all machines */
export async function calibrate(
  rows: readonly Measurement[],
  runtime: RuntimeSpec,
  threads: number,
  watch: WorkWatch = {},
): Promise<RuntimeCalibration> {
  const { anchors, checks } = anchorsOf(rows);
  const { steps } = await fittedTo(anchors, only(runtime), threads, watch);
  const all = [...anchors, ...checks];
  const turned = turnedBy(runtime, steps);
  const predictions = await predictRowVariants(all, [only(runtime), only(turned)], threads, watch);
  const speeds = all.map((row, i) =>
    speedsOf(row).map(({ measured, metric }): FittedSpeed => {
      const [before, after] = predictions[i]! as [(typeof predictions)[0][0], (typeof predictions)[0][0]];
      return { place: row.id, metric, measured, before: before.figures[metric]!, predicted: after.figures[metric]! };
    }),
  );
  return {
    runtime: runtime.name,
    constants: constantsApart(runtime, turned),
    steps,
    anchors: speeds.slice(0, anchors.length).flat(),
    checks: speeds.slice(anchors.length).flat(),
  };
}

const only = (runtime: RuntimeSpec): Runtimes => new Map([[runtime.name, runtime]]);

/** Residuals and slopes of speeds around steps, decode first. */
export async function sensitivities(
  rows: readonly Measurement[],
  runtimes: Runtimes,
  at: readonly number[],
  threads: number,
  watch: WorkWatch,
): Promise<Sensitivity[]> {
  const variants = [at, ...KNOBS.map((_, k) => at.map((step, i) => (i === k ? step + NUDGE : step)))];
  const predictions = await predictRowVariants(
    rows,
    variants.map((steps) => new Map([...runtimes].map(([name, spec]) => [name, turnedBy(spec, steps)]))),
    threads,
    watch,
  );
  return rows.flatMap((row, i) =>
    speedsOf(row).flatMap(({ measured, metric }): Sensitivity[] => {
      const [here, ...turned] = predictions[i]!.map(({ figures }) => figures[metric]);
      return here === undefined ? [] : [sensitivityOf(measured, here, turned as number[], NUDGE)];
    }),
  );
}

function speedsOf({ measured }: Measurement): { readonly metric: 'decode' | 'prefill'; readonly measured: number }[] {
  const { pp_tps, tg_tps } = measured;
  return [
    ...(tg_tps === undefined ? [] : [{ metric: 'decode' as const, measured: tg_tps }]),
    ...(pp_tps === undefined ? [] : [{ metric: 'prefill' as const, measured: pp_tps }]),
  ];
}

/**
 * The two most informative rows, of the commonest engine, model and format: most and fewest experts on the GPU, else
 * least and most context.
 */
export function anchorsOf(rows: readonly Measurement[]): {
  readonly anchors: readonly Measurement[];
  readonly checks: readonly Measurement[];
} {
  const groups = groupedBy(rows, ({ engine, model }) => `${engine}/${model.name}/${model.quant ?? ''}`);
  const largest = [...groups.values()].sort((a, b) => b.length - a.length)[0] ?? [];
  const sorted = [...largest].sort((a, b) => onGpu(a) - onGpu(b) || (b.run.depth ?? 0) - (a.run.depth ?? 0));
  const ends = sorted.length < 2 ? sorted : [sorted[0]!, sorted.at(-1)!];
  const others = rows.filter((row) => !ends.includes(row));
  const anchors = ends.length === 1 && others.length > 0 ? [...ends, others[0]!] : ends;
  return { anchors, checks: rows.filter((row) => !anchors.includes(row)) };
}

/** Share of experts on the GPU; if unknown, minus the layers in host memory, for an equal order. */
function onGpu({ placement }: Measurement): number {
  if (placement.kind === 'all-gpu') return 1;
  if (placement.kind === 'all-cpu') return Number.NEGATIVE_INFINITY;
  const { cpu_moe_layers, gpu_expert_share } = placement;
  return gpu_expert_share ?? -(cpu_moe_layers ?? 0);
}

/** Joins separate prompt and generation rows of one setting. */
export function joinedPhases(rows: readonly Measurement[]): Measurement[] {
  const joined: Measurement[] = [];
  for (const row of rows) {
    const at = joined.findIndex(
      (other) => settingOf(other) === settingOf(row) && (other.measured.tg_tps === undefined) !== (row.measured.tg_tps === undefined),
    );
    const other = joined[at];
    const apart = other !== undefined && (other.measured.pp_tps === undefined) !== (row.measured.pp_tps === undefined);
    if (other === undefined || !apart) joined.push(row);
    else joined[at] = { ...other, run: { ...row.run, ...other.run }, measured: { ...other.measured, ...row.measured } };
  }
  return joined;
}

function settingOf({ engine, model, placement, run }: Measurement): string {
  const { pp_tokens: _, tg_tokens: __, ...rest } = run;
  return JSON.stringify([engine, model, placement, rest]);
}
