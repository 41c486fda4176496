import { placed, UserError } from '../../base/errors.js';
import { isAbsolute, relative } from '../../base/host/paths.js';
import { cwd } from '../../base/host/process.js';
import { remembered } from '../../base/objects.js';
import { findProfile, isPath } from '../../base/profiles.js';
import { loadedChoice, locatedModule } from '../../base/user-module.js';
import type { WorkWatch } from '../../base/work-watch.js';
import { checkValue } from '../../base/yaml.js';
import { cachedLayersOf, passTokensOf } from '../../cache/policies/index.js';
import { type HardwareSpec, joinGpus, loadRuntime, type OwnCache, withLatency, withRate } from '../../hardware/door.js';
import { expertBytesTotal, loadModel, loadRouting, type ModelSpec, SHAPE, withExpertBytes, withKvFormat } from '../../model/door.js';
import { loadPredictor } from '../../predict/predictors/create.js';
import type { Result } from '../../result/result.js';
import { loadHardware } from '../../runtime/door.js';
import { ownScheduler } from '../../schedule/door.js';
import { gateWays, misfit, placeIn, type RunSpec, runtimeNamed, type SystemSpec, sharingPart } from '../../system/door.js';
import { concatTraces } from '../../trace/concat.js';
import { hasLocality, type RoutingProfile, routingProfileSchema } from '../../trace/generate/routing-profile.js';
import { requestsOf, synthesizing } from '../../trace/generate/synthetic.js';
import { checkFits, openTrace } from '../../trace/open/open.js';
import { tracedModel } from '../../trace/open/traced-model.js';
import type { Popularity } from '../../trace/popularity.js';
import { bundledModel, recordedModel } from '../../trace/recorded-model.js';
import { heldOutRows, selectRows } from '../../trace/selection.js';
import type { RoutingTrace } from '../../trace/trace.js';
import { needWeights, stackVariants } from '../../trace/variants/index.js';
import { firstRanks } from '../../trace/variants/top-k.js';
import { loadVariants } from '../../trace/variants/user-variant.js';
import { variantTrace } from '../../trace/variants/variant.js';
import { countsOnTrace } from './counts-on-trace.js';

/** Default tokens of a synthetic trace. */
export const SYNTHETIC_TOKENS = 512;
/** Share of a recorded trace's start, if popularity is counted on the trace. Ours: a fifth, as usual for test sets. */
export const HELD_OUT = 0.2;
/** Tokens drawn for a profile. Ours: more tokens rank experts alike, and every run draws a profile first. */
const MOST_APART = 65_536;
const DRAWN_APART = 'drawn apart from those that are replayed';
/** Candidates per choice in synthetic routing for re-ranking systems. */
const CANDIDATES_PER_CHOICE = 4;

/** Rows `[from, to)` of a trace. */
export interface Rows {
  readonly from: number;
  readonly to: number;
}

interface Apart {
  readonly tokens: number;
  /** Origin in words, e.g. `drawn apart from those that are replayed`. */
  readonly place: string;
  take(tokens: number): Promise<RoutingTrace>;
}

/** Inputs of a run. The opener closes the trace. */
export interface Inputs {
  readonly model: ModelSpec;
  /** Note on how the model was found; null: named by the trace. */
  readonly modelNote: string | null;
  readonly hardware: HardwareSpec;
  readonly system: SystemSpec;
  /** True: expert sizes are unknown, each counts as a byte. Absent: known. */
  readonly unsized?: true;
  readonly trace: RoutingTrace;
  /** Replayed rows of `traces` as recorded, joined. */
  readonly recorded: RoutingTrace;
  /** Further choices per token, for re-ranking systems; null: no candidates. */
  readonly candidates: RoutingTrace | null;
  readonly variants: boolean;
  /** SHA-256 of the user's variant modules. */
  readonly ownVariants?: readonly string[];
  readonly traces: readonly RoutingTrace[];
  /** Replayed rows of each file; earlier rows are held out. */
  readonly replayed: readonly Rows[];
  /** Source of drawn routing. Absent: recorded, or the user's own. */
  readonly routing?: NonNullable<Result['hitRange']>['routing'];
  /** Null: recorded routing, without held-out rows. */
  readonly apart: Apart | null;
  /** Counts for a placement in place of the system's; absent: the system's. */
  readonly counted?: Popularity;
}

/**
 * Loads a run's inputs.
 * @param hits of hit rates alone, the trace suffices; `counts`: popularity is counted on the trace @throws UserError
 */
export async function openInputs(
  named: RunSpec,
  watch: Pick<WorkWatch, 'breathe'> = {},
  hits: { readonly counts: boolean } | null = null,
): Promise<Inputs> {
  const run = await withModules(named);
  if (run.trace.includes('synthetic')) return syntheticInputs(run, watch);
  const { system } = run;
  const given = run.model === undefined ? undefined : modelOf(run, run.model);
  const hardware = hardwareOf(run, given);
  const format = run.traceFormat === undefined ? undefined : locatedModule(run.traceFormat, run.folder);
  const needed = hits?.counts ?? (await countsOnTrace(run));
  const traces: RoutingTrace[] = [];
  try {
    for (const path of run.trace)
      traces.push(await openTrace(traceFile(path, run.folder), { model: given, format, columns: run.traceColumns, fits: false }));
    const { model, note, unsized } =
      given === undefined ? modelFor(traces[0]!, run, hits !== null) : { model: given, note: null, unsized: given.name.startsWith(SHAPE) };
    const replayed = replayedRows(traces, run, needed);
    const joined = (rows: readonly Rows[]): RoutingTrace =>
      concatTraces(rows.flatMap(({ from, to }, i) => (from === to ? [] : [selectRows(traces[i]!, from, to, traces[i]!.path)])));
    const routing = routed(joined(replayed), model, system, run);
    const earlier = replayed.map(({ from }) => ({ from: 0, to: from }));
    const sized = run.quantization === undefined ? withRecordedSizes(model, routing.trace.meta.expertBytes) : model;
    return {
      model: stored(run, sized, hardware),
      modelNote: note,
      ...(unsized ? { unsized } : {}),
      hardware,
      system,
      ...routing,
      traces,
      replayed,
      apart: earlier.every(({ to }) => to === 0) ? null : apartOf(joined(earlier), (rows) => routed(rows, model, system, run).trace),
    };
  } catch (error) {
    for (const trace of traces) trace.close();
    throw error;
  }
}

function modelFor(trace: RoutingTrace, run: RunSpec, hitsOnly: boolean): { model: ModelSpec; note: string | null; unsized: boolean } {
  const found = hitsOnly ? bundledModel(trace) : recordedModel(trace);
  if (found !== null) return { model: modelOf(run, found.name), note: found.note, unsized: false };
  const { model, note, sized } = tracedModel(trace);
  return { model, note, unsized: !sized };
}

/** All except policies, loaded by each cache. @throws UserError if a module is unusable */
async function withModules(run: RunSpec): Promise<RunSpec> {
  const { folder, system, variants } = run;
  const { predictor, scheduler } = system;
  return {
    ...run,
    ...(variants === undefined ? {} : { variants: await loadVariants(variants, folder) }),
    system: {
      ...system,
      predictor: { ...predictor, kind: await loadPredictor(predictor.kind, folder) },
      scheduler: { ...scheduler, kind: await loadedChoice('scheduler', scheduler.kind, ownScheduler, folder) },
    },
  };
}

/** Replayed rows of each file. @param counts true: counts before the run hold out the first part */
function replayedRows(traces: readonly RoutingTrace[], { workload }: RunSpec, counts: boolean): Rows[] {
  const { holdOut, tokens: most = Number.POSITIVE_INFINITY } = workload;
  const share = holdOut ?? (counts ? HELD_OUT : null);
  return traces.map((trace) => {
    const from = share === null ? 0 : heldOutRows(trace, share);
    return { from, to: Math.min(from + most, trace.tokens) };
  });
}

function firstOf(drawn: RoutingTrace): Apart {
  return { tokens: drawn.tokens, place: DRAWN_APART, take: async (tokens) => ({ ...drawn, tokens }) };
}

/** Popularity is counted on the first rows of `drawn`. */
export function routingOfPart(part: RoutingTrace, drawn = part): Omit<Inputs, 'model' | 'modelNote' | 'hardware' | 'system'> {
  const replayed = [{ from: 0, to: part.tokens }];
  return { trace: part, recorded: part, candidates: null, variants: false, traces: [part], replayed, apart: firstOf(drawn) };
}

function apartOf(held: RoutingTrace, vary: (rows: RoutingTrace) => RoutingTrace): Apart {
  const { tokens, path } = held;
  const take = async (some: number): Promise<RoutingTrace> => vary(selectRows(held, tokens - some, tokens, path));
  return { tokens, place: 'before those that are replayed', take };
}

async function syntheticInputs(run: RunSpec, watch: Pick<WorkWatch, 'breathe'>): Promise<Inputs> {
  const { seed, system, workload } = run;
  if (run.trace.length > 1) throw misfit(run, 'trace', "'synthetic' cannot be joined with files; give one or the other");
  if (run.model === undefined) throw misfit(run, 'model', 'synthetic routing needs a model; name one, e.g. --model qwen3-30b-a3b');
  const model = modelOf(run, run.model);
  const hardware = hardwareOf(run, model);
  const routing = loadRouting(run.model, run.folder, run.overrides.model);
  const profile = routing === null ? undefined : checkValue(routing, `model ${run.model}: routing`, routingProfileSchema);
  const choices = widestTopK(model);
  // With as many candidates as choices, candidates are the choices, with weights.
  const judged = [...gateWays(system.onMiss)].some((by) => by !== 'rank') && profile?.per !== 'request';
  const weighed = judged || needWeights(run.variants ?? []);
  const candidates = system.rerank !== undefined ? CANDIDATES_PER_CHOICE * choices : weighed ? choices : undefined;
  const draw = async (tokens: number, apart: boolean): Promise<RoutingTrace> => {
    const requests = requestsOf(tokens, [{ prefill: workload.prompt, decode: workload.output }]);
    const drawing = synthesizing(model, { seed, requests, profile, candidates, apart });
    let step = drawing.next();
    for (; step.done !== true; step = drawing.next()) await watch.breathe?.();
    return step.value;
  };
  const trace = await draw(workload.tokens ?? SYNTHETIC_TOKENS, false);
  const drawn = new Map<number, Promise<RoutingTrace>>();
  const take = (tokens: number): Promise<RoutingTrace> =>
    remembered(drawn, tokens, () => draw(tokens, true).then((other) => routed(other, model, system, run).trace));
  return {
    model: stored(run, model, hardware),
    modelNote: null,
    hardware,
    system,
    ...routed(trace, model, system, run),
    traces: [trace],
    replayed: [{ from: 0, to: trace.tokens }],
    ...sourceOf(profile, run),
    apart: { tokens: MOST_APART, place: DRAWN_APART, take },
  };
}

/** Load and repeats decide hit rates. A user's own profile has unknown error; a text by name is the profile's. */
function sourceOf(profile: Partial<RoutingProfile> = {}, { model, overrides, variants = [] }: RunSpec): Pick<Inputs, 'routing'> {
  const both = hasLocality(profile);
  const changed = overrides.model.some(({ path }) => path[0] === 'routing' && path[1] !== 'text');
  if ((both && isPath(model!)) || variants.length > 0 || changed || profile.per === 'request') return {};
  return { routing: both ? 'profile' : profile.balance === 'bias' ? 'bias' : profile.balance === undefined ? 'shape' : 'prior' };
}

/** Applies variants, and separates choices from candidates. @throws UserError if a variant fails or does not fit */
function routed(
  recorded: RoutingTrace,
  model: ModelSpec,
  { rerank }: SystemSpec,
  run: RunSpec,
): Pick<Inputs, 'trace' | 'recorded' | 'candidates' | 'variants' | 'ownVariants'> {
  const { seed, variants = [] } = run;
  const varied = placed(placeIn(run, 'variants'), () => stackVariants(recorded, variants, { model, seed }));
  const ownVariants = variants.flatMap(({ sha256 }) => sha256 ?? []);
  const facts = { recorded, variants: variants.length > 0, ...(ownVariants.length === 0 ? {} : { ownVariants }) };
  if (rerank === undefined) {
    checkFits(varied, model);
    return { ...facts, trace: varied, candidates: null };
  }
  const trace = placed(`${placeIn(run, 'system.rerank')}: system`, () => topOf(varied, model));
  checkFits(trace, model);
  return { ...facts, trace, candidates: varied };
}

/** Under the runtime of run or system. Several GPUs share experts unless run or system differ. @throws UserError */
export function hardwareOf(run: RunSpec, model?: ModelSpec): HardwareSpec {
  const { folder, hardware, learned, overrides, system } = run;
  const name = runtimeNamed(run);
  const named = name === null ? null : loadRuntime(name, folder, overrides.runtime);
  const loaded = loadHardware(hardware, folder, overrides.hardware, named, overrides.runtime, learned ?? null);
  const machine = pinnedFor(system, loaded, model === undefined ? 0 : expertBytesTotal(model));
  if (machine.gpus === undefined) return machine;
  const asked = overrides.runtime.some(({ path }) => path.join('.') === 'gpu.several');
  const parallel = sharingPart(system) !== null;
  const says = asked || (named !== null && !parallel) ? (machine.software?.several ?? 'experts') : 'experts';
  // Unless the run states a way, unequal GPUs share layers.
  const sharing = !asked && !parallel && machine.gpus.others !== undefined && says === 'experts' ? 'layers' : says;
  return sharing === 'experts' ? machine : joinGpus(machine, sharing);
}

/**
 * Machine with the system's link: an expert cache reads pinned memory, a static placement the runtime's memory.
 * @param hostBytes bytes of experts in host memory
 */
export function pinnedFor({ cache: { policy } }: SystemSpec, machine: HardwareSpec, hostBytes: number): HardwareSpec {
  const { cache: copies, pinned = 1 } = machine.software ?? {};
  const tokens = passTokensOf(policy);
  if (copies !== undefined && tokens !== null) {
    const factor = isPinned(machine, copies, hostBytes) ? copies.pinned : copies.mapped;
    const { latencyNs } = copies;
    const links = copiesAt(machine, factor).map((link) => (link.name === 'h2d' ? withLatency(link, latencyNs) : link));
    const unqueuedNs = Math.max(0, (machine.links.find(({ name }) => name === 'h2d')?.latencyNs ?? latencyNs) - latencyNs);
    const readBacks = { ns: copies.readBackNs, layers: cachedLayersOf(policy), tokens, unqueuedNs };
    return { ...machine, links, readBacks };
  }
  return pinned === 1 || policy.name === 'static' ? machine : { ...machine, links: copiesAt(machine, pinned) };
}

/** True if a cache's copies come from pinned memory. */
export const isPinned = ({ tiers }: HardwareSpec, { pinnable }: OwnCache, hostBytes: number): boolean =>
  pinnable > 0 && hostBytes <= pinnable * (tiers[1]?.bytes ?? 0);

const copiesAt = ({ links }: HardwareSpec, factor: number): HardwareSpec['links'] =>
  links.map((link) => (link.name === 'h2d' ? withRate(link, (rate) => rate * factor) : link));

/** @throws UserError if quantized values need missing flash attention */
function stored(run: RunSpec, model: ModelSpec, { gpu }: HardwareSpec): ModelSpec {
  const { kvFormat } = run.memory;
  if (kvFormat === undefined) return model;
  const { text, valueBits } = kvFormat;
  if (valueBits < 16 && gpu.scoreBytes !== undefined) {
    const instead = `${text.split('/')[0]}/f16`;
    const why = `values of ${valueBits} bits need flash attention, and runtime.gpu.flashAttention is off`;
    throw misfit(run, 'memory.kvFormat', `${why}; take ${instead}, or leave it on`);
  }
  return withKvFormat(model, kvFormat);
}

function traceFile(path: string, folder: string): string {
  if (path === '-') return path;
  const file = findProfile('traces', path, folder);
  return isPath(path) && !isAbsolute(path) ? relative(cwd(), file) || '.' : file;
}

const modelOf = (run: RunSpec, name: string): ModelSpec => loadModel(name, run.quantization ?? null, run.folder, run.overrides.model);

/** Model with recorded expert sizes (uneven by mixed quantization), unless the run names a quantization. */
function withRecordedSizes(model: ModelSpec, expertBytes: readonly number[] | null): ModelSpec {
  if (expertBytes === null) return model;
  return { ...model, layers: model.layers.map((layer) => withExpertBytes(layer, expertBytes[layer.index]!)) };
}

const widestTopK = (model: ModelSpec): number => model.layers.reduce((most, layer) => Math.max(most, layer.topK), 1);

/** The model's choices without re-ranking. @throws UserError if gate weights or surplus choices are missing */
export function topOf(candidates: RoutingTrace, model: ModelSpec): RoutingTrace {
  const widest = widestTopK(model);
  const make = `moeprof trace generate --candidates ${4 * widest}`;
  if (!candidates.has.weights)
    throw new UserError(`rerank: needs gate weights, which ${candidates.path} does not carry; record them, or take ${make}`);
  if (candidates.topK <= widest)
    throw new UserError(
      `rerank: ${candidates.path} has ${candidates.topK} choices per token and layer and ${model.name} makes ${widest}, ` +
        `so there is nothing to choose from; record more with their weights, or take ${make}`,
    );
  const choices = Array.from({ length: candidates.layers }, (_, layer) => model.layers[layer]?.topK ?? widest);
  return variantTrace(candidates, firstRanks(candidates, choices), `choices ${choices.join()}`, `top-k=${widest}`);
}
