// A placement: which experts stay, counted on some text, and what that is worth on other text. One function from a question to the answer of
// `moeprof place`, `place judge` and `place merge`.

import { UserError } from '../base/errors.js';
import { basename } from '../base/host/paths.js';
import { splitRows } from '../base/profiles.js';
import type { WorkWatch } from '../base/work-watch.js';
import { capacityBytes, parseCapacity } from '../cache/capacity.js';
import { parsePolicy } from '../cache/policies/index.js';
import { drawCurve } from '../capacity/door.js';
import type { ModelSpec } from '../model/door.js';
import { VERSION } from '../result/version.js';
import { DEFAULT_RUNTIME } from '../runtime/index.js';
import { concatTraces } from '../trace/concat.js';
import { type DemandWindow, mixed, sumOf } from './demand.js';
import type { Fingerprint } from './formats/fingerprint.js';
import type { Held, Placed, ProfileFormat } from './formats/format.js';
import { balancedHomes, imbalanceOf, linearHomes } from './homes.js';
import { ofLayers, residentBytes, residentsOf, type Split, slotsFor } from './residents.js';
import { type CaptureScore, captureOf, type Drift, driftOf, LEAST_WINDOWS, scoreOf, slotsIn } from './score.js';
import { type JudgedText, openSources, type Source, type SourceRequest, type Sources } from './sources.js';
import { expertRoom, overridesFor, type RunWith, type Way, waysOf } from './speed.js';

/** A question. */
export interface PlaceRequest extends SourceRequest {
  readonly split: Split;
  /** Experts that stay: `auto` (what the machine leaves), `16/layer`, `25%`, `8GiB`; a profile that has slots of its own keeps them. */
  readonly slots: string;
  /** Null: no file is written. */
  readonly engine: ProfileFormat | null;
  /** GPUs that share the experts (expert parallelism), and slots beyond one for each expert; null: experts off the card wait in DRAM. */
  readonly parallel: { readonly gpus: number; readonly redundant: number } | null;
  /** True: a machine is named, and ways are priced on it. */
  readonly priced: boolean;
}

/** The worth of a placement on one text. */
export interface DomainScore {
  readonly name: string;
  /** Null: fewer windows than a score needs. */
  readonly score: CaptureScore | null;
  /** What a placement captures that was counted on this text alone; null: there is one text, or another was counted. */
  readonly own: number | null;
  /** Hit rates of caches with as many bytes that have served the counted rows before; null: there are no rows to replay. */
  readonly caches: readonly { readonly policy: string; readonly hitRate: number }[] | null;
  readonly drift: Drift | null;
}

/** The worth on windows that begin in a range of positions. */
interface ContextScore {
  /** Tokens of context, `[from, to)`. */
  readonly from: number;
  readonly to: number;
  readonly score: CaptureScore | null;
}

/** A placement and its worth: the public format `moeprof.place/1`. */
export interface ExpertPlacement {
  readonly schema: 'moeprof.place/1';
  readonly tool: { readonly name: 'moeprof'; readonly version: string };
  readonly model: { readonly name: string; readonly quantization: string; readonly experts: readonly number[] };
  readonly from: readonly { readonly name: string; readonly weight: number; readonly format: string }[];
  readonly by: string;
  /** Null: a profile has its own. */
  readonly split: Split | null;
  /** True: it is judged by rows that it was counted on. */
  readonly inSample: boolean;
  /** Bytes of experts that stay; 0 where nothing says how large they are. */
  readonly bytes: number;
  /** Experts that stay, by MoE layer, and their ids. */
  readonly slots: readonly number[];
  readonly residents: readonly (readonly number[])[];
  /** Judged demand by layer and expert. */
  readonly demand: readonly (readonly number[])[];
  /** Over all judged text; null: fewer windows than a score needs. */
  readonly score: CaptureScore | null;
  readonly domains: readonly DomainScore[];
  readonly contexts: readonly ContextScore[];
  /** Captured share against the share of experts that stay, by the same ranks. */
  readonly curve: readonly { readonly share: number; readonly captured: number; readonly uniform: number; readonly oracle: number }[];
  /** Busiest GPU over the mean before (neighbours together) and after; null: GPUs do not share experts. */
  readonly imbalance: { readonly gpus: number; readonly redundant: number; readonly before: number; readonly after: number } | null;
  /** Null: no machine is named, or no run of moeprof stands for the engine. */
  readonly ways: readonly Way[] | null;
  readonly hardware: string | null;
  /** Format of the file and the flags that load it; null: none is written. */
  readonly file: { readonly engine: string; readonly cites: string; readonly use: string } | null;
}

/** A placement, and what a writer needs of it. */
export interface PlacedAnswer {
  readonly placement: ExpertPlacement;
  readonly placed: Placed;
}

/** Bands of context; four times as much each. */
const BANDS = [0, 512, 2048, 8192, 32_768, 131_072, Number.POSITIVE_INFINITY];
/** Caches beside a static set: LRU, llama.cpp's own, and the bound. */
const POLICIES = ['lru', 'frequency-classes:halfLife=128', 'belady'];
/** Points of capture against slots. */
const STEPS = 20;

/**
 * Answers a question.
 * @param runWith the run that names model and machine
 * @param path where the file goes; it stands in the flags
 * @throws UserError where something does not fit, or a score would say nothing
 */
export async function answerPlacement(request: PlaceRequest, runWith: RunWith, watch: WorkWatch, path: string): Promise<PlacedAnswer> {
  const breathe = watch.breathe ?? (async () => undefined);
  const sources = await openSources(request, runWith, breathe);
  try {
    const { counted, inputs, model } = sources;
    const runtime = request.engine === null ? DEFAULT_RUNTIME : request.engine.runtime;
    const priceWith: RunWith = (more) =>
      runWith([...judgedRun(sources), ...(runtime === undefined ? [] : overridesFor({ runtime })), ...more]);
    const chosen = await choose(request, sources, () => expertRoom(priceWith, breathe));
    const placed = { model, ...chosen, fingerprint: fingerprintOf(request, sources, chosen.slots) };
    const windows = sources.judged.flatMap((one) => one.windows);
    const { engine } = request;
    const domains: DomainScore[] = [];
    for (const one of sources.judged) {
      await breathe();
      domains.push(await domainOf(request, sources, placed, one));
    }
    const priced = request.priced && runtime !== undefined && sources.judged.length > 0 && chosen.homes === null;
    const counts = model.layers.map(({ experts, offset }) => placed.demand.slice(offset, offset + experts));
    const profile = { path: request.parts.map(({ named }) => named).join(' + '), format: 'place', model: model.name, counts };
    const warm = counted[0]!.trace?.path ?? null;
    const placement: ExpertPlacement = {
      ...headOf(request, sources, placed, windows),
      domains,
      contexts: contextsOf(model, placed.resident, windows),
      imbalance: imbalanceIn(request, model, placed, windows),
      ways: priced ? await waysOf(priceWith, model, placed.slots, profile, warm, breathe) : null,
      hardware: request.priced ? inputs.hardware.name : null,
      file: engine === null ? null : { engine: engine.name, cites: engine.cites, use: engine.use(path, placed) },
    };
    return { placement, placed };
  } finally {
    for (const trace of sources.inputs.traces) trace.close();
  }
}

/** The first judged text as the rows of a run. */
function judgedRun({ judged }: Sources): ReturnType<typeof overridesFor> {
  return judged.length === 0 ? [] : overridesFor({ trace: judged[0]!.named });
}

/** Demand, slots and residents, from counts or as a profile has them. */
async function choose(
  { engine, parallel, parts, slots: wanted, split }: PlaceRequest,
  { counted, model }: Sources,
  room: () => Promise<number>,
): Promise<Pick<Placed, 'demand' | 'slots' | 'resident' | 'homes'>> {
  const held = counted.length === 1 ? counted[0]!.profile?.held : undefined;
  const all = { slots: model.layers.map(({ experts }) => experts), resident: new Uint8Array(model.experts).fill(1) };
  if (held?.kind === 'homes') return { ...all, demand: new Float64Array(model.experts).fill(1), homes: held.homes };
  if (held?.kind === 'layers') return { ...ofLayersHeld(model, held), homes: null };
  const without = counted.find(({ demand }) => demand === null);
  if (without !== undefined)
    throw new UserError(`${without.named}: has no counts of experts to merge; take profiles with counts, or recordings`);
  const demand = mixed(model, counted as readonly (Source & { readonly demand: Float64Array })[]);
  if (parallel !== null) {
    const { gpus, redundant } = parallel;
    const uneven = model.layers.find(({ experts }) => (experts + redundant) % gpus !== 0);
    if (uneven !== undefined) {
      const slots = uneven.experts + redundant;
      throw new UserError(`--gpus ${gpus}: ${slots} slots of a layer do not divide; take --redundant ${redundant + gpus - (slots % gpus)}`);
    }
    return { ...all, demand, homes: balancedHomes(model, demand, gpus, redundant) };
  }
  checkSplit(engine, split);
  const own = parts.length === 1 && wanted === 'auto' ? counted[0]!.profile?.fingerprint?.slots : undefined;
  const slots =
    own ??
    slotsFor(
      model,
      demand,
      wanted === 'auto' ? await room() : capacityBytes(parseCapacity(/^\d+$/.test(wanted) ? `${wanted}/layer` : wanted), model),
      split,
    );
  // An engine with one number for all layers takes what the fullest layer leaves: a remainder of bytes would make one too many elsewhere.
  const kept = engine?.even === true ? slots.map((_, l) => Math.min(...slots, model.layers[l]!.experts)) : slots;
  return { demand, slots: kept, resident: residentsOf(model, demand, kept), homes: null };
}

/** @throws UserError where an engine cannot hold a split */
function checkSplit(engine: ProfileFormat | null, split: Split): void {
  if (engine === null) return;
  if (engine.holds === 'homes') throw new UserError(`--for ${engine.name}: places experts on several GPUs; say how many with --gpus`);
  if ((engine.holds === 'layers') !== ofLayers(split)) {
    const instead = engine.holds === 'layers' ? 'first-layers, last-layers or flat-layers' : 'even';
    throw new UserError(
      `--split ${split}: ${engine.name} knows ${engine.holds === 'layers' ? 'whole layers only' : 'experts'}; take --split ${instead}`,
    );
  }
  if (engine.even === true && split === 'skew')
    throw new UserError(`--split skew: ${engine.name} keeps as many experts of each layer; take --split even`);
}

function ofLayersHeld(
  model: ModelSpec,
  { resident: whole }: Extract<Held, { kind: 'layers' }>,
): Pick<Placed, 'demand' | 'slots' | 'resident'> {
  const resident = new Uint8Array(model.experts);
  for (const { experts, index, offset } of model.layers) if (whole[index]) resident.fill(1, offset, offset + experts);
  return { demand: Float64Array.from(resident), resident, slots: slotsIn(model, resident) };
}

function fingerprintOf({ by }: PlaceRequest, { counted, model }: Sources, slots: readonly number[]): Fingerprint {
  return {
    schema: 'moeprof.profile/1',
    model: model.name,
    quantization: model.quantization,
    experts: model.layers.map(({ experts }) => experts),
    slots: [...slots],
    by,
    counted: counted.flatMap(({ rows }) => rows ?? []),
  };
}

function headOf(
  { by, inSample, split }: PlaceRequest,
  { counted, inputs, model }: Sources,
  { demand, resident, slots }: Placed,
  windows: readonly DemandWindow[],
): Omit<ExpertPlacement, 'domains' | 'contexts' | 'imbalance' | 'ways' | 'hardware' | 'file'> {
  const judged = sumOf(windows, model.experts);
  const lists = <T>(of: (id: number) => T): T[][] =>
    model.layers.map(({ experts, offset }) => Array.from({ length: experts }, (_, e) => of(offset + e)));
  return {
    schema: 'moeprof.place/1',
    tool: { name: 'moeprof', version: VERSION },
    model: { name: model.name, quantization: model.quantization, experts: model.layers.map(({ experts }) => experts) },
    from: counted.map(({ named, profile, trace, weight }) => ({
      name: shortName(trace?.path ?? named),
      weight,
      format: profile?.format.name ?? trace!.meta.format,
    })),
    by,
    split: counted.some(({ demand }) => demand === null) ? null : split,
    inSample,
    bytes: inputs.unsized === true ? 0 : residentBytes(model, slots),
    slots,
    residents: lists((id) => resident[id]!).map((layer) => layer.flatMap((one, e) => (one === 1 ? [e] : []))),
    demand: lists((id) => judged[id]!),
    score: scoreOf(model, resident, windows),
    curve: curveOf(model, demand, windows),
  };
}

/** Capture against the share of each layer's experts that stay. */
function curveOf(model: ModelSpec, demand: Float64Array, windows: readonly DemandWindow[]): ExpertPlacement['curve'] {
  return Array.from({ length: STEPS }, (_, i) => (i + 1) / STEPS).flatMap((share) => {
    const slots = model.layers.map(({ experts }) => Math.round(share * experts));
    const score = scoreOf(model, residentsOf(model, demand, slots), windows);
    return score === null ? [] : [{ share, captured: score.captured, uniform: score.uniform, oracle: score.oracle }];
  });
}

async function domainOf(
  { split }: PlaceRequest,
  { counted, inputs, model }: Sources,
  { resident, slots }: Placed,
  one: JudgedText,
): Promise<DomainScore> {
  const score = scoreOf(model, resident, one.windows);
  const alone = counted.length > 1 ? one.source?.demand : undefined;
  const ownSlots = alone == null ? null : slotsFor(model, alone, residentBytes(model, slots), split);
  const demand = sumOf(one.windows, model.experts);
  const before = one.source?.trace ?? counted[0]!.trace;
  const replayed = before === null ? one.trace : concatTraces([before, one.trace]);
  const curve = await drawCurve({
    model,
    unsized: inputs.unsized === true,
    trace: replayed,
    policies: POLICIES.map((text) => parsePolicy(text)),
    folder: '.',
    capacities: [residentBytes(model, slots)],
    scope: 'global',
    replay: 'atomic',
    quotas: 'even',
    tokens: replayed.tokens,
    warmup: before?.tokens ?? 0,
    seed: 1,
    popularity: null,
    at: null,
    threads: 0,
  });
  return {
    name: shortName(one.named),
    score,
    own: ownSlots === null ? null : captureOf(residentsOf(model, alone!, ownSlots), demand),
    caches: curve.policies.map(({ points, policy }) => ({ policy, hitRate: points[0]!.hitRate })),
    drift: driftOf(model, resident, one.windows),
  };
}

function contextsOf(model: ModelSpec, resident: Uint8Array, windows: readonly DemandWindow[]): ContextScore[] {
  return BANDS.slice(0, -1).flatMap((from, band) => {
    const to = BANDS[band + 1]!;
    const own = windows.filter(({ position }) => position >= from && position < to);
    return own.length === 0 ? [] : [{ from, to, score: scoreOf(model, resident, own) }];
  });
}

function imbalanceIn(
  { parallel }: PlaceRequest,
  model: ModelSpec,
  { homes }: Placed,
  windows: readonly DemandWindow[],
): ExpertPlacement['imbalance'] {
  if (homes === null) return null;
  const gpus = parallel?.gpus ?? homes[0]!.length;
  const redundant = homes[0]!.flat().length - model.layers[0]!.experts;
  const demand = sumOf(windows, model.experts);
  return {
    gpus,
    redundant,
    before: imbalanceOf(model, linearHomes(model, gpus, redundant), demand),
    after: imbalanceOf(model, homes, demand),
  };
}

/** A file without its folders and its ending, with its rows. */
function shortName(named: string): string {
  const { path, rows } = splitRows(named);
  return `${basename(path).replace(/\.(safetensors|jsonl|csv)$/, '')}${rows}`;
}

/** Why there is no score, in words. */
export const TOO_FEW = `fewer than ${LEAST_WINDOWS} windows: no score`;
