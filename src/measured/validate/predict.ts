import { whyLost } from '../../base/errors.js';
import { sum } from '../../base/statistics.js';
import { pinnedFor, routingOfPart } from '../../engine/inputs/inputs.js';
import { simulateInputs } from '../../engine/simulate.js';
import {
  betweenCards,
  buildHardware,
  type HardwareProfile,
  type HardwareSpec,
  joinGpus,
  listedLink,
  type RuntimeSpec,
} from '../../hardware/door.js';
import type { ModelSpec } from '../../model/door.js';
import type { MetricName } from '../../result/metrics.js';
import type { RunFigures } from '../../result/result.js';
import { checkRun, type RunInput } from '../../system/door.js';
import type { Runtimes } from './constants.js';
import { hasFlag } from './memory/load.js';
import type { Measurement } from './rows/measurement.js';
import { decodingPhase, promptPhase, type RowPhase } from './rows/phases.js';
import { copyBandwidth, machineOf } from './rows/row-machine.js';
import { modelOfRow } from './rows/row-model.js';
import type { RowTraces } from './rows/row-traces.js';
import { byTokenTime, figuresOf, type MeasuredMetric, type RowSystem, runtimeOf, systemOf } from './rows/specify.js';
import { asStreamed, readsAhead } from './rows/streamed-row.js';

/** Variant of latent attention (-mla) from which prompts are unpacked. */
const UNPACKED_FROM = 2;

/** Prediction of a row by short engine runs over synthetic routing. */
export interface Prediction {
  /** By metric: tokens/s, or a share; only measured, predictable metrics. */
  readonly figures: Readonly<Partial<Record<MeasuredMetric, number>>>;
  /** Null: predicted. */
  readonly lacks: string | null;
  /** Times of decoded tokens; absent: no decoding. */
  readonly knowing?: Knowing;
  /**
   * Hit rate of an expert cache in its layers, and decode speed at the measured one (null: unknown). Absent: no cache.
   */
  readonly cached?: { readonly hits: number; readonly byMeasured: number | null };
}

/** Times of decoded tokens and of the run: own, best found and floor (L19); Belady's hit rate. Absent: unknown. */
export type Knowing = Readonly<Partial<Record<'own' | 'found' | 'floor' | 'total' | 'totalFound' | 'totalFloor' | 'belady', number>>>;

/** Source metrics of {@link Knowing}. */
const KNOWING = {
  own: 'latency.tpot.mean',
  found: 'bound.found.tpot',
  floor: 'bound.floor.tpot',
  belady: 'bound.belady.hit_rate',
  total: 'time.total',
  totalFound: 'bound.found.total',
  totalFloor: 'bound.floor.total',
} as const satisfies Readonly<Record<keyof Knowing, MetricName>>;

/** Times and hit rate of a run. */
export function knowingOf(metrics: RunFigures['metrics']): Knowing {
  return Object.fromEntries(
    Object.entries(KNOWING).flatMap(([key, name]) => (metrics[name] === undefined ? [] : [[key, metrics[name].value]])),
  );
}

interface Predicting {
  /** Few tokens, for a ratio of two predictions: routing cancels. */
  readonly brief?: boolean;
  readonly bounds?: boolean;
  readonly instead?: { readonly runtime: string; readonly run: RowSystem };
}

interface RowWorld {
  readonly row: Measurement;
  readonly model: ModelSpec;
  readonly run: RowSystem;
  readonly hardware: HardwareSpec;
  readonly promptHardware: HardwareSpec;
  readonly ubatch: number;
  readonly traces: RowTraces;
  readonly brief: boolean;
  readonly bounds: boolean;
}

/** @param traces shared by rows of a model @param runtimes by name */
export async function predictRow(
  given: Measurement,
  traces: RowTraces,
  runtimes: Runtimes,
  { bounds = false, brief = false, instead }: Predicting = {},
): Promise<Prediction> {
  const row = asStreamed(given);
  const model = modelOfRow(row);
  if ('lacks' in model) return { figures: {}, lacks: model.lacks };
  const runtime = withRowSettings(runtimes.get(instead?.runtime ?? runtimeOf(row))!, row);
  const machine = machineOf(row, runtime.gpu.several);
  if ('lacks' in machine) return { figures: {}, lacks: machine.lacks };
  const run = instead?.run ?? systemOf(row, model.layers.length, machine.tiers[0]!.name === 'gpu');
  if ('lacks' in run) return { figures: {}, lacks: run.lacks };
  const hardware = driven(machine, row, runtime);
  const promptHardware = hardwareOfPrompts(row, { ...runtime, prompt: promptOf(runtime, row, selectionOf(row, model)) }) ?? hardware;
  const world: RowWorld = { row, model, run, hardware, promptHardware, ubatch: runtime.prompt.ubatch, traces, brief, bounds };
  const asked = figuresOf(row).map(({ metric }) => metric);
  const figures: Partial<Record<MeasuredMetric, number>> = {};
  let decoded: Decoded | null = null;
  if (asked.includes('decode') || asked.includes('hit_rate')) {
    decoded = await decoding(world);
    if (asked.includes('decode')) figures.decode = await withPromptsBetween(world, decoded.speed);
    if (asked.includes('hit_rate')) figures.hit_rate = decoded.hitRate;
  }
  if (asked.includes('prefill')) figures.prefill = await prefilling(world);
  if (decoded === null) return { figures, lacks: null };
  const { byMeasured, hitRate: hits, knowing } = decoded;
  return { figures, lacks: null, knowing, ...(row.placement.kind === 'expert-cache' && { cached: { hits, byMeasured } }) };
}

/** Equal cards with shared tensors exchange twice a layer, unless the runtime's time of a layer includes it. */
function driven(machine: HardwareProfile, row: Measurement, runtime: RuntimeSpec): HardwareSpec {
  const { gpus } = row.machine;
  const [first] = gpus;
  const apart = gpus.length < 2 || gpus.some(({ name }) => name !== first!.name) || runtime.gpu.several !== 'tensor';
  if (apart || !runtime.gpu.exchange) return buildHardware(machine, runtime);
  const single = machineOf({ ...row, machine: { ...row.machine, gpus: [first!] } }, runtime.gpu.several) as HardwareProfile;
  const { bandwidth, latency: latencyNs } = betweenCards(listedLink(first!.name), copyBandwidth(first!));
  const interconnect = { bandwidth, latencyNs };
  return joinGpus({ ...buildHardware(single, runtime), gpus: { count: gpus.length, interconnect } }, 'tensor');
}

/** Runtime and system of a row, or the missing input. */
export function compositionOf(given: Measurement, runtimes: Runtimes): { runtime: string; run: RowSystem } | { readonly lacks: string } {
  const row = asStreamed(given);
  const model = modelOfRow(row);
  if ('lacks' in model) return model;
  const runtime = runtimeOf(row);
  const machine = machineOf(row, runtimes.get(runtime)!.gpu.several);
  if ('lacks' in machine) return machine;
  const run = systemOf(row, model.layers.length, machine.tiers[0]!.name === 'gpu');
  return 'lacks' in run ? run : { runtime, run };
}

/** Drafts of a row; undefined: absent or incomplete. */
function draftsOf({ run }: Measurement): NonNullable<RunInput['workload']>['speculation'] {
  const { acceptance, draft } = run.speculative ?? {};
  if (acceptance === undefined || draft === undefined) return undefined;
  return { draft: Math.round(draft), acceptance: `${100 * acceptance}% of ${Math.round(draft)}` };
}

/** Predicts a row with several runtime sets. An error becomes `lacks`. */
export async function predictVariants(row: Measurement, traces: RowTraces, variants: readonly Runtimes[]): Promise<Prediction[]> {
  try {
    return await variantsOf(row, traces, variants);
  } catch (error) {
    return variants.map(() => lost(error));
  }
}

/** Prediction of a row lost to an error. */
export const lost = (error: unknown): Prediction => ({ figures: {}, lacks: whyLost(error) });

/** Predicts fully with the first set; further sets scale by the ratio of brief predictions. */
async function variantsOf(row: Measurement, traces: RowTraces, variants: readonly Runtimes[]): Promise<Prediction[]> {
  const keys = variants.map((runtimes) => runtimeKey(row, runtimes));
  const first = await predictRow(row, traces, variants[0]!);
  const predictions: Prediction[] = [];
  let brief: Prediction | null = null;
  for (const [i, runtimes] of variants.entries()) {
    if (keys[i] === keys[0]) {
      predictions.push(first);
      continue;
    }
    brief ??= await predictRow(row, traces, variants[0]!, { brief: true });
    predictions.push(scaled(first, brief, await predictRow(row, traces, runtimes, { brief: true })));
  }
  return predictions;
}

function scaled(whole: Prediction, before: Prediction, after: Prediction): Prediction {
  const figures = Object.entries(whole.figures).map(([name, value]) => {
    const metric = name as MeasuredMetric;
    return [metric, (value * after.figures[metric]!) / before.figures[metric]!];
  });
  return { ...whole, figures: Object.fromEntries(figures) };
}

/** Hardware with the threads and the experts' device of prompts; null: the machine lacks a figure. */
function hardwareOfPrompts(row: Measurement, runtime: RuntimeSpec): HardwareSpec | null {
  const machine = machineOf(onPromptThreads(row), runtime.gpu.several);
  return 'lacks' in machine ? null : driven(machine, row, runtime);
}

/** Key of all runtime values in a prediction, without constants of foreign instruction sets or sockets. */
function runtimeKey(given: Measurement, runtimes: Runtimes): string {
  const row = asStreamed(given);
  const runtime = runtimes.get(runtimeOf(row))!;
  const machine = machineOf(row, runtime.gpu.several);
  return JSON.stringify('lacks' in machine ? machine : [buildHardware(machine, runtime), runtime.prompt]);
}

function selectionOf(row: Measurement, model: ModelSpec): Selection {
  const whole = dropsExperts(row) ? modelOfRow({ ...row, run: { ...row.run, active_experts: undefined } }) : model;
  return ('lacks' in whole ? model : whole).layers[0]!;
}

/** Runtime with the row's settings: form of latent attention, fused attention, overlapped reads, decoding on the CPU. */
function withRowSettings(runtime: RuntimeSpec, row: Measurement): RuntimeSpec {
  const { flash_attention, mla } = row.run;
  const gpu = {
    ...runtime.gpu,
    ...(flash_attention === false && { flashAttention: false }),
    ...(mla !== undefined && mla < UNPACKED_FROM && { latent: 'absorbed' as const }),
  };
  const cache = runtime.cache && { ...runtime.cache, pinned: row.run.mmap !== true };
  const copy = {
    ...runtime.copy,
    ...(readsAhead(row) && { overlap: 'copy' as const }),
    ...(runtime.copy.pins && (row.run.mmap === false || UNMAPPED.test(row.flags ?? '')) && { staging: 'none' as const }),
  };
  const { sockets, untuned = sockets } = runtime.cpu;
  const cpu = { ...runtime.cpu, sockets: (row.run.numa ?? 'off') === 'off' ? untuned : sockets };
  return { ...runtime, cache, cpu, gpu, copy, prompt: decodingOf(runtime, row) };
}

/** llama.cpp flags to read files without mapping. */
const UNMAPPED = /(?:^|\s)(?:--no-mmap|(?:-mmp|--mmap)\s0|(?:-lm|--load-mode)\snone)(?:\s|$)/;

/** `speed` in tokens/s of all sequences. */
interface Decoded {
  readonly speed: number;
  readonly hitRate: number;
  /** As the wait goes with the misses; null: unknown. */
  readonly byMeasured: number | null;
  readonly knowing: Knowing;
}

/** Decodes a row, after warming caches that fill. */
async function decoding(world: RowWorld): Promise<Decoded> {
  const phase = decodingPhase(world.row, world.ubatch, world.brief);
  const whole = await simulated(world, phase);
  const [hitRate, knowing] = [of(whole, 'cache.hit_rate'), knowingOf(whole.metrics)];
  if (phase.warming === 0) return { speed: (phase.users * 1e9) / of(whole, 'latency.tpot.mean'), hitRate, knowing, byMeasured: null };
  const warm = await simulated(world, { ...phase, output: phase.warming });
  const rest = (name: MetricName): number => of(whole, name) - of(warm, name);
  const demanded = rest('cache.hits') + rest('cache.late') + rest('cache.misses');
  const tokens = phase.users * (phase.output - phase.warming);
  // A streaming engine counts unread experts as hits.
  const kept = world.run.dramCache === null ? rest('cache.hits') : demanded - rest('transfer.ssd.count');
  const held = heldShare(world);
  const cachedHits = (kept / demanded - held) / (1 - held);
  const [totalNs, waitNs] = [rest('time.total'), rest('time.stall.decode')];
  const measured = world.row.measured.hit_rate;
  const misses = measured === undefined || cachedHits === 1 ? null : (1 - measured) / (1 - cachedHits);
  const byMeasured = misses === null ? null : (tokens * 1e9) / (totalNs + waitNs * (misses - 1));
  return { speed: (tokens * 1e9) / totalNs, hitRate: cachedHits, byMeasured, knowing: afterWarming(whole, warm, phase) };
}

/** Share of the choices in layers that stay on the GPU. */
function heldShare({ model: { layers }, row: { placement } }: RowWorld): number {
  const { cpu_moe_layers: cached = layers.length, kind } = placement;
  if (kind !== 'expert-cache') return 0;
  return sum(layers.slice(cached).map(({ topK }) => topK)) / sum(layers.map(({ topK }) => topK));
}

/** Token times after warming; their hit rate alone is unknown. */
function afterWarming(whole: RunFigures, warm: RunFigures, { output, warming }: RowPhase): Knowing {
  const [all, first] = [knowingOf(whole.metrics), knowingOf(warm.metrics)];
  const keys = (['own', 'found'] as const).filter((key) => all[key] !== undefined && first[key] !== undefined);
  return Object.fromEntries(keys.map((key) => [key, all[key]! * (output - 1) - first[key]! * (warming - 1)]));
}

/**
 * Decode speed of all users if a prompt passes as one of them begins anew; the time per token has those of others.
 */
async function withPromptsBetween(world: RowWorld, speed: number): Promise<number> {
  const { measured, run } = world.row;
  const { batch_users: users = 1, pp_tokens: prompt, tg_tokens: generated } = run;
  if (measured.basis !== 'end-to-end' || prompt === undefined || generated === undefined) return speed;
  const alone = { ...world.row, run: { ...run, batch_users: 1 } };
  const promptNs = (prompt * 1e9) / (await prefilling({ ...world, row: alone }));
  const others = byTokenTime(world.row) === null ? users : users - 1;
  return (users * 1e9) / ((users * 1e9) / speed + (others * promptNs) / generated);
}

/** Prefill speed, tokens/s. */
async function prefilling(world: RowWorld): Promise<number> {
  const phase = promptPhase(world.row, world.ubatch, world.brief);
  return (phase.users * phase.prompt * 1e9) / of(await simulated({ ...world, hardware: world.promptHardware }, phase), 'latency.ttft.mean');
}

function simulated({ bounds, hardware, model, row, run, traces }: RowWorld, phase: RowPhase): Promise<RunFigures> {
  const input: RunInput = {
    system: run.system as RunInput['system'],
    memory: {
      ...(run.expertCache === null ? {} : { expertCache: run.expertCache }),
      ...(run.dramCache === null ? {} : { dramCache: run.dramCache }),
    },
    workload: { batch: phase.users, context: phase.context, maxTokensPerPass: phase.ubatch, speculation: draftsOf(row) },
    bounds,
    found: 'all',
    audit: 'off',
  };
  const spec = checkRun(input, `measurement ${row.id}`);
  const system = run.loaded ?? spec.system;
  // Popularity profiles use the first tokens, outside all requests.
  const routing = routingOfPart(traces.of(row, model, phase));
  return simulateInputs({ model, modelNote: null, hardware: pinnedFor(system, hardware, 0), system, ...routing }, { ...spec, system });
}

const of = ({ metrics }: RunFigures, name: MetricName): number => metrics[name]!.value;

/** Experts of a layer, and the graph's choices per token. */
export interface Selection {
  readonly experts: number;
  readonly topK: number;
}

/** Rule of passes that decode: those of a few users stay where one user's do, up to the engine's own threshold. */
function decodingOf({ prompt }: RuntimeSpec, { placement: { prefill_where: where } }: Measurement): RuntimeSpec['prompt'] {
  if (where === undefined) return prompt;
  if (where === 'cpu') return { ...prompt, offloadFrom: null };
  return prompt.offloadFrom === 1 ? { ...prompt, counts: 'pass', offloadFrom: 2 } : prompt;
}

/** Prompt rule of a row; if the device is guessed, passes below the engine's threshold stay on the CPU. */
export function promptOf(runtime: RuntimeSpec, row: Measurement, { experts, topK }: Selection): RuntimeSpec['prompt'] {
  const { prompt } = runtime;
  const where = row.placement.prefill_where;
  if (where === undefined) return prompt;
  const guessed = row.guessed?.includes('placement.prefill_where') === true;
  const { prompt: tokens, ubatch } = promptPhase(row, prompt.ubatch);
  const below =
    prompt.counts === 'expert' &&
    typeof prompt.offloadFrom === 'number' &&
    (Math.min(tokens, ubatch) * topK) / experts < prompt.offloadFrom;
  return { ...prompt, counts: 'pass', offloadFrom: where === 'cpu' || (guessed && below) ? null : 2 };
}

/** True if the engine drops experts (ik_llama.cpp -ser): the graph still selects all. */
export const dropsExperts = ({ flags = '' }: Measurement): boolean => hasFlag(flags, '-ser');

/** The row with its prompt's thread count, if set by flags. */
export function onPromptThreads(row: Measurement): Measurement {
  const threads = /(?:^|\s)(?:-tb|--threads-batch)[\s=](\d+)/.exec(row.flags ?? '')?.[1];
  return threads === undefined ? row : { ...row, run: { ...row.run, threads: Number(threads) } };
}
