import { whyLost } from '../../base/errors.js';
import { pinnedFor, routingOfPart } from '../../engine/inputs/inputs.js';
import { simulateInputs } from '../../engine/simulate.js';
import { buildHardware, type HardwareProfile, type HardwareSpec, joinGpus, type RuntimeSpec, UNLINKED } from '../../hardware/door.js';
import type { ModelSpec } from '../../model/door.js';
import type { Result } from '../../result/result.js';
import { checkRun, type RunInput } from '../../system/door.js';
import type { Runtimes } from './constants.js';
import { hasFlag } from './memory/load.js';
import type { Measurement } from './rows/measurement.js';
import { decodingPhase, promptPhase, type RowPhase } from './rows/phases.js';
import { copyBandwidth, machineOf } from './rows/row-machine.js';
import { modelOfRow } from './rows/row-model.js';
import type { RowTraces } from './rows/row-traces.js';
import { figuresOf, type MeasuredMetric, type RowSystem, runtimeOf, systemOf } from './rows/specify.js';
import { asStreamed, readsAhead } from './rows/streamed-row.js';

/** Variant of latent attention (-mla) from which on prompts are unpacked. */
const UNPACKED_FROM = 2;

/** Predicts rows with the engine itself: short runs over synthetic routing, decoding or reading one prompt. */
export interface Prediction {
  /** Predictions by metric: tokens/s, or a share; only measured metrics that can be predicted. */
  readonly figures: Readonly<Partial<Record<MeasuredMetric, number>>>;
  /** Reason why nothing could be predicted; null: something was. */
  readonly lacks: string | null;
  /** Times of its decoded tokens; absent: it decodes nothing. */
  readonly knowing?: Knowing;
}

/** Times of a run, of the best found and of the floor (L19), in one unit: of its decoded tokens, and of all; Belady's hit rate. Absent: unknown. */
export type Knowing = Readonly<Partial<Record<'own' | 'found' | 'floor' | 'total' | 'totalFound' | 'totalFloor' | 'belady', number>>>;

/** Metrics that they come from. */
const KNOWING = {
  own: 'latency.tpot.mean',
  found: 'bound.found.tpot',
  floor: 'bound.floor.tpot',
  belady: 'bound.belady.hit_rate',
  total: 'time.total',
  totalFound: 'bound.found.total',
  totalFloor: 'bound.floor.total',
} as const;

/** Times and the hit rate of a run, from its metrics. */
export function knowingOf(metrics: Result['metrics']): Knowing {
  return Object.fromEntries(
    Object.entries(KNOWING).flatMap(([key, name]) => (metrics[name] === undefined ? [] : [[key, metrics[name].value]])),
  );
}

interface Predicting {
  /** Few tokens: for the ratio of two predictions of a row, in which their routing cancels. */
  readonly brief?: boolean;
  readonly bounds?: boolean;
  readonly instead?: { readonly runtime: string; readonly run: RowSystem };
}

interface RowWorld {
  readonly row: Measurement;
  readonly model: ModelSpec;
  readonly run: RowSystem;
  readonly hardware: HardwareSpec;
  /** Tokens of a pass by default. */
  readonly ubatch: number;
  readonly traces: RowTraces;
  readonly brief: boolean;
  readonly bounds: boolean;
}

/** Predicts what a row measured. @param traces shared by rows of one model @param runtimes by name; one that is missing is an error of ours */
export async function predictRow(
  given: Measurement,
  traces: RowTraces,
  runtimes: Runtimes,
  { bounds = false, brief = false, instead }: Predicting = {},
): Promise<Prediction> {
  const row = asStreamed(given);
  const model = modelOfRow(row);
  if ('lacks' in model) return { figures: {}, lacks: model.lacks };
  const runtime = withRowSettings(runtimes.get(instead?.runtime ?? runtimeOf(row))!, row, selectionOf(row, model));
  const machine = machineOf(row, runtime.gpu.several);
  if ('lacks' in machine) return { figures: {}, lacks: machine.lacks };
  const run = instead?.run ?? systemOf(row, model.layers.length, machine.tiers[0]!.name === 'gpu');
  if ('lacks' in run) return { figures: {}, lacks: run.lacks };
  const hardware = driven(machine, row, runtime);
  const world: RowWorld = { row, model, run, hardware, ubatch: runtime.prompt.ubatch, traces, brief, bounds };
  const asked = figuresOf(row).map(({ metric }) => metric);
  const figures: Partial<Record<MeasuredMetric, number>> = {};
  let decoded: Decoded | null = null;
  if (asked.includes('decode') || asked.includes('hit_rate')) {
    decoded = await decoding(world);
    if (asked.includes('decode')) figures.decode = decoded.speed;
    if (asked.includes('hit_rate')) figures.hit_rate = decoded.hitRate;
  }
  if (asked.includes('prefill')) figures.prefill = await prefilling({ ...world, hardware: promptHardware(world, runtime) });
  return { figures, lacks: null, ...(decoded === null ? {} : { knowing: decoded.knowing }) };
}

/** The machine as its runtime drives it: equal cards that share tensors exchange twice a layer, unless its fitted time of a layer holds that. */
function driven(machine: HardwareProfile, row: Measurement, runtime: RuntimeSpec): HardwareSpec {
  const { gpus } = row.machine;
  const [first] = gpus;
  const apart = gpus.length < 2 || gpus.some(({ name }) => name !== first!.name) || runtime.gpu.several !== 'tensor';
  if (apart || runtime.fitted?.constants.includes('layer') === true) return buildHardware(machine, runtime);
  const single = machineOf({ ...row, machine: { ...row.machine, gpus: [first!] } }, runtime.gpu.several) as HardwareProfile;
  const interconnect = { bandwidth: copyBandwidth(first!) * UNLINKED.share, latencyNs: UNLINKED.latency };
  return joinGpus({ ...buildHardware(single, runtime), gpus: { count: gpus.length, interconnect } }, 'tensor');
}

/** The runtime of a row and its system; or what it lacks. */
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

/** Drafts of a row; undefined if it has none, or lacks the number of tokens or of right ones. */
function draftsOf({ run }: Measurement): NonNullable<RunInput['workload']>['speculation'] {
  const { acceptance, draft } = run.speculative ?? {};
  if (acceptance === undefined || draft === undefined) return undefined;
  return { draft: Math.round(draft), acceptance: `${100 * acceptance}% of ${Math.round(draft)}` };
}

/** Predicts a row with several sets of runtimes. Whatever goes wrong costs this row alone, which lacks what the error names. */
export async function predictVariants(row: Measurement, traces: RowTraces, variants: readonly Runtimes[]): Promise<Prediction[]> {
  try {
    return await variantsOf(row, traces, variants);
  } catch (error) {
    return variants.map(() => lost(error));
  }
}

/** The prediction of a row that an error cost. */
export const lost = (error: unknown): Prediction => ({ figures: {}, lacks: whyLost(error) });

/** Predicts with the first set whole, with others that differ by the ratio of brief predictions. */
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

/** A prediction times the ratio of two brief ones. */
function scaled(whole: Prediction, before: Prediction, after: Prediction): Prediction {
  const figures = Object.entries(whole.figures).map(([name, value]) => {
    const metric = name as MeasuredMetric;
    return [metric, (value * after.figures[metric]!) / before.figures[metric]!];
  });
  return { ...whole, figures: Object.fromEntries(figures) };
}

function promptHardware({ hardware, row }: RowWorld, runtime: RuntimeSpec): HardwareSpec {
  const prompt = onPromptThreads(row);
  if (prompt === row) return hardware;
  const machine = machineOf(prompt, runtime.gpu.several);
  return 'lacks' in machine ? hardware : buildHardware(machine, runtime);
}

/** A key of everything that a prediction takes from the runtime, without constants for other instruction sets or socket counts. */
function runtimeKey(given: Measurement, runtimes: Runtimes): string {
  const row = asStreamed(given);
  const runtime = runtimes.get(runtimeOf(row))!;
  const machine = machineOf(row, runtime.gpu.several);
  return JSON.stringify('lacks' in machine ? machine : [buildHardware(machine, runtime), runtime.prompt]);
}

/** Experts and choices a token in the graph of the first layer that has experts. */
function selectionOf(row: Measurement, model: ModelSpec): Selection {
  const whole = dropsExperts(row) ? modelOfRow({ ...row, run: { ...row.run, active_experts: undefined } }) : model;
  return ('lacks' in whole ? model : whole).layers[0]!;
}

/** The runtime with the row's own settings: device of prompts, form of latent attention, fused attention, reads during computing or before. */
function withRowSettings(runtime: RuntimeSpec, row: Measurement, selection: Selection): RuntimeSpec {
  const { flash_attention, mla } = row.run;
  const gpu = {
    ...runtime.gpu,
    ...(flash_attention === false && { flashAttention: false }),
    ...(mla !== undefined && mla < UNPACKED_FROM && { latent: 'absorbed' as const }),
  };
  const copy = {
    ...runtime.copy,
    ...(readsAhead(row) && { overlap: 'copy' as const }),
    ...(runtime.copy.pins && (row.run.mmap === false || UNMAPPED.test(row.flags ?? '')) && { staging: 'none' as const }),
  };
  const { sockets, untuned = sockets } = runtime.cpu;
  const cpu = { ...runtime.cpu, sockets: (row.run.numa ?? 'off') === 'off' ? untuned : sockets };
  return { ...runtime, cpu, gpu, copy, prompt: promptOf(runtime, row, selection) };
}

/** Flags of llama.cpp and llama-bench, old and new, with which files are read and not mapped. */
const UNMAPPED = /(?:^|\s)(?:--no-mmap|(?:-mmp|--mmap)\s0|(?:-lm|--load-mode)\snone)(?:\s|$)/;

/** Decode speed of all sequences together, tokens/s, the hit rate, and the times of its tokens. */
interface Decoded {
  readonly speed: number;
  readonly hitRate: number;
  readonly knowing: Knowing;
}

/** What a row decodes; if caches fill, after they have been warmed. */
async function decoding(world: RowWorld): Promise<Decoded> {
  const phase = decodingPhase(world.row, world.ubatch, world.brief);
  const whole = await simulated(world, phase);
  const [hitRate, knowing] = [of(whole, 'cache.hit_rate'), knowingOf(whole.metrics)];
  if (phase.warming === 0) return { speed: (phase.users * 1e9) / of(whole, 'latency.tpot.mean'), hitRate, knowing };
  const warm = await simulated(world, { ...phase, output: phase.warming });
  const rest = (name: string): number => of(whole, name) - of(warm, name);
  const demanded = rest('cache.hits') + rest('cache.late') + rest('cache.misses');
  const tokens = phase.users * (phase.output - phase.warming);
  // An engine that streams counts what it need not read, whichever memory has it.
  const kept = world.run.dramCache === null ? rest('cache.hits') : demanded - rest('transfer.ssd.count');
  return { speed: (tokens * 1e9) / rest('time.total'), hitRate: kept / demanded, knowing: afterWarming(whole, warm, phase) };
}

/** Times of the tokens after those that warm the caches; no hit rate is known of them alone. */
function afterWarming(whole: Result, warm: Result, { output, warming }: RowPhase): Knowing {
  const [all, first] = [knowingOf(whole.metrics), knowingOf(warm.metrics)];
  const keys = (['own', 'found'] as const).filter((key) => all[key] !== undefined && first[key] !== undefined);
  return Object.fromEntries(keys.map((key) => [key, all[key]! * (output - 1) - first[key]! * (warming - 1)]));
}

/** Prefill speed, tokens/s. */
async function prefilling(world: RowWorld): Promise<number> {
  const phase = promptPhase(world.row, world.ubatch, world.brief);
  return (phase.users * phase.prompt * 1e9) / of(await simulated(world, phase), 'latency.ttft.mean');
}

function simulated({ bounds, hardware, model, row, run, traces }: RowWorld, phase: RowPhase): Promise<Result> {
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
  // Profiles are counted on the first tokens, which no request walks.
  const routing = routingOfPart(traces.of(row, model, phase));
  return simulateInputs({ model, modelNote: null, hardware: pinnedFor(system, hardware), system, ...routing }, { ...spec, system });
}

const of = ({ metrics }: Result, name: string): number => metrics[name]!.value;

/** Experts of a layer, and those that the graph of a pass selects for a token. */
export interface Selection {
  readonly experts: number;
  readonly topK: number;
}

/** The rule for the row's prompt: the device that it states; if that is guessed, passes below the engine's threshold stay on the CPU. */
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

/** True if the engine drops experts while it computes (ik_llama.cpp -ser), so that its graph still selects all of the model's. */
export const dropsExperts = ({ flags = '' }: Measurement): boolean => hasFlag(flags, '-ser');

/** The row as its prompt ran: on threads of its own, if the command line sets them. */
export function onPromptThreads(row: Measurement): Measurement {
  const threads = /(?:^|\s)(?:-tb|--threads-batch)[\s=](\d+)/.exec(row.flags ?? '')?.[1];
  return threads === undefined ? row : { ...row, run: { ...row.run, threads: Number(threads) } };
}
