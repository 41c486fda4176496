import { groupedBy } from '../../base/objects.js';
import type { WorkWatch } from '../../base/work-watch.js';
import { constantsApart, expectedSteps, type RuntimeConstants, type RuntimeSpec, turnedBy } from '../../hardware/door.js';
import type { Runtimes } from '../validate/constants.js';
import { predictRowVariants } from '../validate/predict-all.js';
import type { Measurement } from '../validate/rows/measurement.js';
import { speedsOf, taughtFigures } from './taught.js';

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
  /** Steps of knobs: logarithms. */
  readonly steps: readonly number[];
  readonly anchors: readonly FittedSpeed[];
  readonly checks: readonly FittedSpeed[];
}

/** Calibrates a runtime. @param rows of one machine and runtime @param runtime with constants of all machines */
export async function calibrate(
  rows: readonly Measurement[],
  runtime: RuntimeSpec,
  threads: number,
  watch: WorkWatch = {},
): Promise<RuntimeCalibration> {
  const { anchors, checks } = anchorsOf(rows);
  const taught = (await taughtFigures(anchors, only(runtime), threads, watch)).flat();
  const steps = expectedSteps(taught, { runtime: runtime.name, model: taught[0]?.model ?? null });
  const all = [...anchors, ...checks];
  const turned = turnedBy(runtime, steps);
  const predictions = await predictRowVariants(all, [only(runtime), only(turned)], threads, watch);
  const speeds = all.map((row, i) =>
    speedsOf(row).map(({ kind: metric, measured }): FittedSpeed => {
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
