import { learnedBand } from '../engine/outcome/learned-bands.js';
import { type SpeedKind, timeShares } from '../hardware/door.js';
import { type ModelSpec, publishedFile } from '../model/door.js';
import type { Accuracy } from '../result/result.js';
import { costOf, draftLengths, isAllOnGpu, isFit, isKept, type KvType, type Loaded, PLAIN, type Setting } from '../runtime/door.js';
import { type Beside, cacheBytes, devicesOf, highestFit, highestFromDisk, ladderOf, loadOf, lowestRung, rungOf } from './fit.js';
import type { Price, Priced } from './price.js';
import { drivenBy, hasSlots, type Question } from './question.js';
import { cacheRatio } from './sure.js';
import { unmapped } from './what-if.js';

/** Pass lengths to try, tokens, up to the first that holds the prompt. */
export function passesOf({ request, runtime: { ubatches } }: Pick<Question, 'request' | 'runtime'>): readonly number[] {
  return ubatches.filter((_, i) => i === 0 || ubatches[i - 1]! < request.prompt);
}

function cachedBy({ devices }: Loaded, model: ModelSpec, setting: Setting): number | null {
  return setting.fromDisk ? cacheBytes(devices, model, setting) : null;
}

/** Error bands; learned timings give bands from speeds with each knob moved. */
export async function bandsOf(question: Question, priced: Priced): Promise<Price['bands']> {
  const { learned, pricer } = question;
  const { model, price, setting } = priced;
  if (learned === undefined) return price.bands;
  const cached = cachedBy(priced, model, setting);
  const of = async (kind: SpeedKind): Promise<Accuracy> => {
    const moved: number[] = [];
    for (const hardware of learned.moved) moved.push(await pricer[kind]({ model, hardware, setting, cached }));
    const shares = timeShares(price[kind], moved);
    return learnedBand(learned.learned, {
      kind,
      runtime: drivenBy(question),
      model: learned.learned.model,
      strategy: setting.cache,
      shares,
    });
  };
  return { decode: await of('decode'), prefill: await of('prefill') };
}

/** Prices a setting, and judges it by the goal. */
export async function priced(question: Question, model: ModelSpec, setting: Setting): Promise<Priced> {
  const { goal, hardware, pricer, request } = question;
  const memory = loadOf(question, model, setting);
  const cached = cachedBy(memory, model, setting);
  const price = await pricer.price({ model, hardware, setting, cached });
  const cost = costOf(goal, price, setting, request);
  return { ...memory, setting, model, price, cost, kept: isKept(goal, cost) };
}

/** Highest rung that fits, priced; null: none fits. */
export async function pricedFit(question: Question, model: ModelSpec, beside: Beside): Promise<Priced | null> {
  const setting = highestFit(question, model, beside);
  return setting === null ? null : priced(question, model, setting);
}

/** Least saving of a cache, share of cost: a fixed placement has no flag to watch. Ours. */
const WORTH = 0.02;

/**
 * Best setting of a format and KV type; null: none fits. A cache must be surely faster. @param fromDisk host memory may
 * cache experts of the disk
 */
export async function bestSetting(question: Question, quantization: string | null, kv: KvType, fromDisk = false): Promise<Priced | null> {
  const found = await strategiesOf(question, quantization, kv, fromDisk);
  const fixed = found.find(({ setting }) => setting.cache === null);
  const isWorth = (priced: Priced): boolean =>
    fixed === undefined || (priced.cost < (1 - WORTH) * fixed.cost && cacheRatio(question, priced, fixed).verdict === 'sure');
  return found.reduce<Priced | null>((best, priced) => {
    if (best === null) return priced;
    return priced.cost < best.cost && (priced === fixed || isWorth(priced)) ? priced : best;
  }, null);
}

/** Fixed placement, then each expert cache that fits, each at its best; empty: nothing fits. */
export async function strategiesOf(question: Question, quantization: string | null, kv: KvType, fromDisk = false): Promise<Priced[]> {
  const { context, hardware, runtime, slots, users } = question;
  const fixed = hasSlots(question) ? null : await fixedSetting(question, quantization, kv, fromDisk);
  const found = fixed === null ? [] : [fixed];
  if (fromDisk || slots === 0 || hardware.cpu === null || (fixed !== null && isAllOnGpu(fixed.setting))) return found;
  // A cache's line reads weights into pinned memory.
  const pinned = pinnedQuestion(question);
  const from = fixed?.setting ?? { quantization, ubatch: passesOf(question)[0]!, kv, context, users, ...PLAIN };
  for (const { keeps, system } of runtime.caches) {
    if (slots !== undefined && !keeps) continue;
    const best = await cachedSetting(pinned, { ...from, ...PLAIN, cache: system });
    if (best !== null) found.push(best);
  }
  return found;
}

/** Weights are read into pinned memory, not mapped. */
export function pinnedQuestion<T extends Pick<Question, 'hardware' | 'mapped' | 'runtime'>>(question: T): T {
  const { hardware, mapped, runtime } = question;
  return mapped !== undefined || !runtime.pins ? question : { ...question, hardware: unmapped(hardware), mapped: hardware };
}

/** Tries pass lengths outward from the fixed placement's while cost falls; null: none fits. */
async function cachedSetting(question: Question, beside: Beside): Promise<Priced | null> {
  const passes = passesOf(question);
  const model = question.model(beside.quantization);
  const at = (ubatch: number): Promise<Priced | null> => pricedFit(question, model, { ...beside, ubatch });
  const start = passes.indexOf(beside.ubatch);
  let best = await at(beside.ubatch);
  for (const others of [passes.slice(0, start).reverse(), passes.slice(start + 1)]) {
    for (const ubatch of others) {
      const candidate = await at(ubatch);
      if (best !== null && (candidate === null || candidate.cost >= best.cost)) break;
      best = candidate ?? best;
    }
  }
  return best === null ? null : withDrafts(question, await withOneSocket(question, best));
}

async function fixedSetting(question: Question, quantization: string | null, kv: KvType, fromDisk: boolean): Promise<Priced | null> {
  const { context, users } = question;
  const model = question.model(quantization);
  if (!fromDisk && exceedsMemory(question, model, { quantization, kv, context, users })) return null;
  let best: Priced | null = null;
  for (const ubatch of passesOf(question)) {
    const find = fromDisk ? highestFromDisk : highestFit;
    const setting = find(question, model, { quantization, ubatch, kv, context, users, ...PLAIN });
    if (setting === null) continue;
    const candidate = await priced(question, model, setting);
    if (best === null || candidate.cost < best.cost) best = candidate;
  }
  return best === null || fromDisk
    ? best
    : withDrafts(question, await withOneSocket(question, await withFollowedPrompts(question, await downTheLadder(question, best))));
}

/** True if weights alone exceed all memory. */
function exceedsMemory(question: Question, model: ModelSpec, asked: Pick<Setting, 'quantization' | 'kv' | 'context' | 'users'>): boolean {
  const setting = lowestRung(question, model, { ...asked, ubatch: question.runtime.ubatches[0]!, ...PLAIN });
  return devicesOf(question, model, setting).reduce((sum, { has, weights }) => sum + weights - has, 0) > 0;
}

async function withFollowedPrompts(question: Question, from: Priced): Promise<Priced> {
  const { request, runtime } = question;
  const least = runtime.followsFrom(from.model);
  if (least === null || request.prompt < least || from.setting.gpuExperts === null) return from;
  const setting = highestFit(question, from.model, { ...from.setting, followsPrompts: true });
  return setting?.gpuExperts === 0 ? from : ((await cheaper(question, from, setting)) ?? from);
}

/** The setting, priced; null: not cheaper than `than`, or no setting. */
async function cheaper(question: Question, than: Priced, setting: Setting | null): Promise<Priced | null> {
  const candidate = setting === null ? null : await priced(question, than.model, setting);
  return candidate !== null && candidate.cost < than.cost ? candidate : null;
}

/** True if the runtime can compute on a single socket of several. */
export function canIsolate({ hardware, runtime }: Pick<Question, 'hardware' | 'runtime'>, setting: Setting): boolean {
  return runtime.isolates && hardware.cpu?.sockets !== undefined && !isAllOnGpu(setting);
}

/** A single socket reads and holds only its own memory. */
async function withOneSocket(question: Question, from: Priced): Promise<Priced> {
  if (!canIsolate(question, from.setting)) return from;
  return (await cheaper(question, from, highestFit(question, from.model, { ...from.setting, oneSocket: true }))) ?? from;
}

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

/** A setting with another draft length. */
export function drafted({ drafting: { drafter } }: Pick<Question, 'drafting'>, setting: Setting, draft: number): Setting {
  return { ...setting, draft, drafter };
}

const holdsDrafts = (reads: 'gguf' | 'folder', { anatomy, name, quantization }: ModelSpec): boolean =>
  reads === 'folder' ||
  (anatomy?.nextLayers ?? 0) > 0 ||
  publishedFile({ model: name, format: quantization, reads, drafts: true }) !== null;

/** Draft lengths to try; empty: no drafts, or no known file with their layers. */
export function lengthsOf({ drafting, runtime, users }: Question, model: ModelSpec): readonly number[] {
  const { drafter, lengths } = drafting;
  const possible = drafter === 'mtp' ? draftLengths(runtime.ownDrafts, model, users) : [];
  if (drafter === 'ngram' ? !runtime.looksUp : possible.length === 0) return [];
  return lengths ?? (holdsDrafts(runtime.reads, model) ? possible : []);
}

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
