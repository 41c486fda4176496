// The search for a setting: on each ladder the highest rung that fits, by bisection, since memory and speed fall along the ladder; then the
// rungs next to it, since bisection only assumes that and a run shows it.
import { learnedBand } from '../engine/outcome/learned-bands.js';
import { type HardwareSpec, type Learned, learnedWidth, type SpeedKind } from '../hardware/door.js';
import { expertBytesTotal, type ModelSpec, tokenCycleBytes } from '../model/door.js';
import type { Accuracy } from '../result/result.js';
import type { LineShell } from '../runtime/flags/shell.js';
import type { Loaded } from '../runtime/kind/loaded.js';
import type { AdvisedRuntime, OfferedCache } from '../runtime/kind/runtime.js';
import { type DeviceMemory, freeOf, HOST, isFit } from '../runtime/setting/fits.js';
import { costOf, type Goal, isKept, type RequestShape } from '../runtime/setting/goal.js';
import { ALL_ON_GPU, bySlots, isAllOnGpu, type KvType, PLAIN, type Setting, type WeightPlacement } from '../runtime/setting/setting.js';
import type { RoutingTrace } from '../trace/trace.js';
import type { Drafting } from './drafting.js';
import type { Price, Pricer } from './price.js';

/** What timings taught of a machine, as a runtime drives it. */
interface LearnedMachine {
  readonly learned: Learned;
  /** With each knob moved, as of `nudged`. */
  readonly moved: readonly HardwareSpec[];
}

/** A request for advice: what settings are searched for, and what the answer needs besides. */
export interface Question {
  readonly runtime: AdvisedRuntime;
  readonly hardware: HardwareSpec;
  readonly goal: Goal;
  readonly request: RequestShape;
  readonly context: number;
  readonly users: number;
  /** Formats on offer, the preferred one first; null stands for the model's own. At least one. */
  readonly quantizations: readonly (string | null)[];
  readonly drafting: Drafting;
  /** Prices settings on the trace. */
  readonly pricer: Pricer;
  /** Routing of the model, long enough for pricing. */
  readonly trace: RoutingTrace;
  /** The model's name on a command line: a file or a folder; null: its file's usual name. */
  readonly file: string | null;
  /** Where it is on the Hugging Face hub, `owner/repo` or `owner/repo:format`; null: it is not from there. */
  readonly hub: string | null;
  /** True: it is a bundled one, whose files may be known. */
  readonly bundled?: boolean;
  /** The shell that lines are for; absent: the usual one of the machine, or of this computer. */
  readonly shell?: LineShell;
  /** The machine with weights that are mapped from their file, where `hardware` is one with weights in pinned memory; absent: they are alike. */
  readonly mapped?: HardwareSpec;
  /** The machine as `-w` named it; absent: it was detected. */
  readonly named?: string;
  /** Sentences on the machine, e.g. what was not seen of it. */
  readonly notes: readonly string[];
  /** Sentences: other backends and programs of the GPU, beside the one that is taken; absent: none. */
  readonly backends?: readonly string[];
  /** What timings taught of the machine, and the machine with each knob moved in turn; absent: nothing. */
  readonly learned?: LearnedMachine;
  /** The model in a format; null: its own. @throws UserError where there is none */
  model(quantization: string | null): ModelSpec;
}

/** A setting that fits, with its speeds. */
export interface Priced extends Loaded {
  readonly setting: Setting;
  readonly model: ModelSpec;
  readonly price: Price;
  /** Cost under the goal: smaller is better. */
  readonly cost: number;
  /** True where the demands of the goal are kept. */
  readonly kept: boolean;
}

/** Values of a setting beside its placement. */
type Beside = Omit<Setting, keyof WeightPlacement | 'fromDisk'>;

/** The expert cache of a setting; null: it has none. */
export function cacheOf({ caches }: AdvisedRuntime, { cache }: Pick<Setting, 'cache'>): OfferedCache | null {
  return caches.find(({ system }) => system === cache) ?? null;
}

/** Placements that a runtime has on a machine, most on the GPU first. @param cache system of the expert cache; null: none */
export function ladderOf({ hardware, runtime }: Question, model: ModelSpec, cache: string | null): readonly WeightPlacement[] {
  const [first] = hardware.tiers;
  if (cache !== null) return bySlots(model, cacheOf(runtime, { cache })!.keeps);
  if (first!.name !== 'unified') return runtime.ladder(model);
  // One memory: there is nothing to move. Where the CPU stands in the GPU's place, nothing is on a GPU.
  return [hardware.cpuOnly === true ? { ...ALL_ON_GPU, gpuLayers: 0 } : ALL_ON_GPU];
}

/** Memory of a setting by device. */
export function devicesOf(question: Question, model: ModelSpec, setting: Setting): readonly DeviceMemory[] {
  return memoryOf(question, model, setting).devices;
}

/** Memory of a setting by device, and the layers of each GPU. */
function memoryOf({ hardware, runtime }: Question, model: ModelSpec, setting: Setting): Loaded {
  return runtime.memory(model, setting, hardware);
}

/**
 * The highest rung that fits; null: none does.
 * Along the ladder the GPUs hold less and the host holds more, so the first rung that GPUs can hold is the only one to ask the host about.
 */
export function highestFit(question: Question, model: ModelSpec, beside: Beside): Setting | null {
  const setting = highestOnGpu(question, model, beside);
  return setting !== null && isFit(devicesOf(question, model, setting)) ? setting : null;
}

/** The highest rung whose part on the GPUs fits, whatever the host holds; null: none does. */
export function highestOnGpu(question: Question, model: ModelSpec, beside: Beside): Setting | null {
  const ladder = ladderOf(question, model, beside.cache);
  const at = firstOnGpu(question, model, beside, ladder);
  return at === ladder.length ? null : { ...beside, ...ladder[at]!, fromDisk: false };
}

/** The rung with the least on the GPUs, whether it fits or not. */
export function lowestRung(question: Question, model: ModelSpec, beside: Beside): Setting {
  return { ...beside, ...ladderOf(question, model, beside.cache).at(-1)!, fromDisk: false };
}

/**
 * The last resort: experts are read from the disk as they are needed, and host memory caches them; null: the machine names no disk, or not
 * even what every token needs fits.
 */
function highestFromDisk(question: Question, model: ModelSpec, beside: Beside): Setting | null {
  const { hardware, runtime } = question;
  if (!runtime.mapsFiles || hardware.tiers.at(-1)!.name !== 'ssd') return null;
  const shared = hardware.tiers[0]!.name === 'unified';
  const highest = shared ? { ...beside, ...ladderOf(question, model, null)[0]!, fromDisk: false } : highestOnGpu(question, model, beside);
  const setting = highest === null ? null : withoutSplit(highest);
  if (setting === null || cacheBytes(devicesOf(question, model, setting), model, setting) < tokenCycleBytes(model)) return null;
  return { ...setting, fromDisk: true };
}

/** A setting with its split layer in host memory: the disk is read in whole experts. */
function withoutSplit(setting: Setting): Setting {
  return setting.cpuProjections === null ? setting : { ...setting, cpuMoe: setting.cpuMoe + 1, cpuProjections: null };
}

/** Bytes of host memory, or of the one memory that there is, that can cache experts of the file. */
export function cacheBytes(devices: readonly DeviceMemory[], model: ModelSpec, setting: Setting): number {
  return Math.max(0, freeOf(devices.at(-1)!) + expertBytesTotal({ layers: layersInMemory(devices, model, setting) }));
}

/** Layers whose experts lie in host memory, or in the one memory that there is. */
function layersInMemory(devices: readonly DeviceMemory[], model: ModelSpec, setting: Setting): ModelSpec['layers'] {
  return setting.cpuMoe > 0 && devices.at(-1)!.name === HOST ? model.layers.slice(0, setting.cpuMoe) : model.layers;
}

/** Place of the first rung whose part on the GPUs fits; as many as there are rungs: none does. */
function firstOnGpu(question: Question, model: ModelSpec, beside: Beside, ladder: readonly WeightPlacement[]): number {
  return firstFit(ladder.length, (at) => {
    const devices = devicesOf(question, model, { ...beside, ...ladder[at]!, fromDisk: false });
    return missingOn(devices.filter(({ name }) => name !== HOST));
  });
}

/** Bytes that the fullest device lacks; below 0: the bytes that it has free. */
function missingOn(devices: readonly DeviceMemory[]): number {
  return Math.max(...devices.map((device) => -freeOf(device)));
}

/** Lengths of passes that are tried, tokens: passes longer than the prompt are no better than the first that holds it. */
export function passesOf({ request, runtime: { ubatches } }: Pick<Question, 'request' | 'runtime'>): readonly number[] {
  return ubatches.filter((_, i) => i === 0 || ubatches[i - 1]! < request.prompt);
}

/** Bytes of memory that cache experts of the disk; null: memory holds them all. */
function cachedBy({ devices }: Loaded, model: ModelSpec, setting: Setting): number | null {
  return setting.fromDisk ? cacheBytes(devices, model, setting) : null;
}

/** The bands of a priced setting: where timings taught the machine, they follow from its speeds with each knob moved. */
export async function bandsOf({ learned, pricer }: Question, priced: Priced): Promise<Price['bands']> {
  const { model, price, setting } = priced;
  if (learned === undefined) return price.bands;
  const cached = cachedBy(priced, model, setting);
  const decode: number[] = [];
  const prefill: number[] = [];
  for (const hardware of learned.moved) {
    decode.push(await pricer.decode({ model, hardware, setting, cached }));
    prefill.push(await pricer.prefill({ model, hardware, setting, cached }));
  }
  const of = (kind: SpeedKind, moved: readonly number[]): Accuracy =>
    learnedBand(learned.learned, learnedWidth(learned.learned, kind, price[kind], moved));
  return { decode: of('decode', decode), prefill: of('prefill', prefill) };
}

/** Prices a setting, and judges it by the goal. */
export async function priced(question: Question, model: ModelSpec, setting: Setting): Promise<Priced> {
  const { goal, hardware, pricer, request } = question;
  const memory = memoryOf(question, model, setting);
  const cached = cachedBy(memory, model, setting);
  const price = await pricer.price({ model, hardware, setting, cached });
  const cost = costOf(goal, price, setting.users, request);
  return { ...memory, setting, model, price, cost, kept: isKept(goal, cost) };
}

/** The highest rung that fits, priced; null: none does. */
export async function pricedFit(question: Question, model: ModelSpec, beside: Beside): Promise<Priced | null> {
  const setting = highestFit(question, model, beside);
  return setting === null ? null : priced(question, model, setting);
}

/** A cache must save so much of the cost to be advised: a fixed placement has no flag to watch. Ours. */
const WORTH = 0.02;

/**
 * The best setting of one format and one kind of KV cache; null: none fits.
 * @param fromDisk host memory may cache experts of the disk
 */
export async function bestSetting(question: Question, quantization: string | null, kv: KvType, fromDisk = false): Promise<Priced | null> {
  const found = await strategiesOf(question, quantization, kv, fromDisk);
  if (found.length === 0) return null;
  return found.reduce((best, one) => (one.cost < (best.setting.cache === null ? 1 - WORTH : 1) * best.cost ? one : best));
}

/** The best setting with a fixed placement, and then that of each expert cache which the runtime has and the machine has room for; empty: nothing fits. */
export async function strategiesOf(question: Question, quantization: string | null, kv: KvType, fromDisk = false): Promise<Priced[]> {
  const fixed = await fixedSetting(question, quantization, kv, fromDisk);
  const found = fixed === null ? [] : [fixed];
  const { context, hardware, runtime, users } = question;
  if (fromDisk || hardware.cpu === null || (fixed !== null && isAllOnGpu(fixed.setting))) return found;
  const from = fixed?.setting ?? { quantization, ubatch: passesOf(question)[0]!, kv, context, users, ...PLAIN };
  for (const { system } of runtime.caches) {
    const best = await cachedSetting(question, { ...from, ...PLAIN, cache: system });
    if (best !== null) found.push(best);
  }
  return found;
}

/** The best setting with an expert cache; null: it does not fit. Lengths of passes are tried from that of the fixed placement on, while the cost falls. */
async function cachedSetting(question: Question, beside: Beside): Promise<Priced | null> {
  const passes = passesOf(question);
  const model = question.model(beside.quantization);
  const at = (ubatch: number): Promise<Priced | null> => pricedFit(question, model, { ...beside, ubatch });
  const start = passes.indexOf(beside.ubatch);
  let best = await at(beside.ubatch);
  for (const others of [passes.slice(0, start).reverse(), passes.slice(start + 1)]) {
    for (const ubatch of others) {
      const one = await at(ubatch);
      if (best !== null && (one === null || one.cost >= best.cost)) break;
      best = one ?? best;
    }
  }
  return best === null ? null : withDrafts(question, await withOneSocket(question, best));
}

/** The best setting with a fixed placement; null: none fits. */
async function fixedSetting(question: Question, quantization: string | null, kv: KvType, fromDisk: boolean): Promise<Priced | null> {
  const { context, users } = question;
  const model = question.model(quantization);
  if (!fromDisk && exceedsMemory(question, model, { quantization, kv, context, users })) return null;
  let best: Priced | null = null;
  for (const ubatch of passesOf(question)) {
    const find = fromDisk ? highestFromDisk : highestFit;
    const setting = find(question, model, { quantization, ubatch, kv, context, users, ...PLAIN });
    if (setting === null) continue;
    const one = await priced(question, model, setting);
    if (best === null || one.cost < best.cost) best = one;
  }
  return best === null || fromDisk
    ? best
    : withDrafts(question, await withOneSocket(question, await withFollowedPrompts(question, await downTheLadder(question, best))));
}

/** True where the weights alone are more than all devices have together: no placement need be tried. */
function exceedsMemory(question: Question, model: ModelSpec, asked: Pick<Setting, 'quantization' | 'kv' | 'context' | 'users'>): boolean {
  const setting = lowestRung(question, model, { ...asked, ubatch: question.runtime.ubatches[0]!, ...PLAIN });
  return devicesOf(question, model, setting).reduce((sum, { has, weights }) => sum + weights - has, 0) > 0;
}

/** Lets the GPUs' experts follow prompts where the runtime can and it is faster; that takes room for a layer. */
async function withFollowedPrompts(question: Question, from: Priced): Promise<Priced> {
  const { request, runtime } = question;
  const least = runtime.followsFrom(from.model);
  if (least === null || request.prompt < least || from.setting.gpuExperts === null) return from;
  const setting = highestFit(question, from.model, { ...from.setting, followsPrompts: true });
  return setting?.gpuExperts === 0 ? from : ((await cheaper(question, from, setting)) ?? from);
}

/** A setting, priced, where it costs less than another one; null: it does not, or there is none. */
async function cheaper(question: Question, than: Priced, setting: Setting | null): Promise<Priced | null> {
  const one = setting === null ? null : await priced(question, than.model, setting);
  return one !== null && one.cost < than.cost ? one : null;
}

/** True where one of several sockets could compute alone. */
export function canIsolate({ hardware, runtime }: Pick<Question, 'hardware' | 'runtime'>, setting: Setting): boolean {
  return runtime.isolates && hardware.cpu?.sockets !== undefined && !isAllOnGpu(setting);
}

/** Uses one socket of the host where that is faster: it reads and holds only its own memory. */
async function withOneSocket(question: Question, from: Priced): Promise<Priced> {
  if (!canIsolate(question, from.setting)) return from;
  return (await cheaper(question, from, highestFit(question, from.model, { ...from.setting, oneSocket: true }))) ?? from;
}

/** Lengthens drafts as long as that is faster, each at its own best placement: the drafting layer and its cache take room. */
async function withDrafts(question: Question, from: Priced): Promise<Priced> {
  let best = from;
  for (const draft of lengthsOf(question, from.model)) {
    const next =
      draft === 0 ? null : await cheaper(question, best, highestFit(question, from.model, drafted(question, from.setting, draft)));
    if (next === null && draft > 0) break;
    best = next ?? best;
  }
  return best;
}

/** A setting with a draft of another length. */
export function drafted({ drafting: { drafter } }: Pick<Question, 'drafting'>, setting: Setting, draft: number): Setting {
  return { ...setting, draft, drafter };
}

/** Lengths of drafts that are tried, in order; empty: the runtime drafts nothing for the model. */
export function lengthsOf({ drafting, runtime, users }: Question, model: ModelSpec): readonly number[] {
  const { drafter, lengths } = drafting;
  const possible = drafter === 'mtp' ? runtime.drafts(model, users) : [];
  if (drafter === 'ngram' ? !runtime.looksUp : possible.length === 0) return [];
  return lengths ?? possible;
}

/** Goes down the ladder as long as the cost falls. */
async function downTheLadder(question: Question, from: Priced): Promise<Priced> {
  const ladder = ladderOf(question, from.model, null);
  let best = from;
  for (let at = rungOf(ladder, from.setting) + 1; at < ladder.length; at++) {
    const setting = { ...from.setting, ...ladder[at]! };
    const next = isFit(devicesOf(question, from.model, setting)) ? await cheaper(question, best, setting) : null;
    if (next === null) break;
    best = next;
  }
  return best;
}

/** Place of a setting's placement on its ladder. */
export function rungOf(ladder: readonly WeightPlacement[], placement: WeightPlacement): number {
  const same = (one: WeightPlacement): boolean =>
    (['cpuMoe', 'cpuProjections', 'gpuExperts', 'gpuLayers', 'slots'] as const).every((part) => one[part] === placement[part]);
  return ladder.findIndex(same);
}

/** Step of the search for the longest context, tokens. */
const CONTEXT_STEP = 1024;
/** No model is trained on more. */
const MOST_CONTEXT = 2 ** 20;

/** Longest context of each user with which a setting still fits, in steps of 1,024 tokens; its own where it does not fit as it is. */
export function contextThatFits(question: Question, { model, setting }: Pick<Priced, 'model' | 'setting'>): number {
  const own = Math.floor(setting.context / CONTEXT_STEP);
  // More than the model was trained on is of no use.
  const most = Math.max(own, Math.floor(Math.min(MOST_CONTEXT, model.trainedContext ?? MOST_CONTEXT) / CONTEXT_STEP));
  // From the longest down: the first that fits.
  const at = firstFit(most - own + 1, (down) =>
    missingOn(devicesOf(question, model, { ...setting, context: (most - down) * CONTEXT_STEP })),
  );
  return Math.max(setting.context, (most - at) * CONTEXT_STEP);
}

/**
 * The first place at which nothing is missing; `count` where there is none. Few are looked at, since counting memory takes milliseconds: bytes
 * fall almost linearly, so the next look is where the line through the two nearest ones crosses zero (regula falsi).
 * @param count places
 * @param missing bytes missing at a place, at most 0 where it fits; never more at a later place than at an earlier one
 */
export function firstFit(count: number, missing: (at: number) => number): number {
  if (count === 0) return 0;
  let [low, lack] = [0, missing(0)];
  if (lack <= 0) return 0;
  let [high, room] = [count - 1, count === 1 ? lack : missing(count - 1)];
  if (room > 0) return count;
  // Bytes are missing at `low`, none at `high`.
  for (let looks = 1; high - low > 1; looks++) {
    // Regula falsi creeps on a curved line, so every third step halves.
    const straight = looks % 3 === 0 ? (low + high) / 2 : low + ((high - low) * lack) / (lack - room);
    const at = Math.min(high - 1, Math.max(low + 1, Math.ceil(straight)));
    const bytes = missing(at);
    if (bytes <= 0) [high, room] = [at, bytes];
    else [low, lack] = [at, bytes];
  }
  return high;
}
