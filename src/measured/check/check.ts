import { GIB } from '../../base/units.js';
import { bandFor } from '../../engine/outcome/comparable.js';
import { learnedBand } from '../../engine/outcome/learned-bands.js';
import { type Learned, pagesOf, type RuntimeSpec, timeShares } from '../../hardware/door.js';
import { expertBytesTotal, type ModelSpec, tokenCycleBytes } from '../../model/door.js';
import { inHostMemory, type PrintedCache, type TimingBuffer } from '../../runtime/door.js';
import type { Runtimes } from '../validate/constants.js';
import { predictRow, predictVariants } from '../validate/predict.js';
import type { Measurement } from '../validate/rows/measurement.js';
import { copyBandwidth } from '../validate/rows/row-machine.js';
import { modelOfRow } from '../validate/rows/row-model.js';
import { RowTraces } from '../validate/rows/row-traces.js';
import { formatKin, runtimeOf } from '../validate/rows/specify.js';
import { CAUSES } from './rules/index.js';
import type { CheckCase, CheckedSpeed, Footprint } from './rules/rule.js';

export { withUsualFormats } from './usual-format.js';

/** A cause with evidence. */
interface Finding {
  readonly weight: number;
  readonly evidence: string;
  readonly advice: string;
  readonly cause: string;
  readonly title: string;
}

/** A run with measured and expected speeds, and causes of a difference. */
export interface CheckedRun {
  readonly place: string;
  readonly runtime: string;
  readonly model: string;
  readonly placement: string;
  /** True if expert placement is unknown, and taken as all on the GPU, or as many as fit. */
  readonly unplaced: boolean;
  /** Layers that are taken to have experts in host memory, as the GPU cannot hold all; 0: none. */
  readonly takenLayers: number;
  readonly speeds: readonly CheckedSpeed[];
  /** Reason for a missing prediction; null: predicted. */
  readonly lacks: string | null;
  /** Settings that the prediction does not count. */
  readonly uncounted: readonly string[];
  /** `slow` if a speed is below its band, `fast` above; `unknown` without a prediction or a band. */
  readonly verdict: 'normal' | 'slow' | 'fast' | 'unknown';
  readonly findings: readonly Finding[];
}

/** Facts of runs beyond their rows. */
export interface CheckFacts {
  readonly powerShare?: number;
  /** Memory printed by the runtime, by row. */
  readonly buffers?: ReadonlyMap<string, readonly TimingBuffer[]>;
  /** Settings without a prediction, by row. */
  readonly uncounted?: ReadonlyMap<string, readonly string[]>;
  /** Expert caches, by row. */
  readonly caches?: ReadonlyMap<string, PrintedCache>;
  /** Rows of unknown expert placement. */
  readonly unplaced?: ReadonlySet<string>;
  /** Fit on the machine's timings, and runtimes with one knob moved each; absent: no timings. */
  readonly learned?: { readonly learned: Learned; readonly moved: readonly Runtimes[] };
}

/** @param runtimes by name @param traces routing shared by logs */
export async function checkRuns(
  rows: readonly Measurement[],
  runtimes: Runtimes,
  facts: CheckFacts = {},
  traces = new RowTraces(),
): Promise<CheckedRun[]> {
  const checked: CheckedRun[] = [];
  for (const row of rows) checked.push(await checkRun(row, rows, runtimes, traces, facts));
  return checked;
}

async function checkRun(
  given: Measurement,
  rows: readonly Measurement[],
  runtimes: Runtimes,
  traces: RowTraces,
  facts: CheckFacts,
): Promise<CheckedRun> {
  const { learned } = facts;
  const row = withFewestLayers(given, runtimes, facts);
  const known = withSplit(row);
  const [prediction, ...moved] = await predictVariants(withSpread(known), traces, [runtimes, ...(learned?.moved ?? [])]);
  const { figures, lacks } = prediction!;
  const found = modelOfRow(row);
  const model = 'lacks' in found ? null : found;
  const footprint = model === null ? null : footprintOf(row, model, runtimes.get(runtimeOf(row))!, facts.buffers?.get(row.id));
  const unplaced = facts.unplaced?.has(row.id) === true;
  const uncounted = uncountedOf(row, facts);
  const takenLayers = row === given ? 0 : row.placement.cpu_moe_layers!;
  const common = {
    place: row.id,
    runtime: runtimeOf(row),
    model: row.model.name,
    placement: row.placement.kind,
    unplaced,
    takenLayers,
    uncounted,
  };
  const speed = (metric: CheckedSpeed['metric'], measured: number | undefined): CheckedSpeed | null => {
    const expected = figures[metric];
    if (measured === undefined || expected === undefined) return null;
    const others = moved.map((prediction) => prediction.figures[metric] ?? expected);
    const kind = { metric, runtime: runtimeOf(row), format: formatKin(row.model), placement: row.placement.kind };
    const figure = { kind: metric, runtime: kind.runtime, model: row.model.name, strategy: null, shares: timeShares(expected, others) };
    const band = learned === undefined ? bandFor(kind) : learnedBand(learned.learned, figure);
    return { metric, measured, expected, ratio: measured / expected, band, slow: band !== null && measured < expected * band.low };
  };
  const run: CheckCase = {
    row: known,
    model,
    siblings: rows.filter((other) => other !== row && other.engine === row.engine && other.model.name === row.model.name),
    decode: speed('decode', row.measured.tg_tps),
    prefill: speed('prefill', row.measured.pp_tps),
    footprint,
    cache: facts.caches?.get(row.id) ?? null,
    powerShare: facts.powerShare ?? null,
    uncounted: facts.uncounted?.get(row.id) ?? [],
    supposed: async (change, driven = (runtime) => runtime) => {
      const runtimeByName = new Map([[runtimeOf(row), driven(runtimes.get(runtimeOf(row))!)]]);
      return (await predictRow(withSpread(change(known)), traces, runtimeByName)).figures;
    },
  };
  const speeds = [run.decode, run.prefill].filter((speed) => speed !== null);
  const findings = await findingsOf(run);
  return {
    ...common,
    speeds,
    lacks: speeds.length > 0 ? null : (lacks ?? 'nothing could be predicted'),
    verdict: verdictOf(speeds),
    findings,
  };
}

function verdictOf(speeds: readonly CheckedSpeed[]): CheckedRun['verdict'] {
  const banded = speeds.filter(({ band }) => band !== null);
  if (banded.length === 0) return 'unknown';
  if (banded.some(({ slow }) => slow)) return 'slow';
  return banded.some(({ band, ratio }) => ratio > band!.high) ? 'fast' : 'normal';
}

/** Settings of a log that leave a prediction as it is, threads beyond the cores among them. */
function uncountedOf({ id, machine, run }: Measurement, { uncounted }: CheckFacts): string[] {
  const cores = machine.cpu?.cores ?? Number.POSITIVE_INFINITY;
  const single = machine.gpus.length < 2;
  return [
    ...(uncounted?.get(id) ?? []).filter((text) => !(single && /^(?:-sm|--split-mode|-ts|--tensor-split)\b/.test(text))),
    ...((run.threads ?? 0) > cores ? [`-t ${run.threads} on ${cores} cores`] : []),
  ];
}

/** Share of a card for weights and KV cache; ours: the rest is compute buffers and the screen. */
const CARD_SHARE = 0.93;

/** Unknown placement on too small a GPU: the fewest layers in host memory that fit. */
function withFewestLayers(row: Measurement, runtimes: Runtimes, { buffers, unplaced }: CheckFacts): Measurement {
  const model = modelOfRow(row);
  if (unplaced?.has(row.id) !== true || 'lacks' in model) return row;
  const { gpuHas, gpuNeeds } = footprintOf(row, model, runtimes.get(runtimeOf(row))!, buffers?.get(row.id));
  if (gpuHas === null || gpuNeeds <= gpuHas) return row;
  const layers = model.layers.length;
  const onCpu = Math.min(layers, Math.ceil((gpuNeeds - CARD_SHARE * gpuHas) / (expertBytesTotal(model) / layers)));
  return { ...row, placement: { kind: 'cpu-layers', cpu_moe_layers: onCpu, gpu_moe_layers: layers - onCpu, where: 'cpu' } };
}

async function findingsOf(run: CheckCase): Promise<Finding[]> {
  const findings: Finding[] = [];
  let least = 0;
  for (const { advice, examine, name: cause, title, unlike, weight: given } of CAUSES) {
    const evidence = await examine(run);
    if (evidence === null) continue;
    const weight = typeof given === 'number' ? given : given(run);
    findings.push({ weight, evidence, advice, cause, title });
    if (unlike === true) least = weight;
  }
  return findings.filter(({ weight }) => weight >= least).sort((a, b) => b.weight - a.weight);
}

/** An unknown split counts as all layers in host memory: a slower run is slow with any split. */
function withSplit(row: Measurement): Measurement {
  const { cpu_moe_layers, gpu_expert_share, gpu_moe_layers, kind } = row.placement;
  if (kind !== 'cpu-layers' || (cpu_moe_layers ?? gpu_moe_layers ?? gpu_expert_share) !== undefined) return row;
  return { ...row, placement: { ...row.placement, gpu_expert_share: 0 } };
}

/** A run without NUMA distribution is held to the speed of a distributed run. */
function withSpread(row: Measurement): Measurement {
  return row.run.numa === 'off' ? { ...row, run: { ...row.run, numa: 'distribute' } } : row;
}

/** Tokens of llama.cpp's default context. */
const USUAL_CONTEXT = 4096;

/** Bytes needed and present; printed figures take precedence over computed. */
function footprintOf(row: Measurement, model: ModelSpec, runtime: RuntimeSpec, buffers: readonly TimingBuffer[] | undefined): Footprint {
  const { machine, placement, run } = row;
  const experts = expertBytesTotal(model);
  const dense = model.dense.segments.reduce((sum, { weightBytes }) => sum + weightBytes, 0);
  const share = shareOnGpu(placement, model.layers.length);
  const kv = model.dense.kvBytesPerToken * (run.context ?? Math.max(USUAL_CONTEXT, (run.depth ?? 0) + (run.tg_tokens ?? 0)));
  const discrete = machine.gpus.length > 0 && machine.unified !== true;
  const printed = buffers?.filter((buffer) => !inHostMemory(buffer)).reduce((sum, { bytes }) => sum + bytes, 0);
  const gpuNeeds = !discrete ? 0 : printed !== undefined && printed > 0 ? printed : dense + share * experts + kv;
  const memory = machine.gpus.map(({ memory_gb }) => memory_gb);
  const file = (row.model.file_gb ?? 0) * 1e9 || experts + dense;
  return {
    gpuNeeds,
    gpuHas: !discrete || memory.includes(undefined) ? null : (memory as number[]).reduce((sum, gigabytes) => sum + gigabytes * GIB, 0),
    hostNeeds: run.mmap === false ? (1 - share) * experts + (discrete ? 0 : dense) : file,
    hostHas: machine.ram?.gb === undefined ? null : machine.ram.gb * GIB,
    gpuTouched: discrete ? dense + share * tokenCycleBytes(model) + kv : 0,
    hostTouched: (1 - share) * tokenCycleBytes(model) + (discrete ? 0 : dense),
    pages: pagesOf(machine.ssd === undefined ? null : machine.ssd.gbps * 1e9, runtime),
    spill: { place: 'host memory', rate: discrete ? copyBandwidth(machine.gpus[0]!) : Number.POSITIVE_INFINITY },
  };
}

function shareOnGpu({ cpu_moe_layers, gpu_expert_share, kind }: Measurement['placement'], layers: number): number {
  if (kind === 'all-gpu') return 1;
  if (kind === 'all-cpu') return 0;
  return gpu_expert_share ?? (cpu_moe_layers === undefined ? 0 : Math.max(0, 1 - cpu_moe_layers / layers));
}
