import { UserError } from '../base/errors.js';
import { basename } from '../base/host/paths.js';
import { splitRows } from '../base/profiles.js';
import { formatCount } from '../base/units.js';
import type { WorkWatch } from '../base/work-watch.js';
import { capacityBytes, parseCapacity } from '../cache/capacity.js';
import { parsePolicy } from '../cache/policies/index.js';
import { drawCurve } from '../capacity/door.js';
import type { ModelSpec } from '../model/door.js';
import { VERSION } from '../result/version.js';
import { DEFAULT_RUNTIME } from '../runtime/door.js';
import { concatTraces } from '../trace/concat.js';
import { cutNote } from '../trace/cut.js';
import { type DemandWindow, mixed, sumOf } from './demand.js';
import type { Placed, ProfileFormat } from './formats/format.js';
import { balancedHomes, imbalanceOf, linearHomes } from './homes.js';
import { ofLayers, residentBytes, residentsOf, type Split, slotsFor } from './residents.js';
import { captureOf, captureShares, driftOf, LEAST_WINDOWS, scoreOf, slotsIn } from './score.js';
import { type JudgedText, openSources, type Source, type SourceRequest, type Sources } from './sources.js';
import { expertRoom, overridesFor, type RunWith, waysOf } from './speed.js';

/** Request for a placement. */
export interface PlaceRequest extends SourceRequest {
  readonly split: Split;
  /** Resident experts: `auto` (the machine's room), `16/layer`, `25%`, `8GiB`; a profile's own slots win. */
  readonly slots: string;
  /** Null: no file. */
  readonly engine: ProfileFormat | null;
  /** GPUs of expert parallelism, and slots beyond the experts; null: experts off the card stay in DRAM. */
  readonly parallel: { readonly gpus: number; readonly redundant: number } | null;
  /** True: a machine is named. */
  readonly priced: boolean;
}

/** A placement with scores: the public format `moeprof.place/1`. */
export type ExpertPlacement = Awaited<ReturnType<typeof answerPlacement>>['placement'];

/** Context bands, tokens. Ours. */
const BANDS = [0, 512, 2048, 8192, 32_768, 131_072];
/** Caches compared with a static set: LRU, llama.cpp's own, and the bound. */
const POLICIES = ['lru', 'llama-moe-cache', 'belady'];
/** Points of the capture curve. Ours. */
const STEPS = 20;

/** @param runWith has model and machine @param path of the file, for flags @throws UserError for a misfit */
export async function answerPlacement(request: PlaceRequest, runWith: RunWith, watch: WorkWatch, path: string) {
  const { by, engine, inSample, split } = request;
  const breathe = watch.breathe ?? (async () => undefined);
  const sources = await openSources(request, runWith, breathe);
  const { counted, inputs, judged, model } = sources;
  for (const note of inputs.traces.map(cutNote)) if (note !== null) watch.note?.(note);
  try {
    const runtime = engine === null ? DEFAULT_RUNTIME : engine.runtime;
    const rows = judged[0] === undefined ? {} : { trace: judged[0].named };
    const priceWith: RunWith = (more) => runWith([...overridesFor(runtime === undefined ? rows : { ...rows, runtime }), ...more]);
    const { chosen, figured } = await setsOf(request, sources, () => expertRoom(priceWith, breathe));
    const { demand, homes, resident, slots } = figured;
    const { name, quantization } = model;
    const experts = model.layers.map((layer) => layer.experts);
    const windows = judged.flatMap((text) => text.windows);
    const score = scoreOf(model, resident, windows);
    const heldOut = chosen === figured ? null : { captured: score?.captured ?? null, ...rowsOf(sources) };
    const placed: Placed = {
      model,
      ...chosen,
      fingerprint: {
        ...{ schema: 'moeprof.profile/1', model: name, quantization, experts, slots: [...chosen.slots], by },
        counted: counted.flatMap((source) => source.rows ?? []),
        ...(heldOut === null ? {} : { heldOut }),
      },
    };
    const asked = sumOf(windows, model.experts);
    const domains = [];
    for (const text of judged) {
      await breathe();
      domains.push(await domainOf(request, sources, figured, text));
    }
    const priced = request.priced && runtime !== undefined && judged.length > 0 && homes === null;
    const ranks = { path: counted.map((part) => part.named).join(' + '), format: 'place', model: name, counts: byLayer(model, demand) };
    const placement = {
      schema: 'moeprof.place/1' as const,
      tool: { name: 'moeprof', version: VERSION } as const,
      model: { name, quantization, experts },
      from: counted.map(({ named, profile, trace, weight }) => {
        return { name: shortName(named), weight, format: profile?.format.name ?? trace!.meta.format };
      }),
      by,
      /** Null: a profile has its own. */
      split: counted.some((source) => source.demand === null) ? null : split,
      /** True: counted rows are judged. */
      inSample,
      /** Resident experts, bytes; 0 if unknown. */
      bytes: inputs.unsized === true ? 0 : residentBytes(model, chosen.slots),
      /** Resident ids by MoE layer, counted on all text. */
      residents: idsOf(model, chosen.resident),
      /** Set counted on `counted` alone, for all figures. Null: other text judges. */
      heldOut: heldOut && { ...heldOut, residents: idsOf(model, resident) },
      demand: byLayer(model, asked).map((layer) => Array.from(layer)),
      /** Null: too few windows. */
      score,
      domains,
      contexts: contextsOf(model, resident, windows),
      curve: windows.length < LEAST_WINDOWS ? [] : curveOf(model, demand, asked),
      imbalance: homes === null ? null : imbalanceIn(model, homes, asked),
      /** Null: no machine named, or an engine without a model in moeprof. */
      ways: priced ? await waysOf(priceWith, model, slots, ranks, counted[0]!.trace?.path ?? null, breathe) : null,
      hardware: request.priced ? inputs.hardware.name : null,
      /** Engine's format, source and flags; null: no file. */
      file: engine === null ? null : { engine: engine.name, cites: engine.cites, use: engine.use(path, placed) },
    };
    return { placement, placed };
  } finally {
    for (const trace of inputs.traces) trace.close();
  }
}

const byLayer = <T extends Float64Array | Uint8Array>({ layers }: ModelSpec, values: T): T[] =>
  layers.map(({ experts, offset }) => values.slice(offset, offset + experts) as T);

const idsOf = (model: ModelSpec, resident: Uint8Array): number[][] =>
  byLayer(model, resident).map((layer) => Array.from(layer.keys()).filter((expert) => layer[expert] === 1));

type Chosen = Pick<Placed, 'demand' | 'slots' | 'resident' | 'homes'>;

/** The written set, counted on all text, and the set of figures, counted before the judged rows. */
async function setsOf(request: PlaceRequest, { counted, model }: Sources, room: () => Promise<number>) {
  let bytes: Promise<number> | undefined;
  const chosenBy = (from: Sources['counted']) => choose(request, { counted: from, model }, () => (bytes ??= room()));
  const chosen = await chosenBy(counted);
  if (counted.every(({ demand, judging }) => demand === judging.demand)) return { chosen, figured: chosen };
  return { chosen, figured: await chosenBy(counted.map((source) => ({ ...source, ...source.judging }))) };
}

const rowsOf = ({ counted, judged }: Sources) => ({
  counted: counted.flatMap(({ judging }) => judging.rows ?? []),
  judged: judged.map(({ rows }) => rows),
});

/** Demand, slots and residents, from counts or a profile. */
async function choose(
  { engine, parallel, priced, slots: wanted, split }: PlaceRequest,
  { counted, model }: Pick<Sources, 'counted' | 'model'>,
  room: () => Promise<number>,
): Promise<Chosen> {
  const held = counted.length === 1 ? counted[0]!.profile?.held : undefined;
  const all = { slots: model.layers.map(({ experts }) => experts), resident: new Uint8Array(model.experts).fill(1) };
  if (held?.kind === 'homes') return { ...all, demand: new Float64Array(model.experts).fill(1), homes: held.homes };
  if (held?.kind === 'layers') return { ...ofWhole(model, held.resident), homes: null };
  const without = counted.find(({ demand }) => demand === null);
  if (without !== undefined)
    throw new UserError(`${without.named}: has no counts of experts to merge; take profiles with counts, or recordings`);
  const demand = mixed(model, counted as readonly (Source & { readonly demand: Float64Array })[]);
  if (parallel !== null) {
    const { gpus, redundant } = parallel;
    const most = Math.min(...model.layers.map(({ experts }) => experts * (gpus - 1)));
    if (redundant > most)
      throw new UserError(`--redundant ${redundant}: ${gpus} GPUs that each hold every expert have ${most}; take fewer`);
    const uneven = model.layers.find(({ experts }) => (experts + redundant) % gpus !== 0);
    if (uneven !== undefined) {
      const slots = uneven.experts + redundant;
      throw new UserError(`--gpus ${gpus}: ${slots} slots of a layer do not divide; take --redundant ${redundant + gpus - (slots % gpus)}`);
    }
    return { ...all, demand, homes: balancedHomes(model, demand, gpus, redundant) };
  }
  checkSplit(engine, split);
  const recorded = wanted === 'auto' && counted.length === 1 ? counted[0]!.profile?.fingerprint?.slots : undefined;
  if (wanted === 'auto' && recorded === undefined && !priced)
    throw new UserError('--slots auto: nothing says how many experts stay; name a machine with --hardware, or write --slots 25%');
  const written = (): number => capacityBytes(parseCapacity(/^\d+$/.test(wanted) ? `${wanted}/layer` : wanted), model);
  const slots = recorded ?? slotsFor(model, demand, wanted === 'auto' ? await room() : written(), split);
  // An engine with a single slot number takes the fullest layer's: a remainder would exceed the room.
  const kept = engine?.even === true ? slots.map((_, l) => Math.min(...slots, model.layers[l]!.experts)) : slots;
  return { demand, slots: kept, resident: residentsOf(model, demand, kept), homes: null };
}

/** @throws UserError if an engine cannot hold a split */
function checkSplit(engine: ProfileFormat | null, split: Split): void {
  if (engine === null) return;
  if (engine.holds === 'homes') throw new UserError(`--for ${engine.name}: places experts on several GPUs; say how many with --gpus`);
  const refuse = (knows: string, instead: string): never => {
    throw new UserError(`--split ${split}: ${engine.name} ${knows}; take --split ${instead}`);
  };
  if (engine.holds === 'layers' && !ofLayers(split)) refuse('knows whole layers only', 'first-layers, last-layers or flat-layers');
  if (engine.holds !== 'layers' && ofLayers(split)) refuse('knows experts', 'even');
  if (engine.even === true && split === 'skew') refuse('keeps as many experts of each layer', 'even');
}

function ofWhole(model: ModelSpec, whole: readonly boolean[]): Pick<Placed, 'demand' | 'slots' | 'resident'> {
  const resident = new Uint8Array(model.experts);
  for (const { experts, index, offset } of model.layers) if (whole[index]) resident.fill(1, offset, offset + experts);
  return { demand: Float64Array.from(resident), resident, slots: slotsIn(model, resident) };
}

/** @param asked judged demand */
const curveOf = (model: ModelSpec, demand: Float64Array, asked: Float64Array) =>
  Array.from({ length: STEPS }, (_, i) => (i + 1) / STEPS).map((share) => {
    const slots = model.layers.map(({ experts }) => Math.round(share * experts));
    return { share, ...captureShares(model, residentsOf(model, demand, slots), asked) };
  });

/** Score, hit rates of caches warmed by counted rows, and drift. */
async function domainOf(
  { split }: PlaceRequest,
  { counted, inputs, model }: Sources,
  { resident, slots }: Pick<Placed, 'resident' | 'slots'>,
  judged: JudgedText,
) {
  const alone = counted.length > 1 ? judged.source?.judging.demand : undefined;
  const ownSlots = alone == null ? null : slotsFor(model, alone, residentBytes(model, slots), split);
  const demand = sumOf(judged.windows, model.experts);
  const before = judged.source?.trace ?? counted[0]!.trace;
  const replayed = before === null ? judged.trace : concatTraces([before, judged.trace]);
  const curve = await drawCurve({
    model,
    trace: replayed,
    tokens: replayed.tokens,
    warmup: before?.tokens ?? 0,
    policies: POLICIES.map((text) => parsePolicy(text)),
    capacities: [residentBytes(model, slots)],
    ...{ unsized: inputs.unsized === true, folder: '.', seed: 1, popularity: null, at: null, threads: 0 },
    ...({ scope: 'global', replay: 'atomic', quotas: 'even' } as const),
  });
  return {
    name: shortName(judged.named),
    score: scoreOf(model, resident, judged.windows),
    /** Capture of a set counted on the text alone; null: a single or an uncounted text. */
    own: ownSlots === null ? null : captureOf(residentsOf(model, alone!, ownSlots), demand),
    caches: curve.policies.map(({ points, policy }) => ({ policy, hitRate: points[0]!.hitRate })),
    drift: driftOf(model, resident, judged.windows),
  };
}

/** Scores by context band. */
const contextsOf = (model: ModelSpec, resident: Uint8Array, windows: readonly DemandWindow[]) =>
  BANDS.flatMap((from, band) => {
    const to = BANDS[band + 1] ?? Number.POSITIVE_INFINITY;
    const inside = windows.filter(({ position }) => position >= from && position < to);
    const name = `${formatCount(from)} ${Number.isFinite(to) ? `to ${formatCount(to)}` : 'and more'}`;
    return inside.length === 0 ? [] : [{ name, score: scoreOf(model, resident, inside) }];
  });

/** Imbalance of neighbours (before) and of `homes` (after). */
function imbalanceIn(model: ModelSpec, homes: NonNullable<Placed['homes']>, demand: Float64Array) {
  const gpus = homes[0]!.length;
  const redundant = homes[0]!.flat().length - model.layers[0]!.experts;
  const before = imbalanceOf(model, linearHomes(model, gpus, redundant), demand);
  return { gpus, redundant, before, after: imbalanceOf(model, homes, demand) };
}

/** Name without folders and extension, with rows. */
function shortName(named: string): string {
  const { path, rows } = splitRows(named);
  return `${basename(path).replace(/\.(safetensors|jsonl|csv)$/, '')}${rows}`;
}

/** Reason of a missing score. */
export const TOO_FEW = `fewer than ${LEAST_WINDOWS} windows: no score`;
