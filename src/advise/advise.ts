import { definedFields } from '../base/objects.js';
import { formatCount } from '../base/units.js';
import { takenPartsOf } from '../hardware/door.js';
import { bitsPerWeight } from '../model/door.js';
import { type Tagged, tagged } from '../result/version.js';
import { type Command, closedLoop, type DeviceMemory, isAllOnGpu, type OfferedCache, type Served, type Setting } from '../runtime/door.js';
import { alternativesOf } from './alternatives.js';
import { cacheHints, commandOf, hintsOf, promiseOf } from './command.js';
import { type DraftOffer, draftsBeside } from './drafts.js';
import { cacheOf, contextThatFits } from './fit.js';
import { type Guess, guessesOf } from './guesses.js';
import { misfitsOf, missingOf } from './misfits.js';
import { askedFor, notesOf } from './notes.js';
import type { Price, Priced } from './price.js';
import { type Purchase, purchasesOf } from './purchases.js';
import type { Question } from './question.js';
import { bandsOf, bestSetting, priced, strategiesOf } from './search.js';
import { type CacheRatio, cacheRatio } from './sure.js';
import { type AskedTimings, timingsToAsk } from './timings.js';
import type { WayOut } from './ways.js';
import { type Bound, boundOf, unmapped } from './what-if.js';

/** Version tag, raised by changes of meaning only. */
const ADVICE_SCHEMA = 'moeprof.advice/1';

/** The request as an answer repeats it. */
export interface Asked extends Pick<Question, 'goal' | 'request' | 'context' | 'users' | 'notes'> {
  /** Sentences on assumed parts of the machine. */
  readonly assumed: readonly string[];
  readonly machine: string;
  readonly runtime: string;
}

/** A setting with speeds, waits and memory. */
export interface AdvisedSetting extends Pick<Price, 'hitRate' | 'waits'> {
  readonly setting: Setting;
  /** Difference from the answer; empty: the answer. */
  readonly change: string;
  readonly decode: number;
  readonly prefill: number;
  /** What several users get who ask anew once answered; absent: one user. */
  readonly served?: Served;
  readonly devices: readonly DeviceMemory[];
  /** Longest context of each user that fits, tokens. */
  readonly longest: number;
  /** Bits per weight of the whole file. */
  readonly bits: number;
}

/** A way to run the model, at its best setting. */
export interface Strategy extends AdvisedSetting, Pick<Price, 'bands'> {
  readonly name: string;
  readonly command: Command;
  /** Flags that differ between strategies; all flags for a lone strategy. */
  readonly flags: string;
  /** Source of the cache's facts, with date or build; null: no cache. */
  readonly read: string | null;
  /** Compared with the fixed placement; absent: no cache, or nothing fixed fits. */
  readonly beside?: CacheRatio;
}

/** Finished advice: the public format `moeprof.advice/1`. */
export interface Advice extends Tagged<typeof ADVICE_SCHEMA>, Asked {
  /** Sentences on further backends and programs of the GPU. */
  readonly backends: readonly string[];
  readonly model: string;
  readonly quantization: string;
  /** What of the model's shape is assumed, a sentence. Absent: nothing. */
  readonly assumedShape?: string;
  /** Assumed parts that decide the answer. */
  readonly guesses: readonly Guess[];
  /** Null: nothing fits. */
  readonly answer: AdvisedSetting | null;
  /** False if the answer misses given targets. */
  readonly kept: boolean;
  readonly command: Command | null;
  /** Sentences on parts to replace, and on running out of memory. */
  readonly hints: readonly string[];
  readonly bands: Price['bands'] | null;
  readonly bound: Bound | null;
  /** Tokens/s of decoding without disk reads; absent: memory holds all experts. */
  readonly inMemory?: number;
  /** Fixed placement and expert caches, fastest first; empty: no choice. */
  readonly strategies: readonly Strategy[];
  /** Empty: the runtime drafts nothing for the model. */
  readonly drafts: readonly DraftOffer[];
  /** Up to 5, best first. */
  readonly alternatives: readonly AdvisedSetting[];
  /** Sentences on settings that do not fit. */
  readonly misfits: readonly string[];
  /** Absent: the wished model fits, or no way out exists. */
  readonly ways?: readonly WayOut[];
  readonly purchases: readonly Purchase[];
  /** Timings that make the answer surest; null: none does. */
  readonly timings: AskedTimings | null;
  readonly runs: number;
}

/** Finds the best setting, with all reported comparisons. */
export async function advise(asked: Question): Promise<Advice> {
  const { answer, question } = await answered(asked);
  const { pricer } = question;
  if (answer === null) return unanswered(question);
  const { kv, quantization, fromDisk } = answer.setting;
  const found = await strategiesOf(question, quantization, kv, fromDisk);
  const described = await strategiesBeside(question, found);
  return {
    ...(await plainAdvice(question, answer)),
    guesses: await guessesOf(question, answer),
    bound: await boundOf(question, answer),
    ...(answer.setting.fromDisk ? { inMemory: await pricer.decode({ ...answer, hardware: question.hardware, cached: null }) } : {}),
    strategies: described,
    drafts: await draftsBeside(question, answer),
    alternatives: (await alternativesOf(question, answer)).map(({ change, one: priced }) => settingOf(question, priced, change)),
    misfits: misfitsOf(question, answer),
    purchases: await purchasesOf(question, answer),
    timings: await timingsToAsk(question, answer, found),
    runs: pricer.runs,
  };
}

function commonAdvice(question: Question, answer: Priced | null) {
  const { model, pricer, quantizations } = question;
  const { assumed, name } = model(quantizations[0]!);
  return {
    ...tagged(ADVICE_SCHEMA),
    model: name,
    ...definedFields({ assumedShape: assumed }),
    ...repeated(question),
    backends: question.backends ?? [],
    notes: [...notesOf(question, answer), ...askedFor(question, answer)],
    guesses: [],
    bound: null,
    strategies: [],
    drafts: [],
    alternatives: [],
    purchases: [],
    timings: null,
    runs: pricer.runs,
  } as const;
}

/** Advice if nothing fits. */
export function unanswered(question: Question): Advice {
  const { quantization } = question.model(question.quantizations.at(-1)!);
  const nothing = { answer: null, kept: false, command: null, hints: [], bands: null } as const;
  return { ...commonAdvice(question, null), ...nothing, quantization, misfits: missingOf(question) };
}

/** Advice without comparisons that need further runs. */
export async function plainAdvice(question: Question, answer: Priced): Promise<Advice> {
  const command = commandOf(question, answer);
  return {
    ...commonAdvice(question, answer),
    quantization: answer.model.quantization,
    answer: settingOf(question, answer, ''),
    kept: answer.kept,
    command,
    hints: [...cacheHints(question, answer), ...promiseOf(question, answer), ...hintsOf(command)],
    bands: await bandsOf(question, answer),
    misfits: [],
  };
}

/** Best setting. Weights are pinned if prompts gain 5 %. */
export async function answered(
  asked: Question,
  find: (question: Question) => Promise<Priced | null> = bestAnswer,
): Promise<{ readonly question: Question; readonly answer: Priced | null }> {
  const { learned, runtime } = asked;
  const hardware = unmapped(asked.hardware);
  if (hardware === asked.hardware || !runtime.pins) return { question: asked, answer: await find(asked) };
  const moved = learned === undefined ? {} : { learned: { ...learned, moved: learned.moved.map(unmapped) } };
  const question = { ...asked, ...moved, hardware, mapped: asked.hardware };
  const answer = await find(question);
  if (answer === null) return { question: asked, answer };
  const plain = await priced(asked, answer.model, answer.setting);
  // A cache copies from pinned memory while decoding, too.
  const gains = answer.setting.cache !== null || answer.price.prefill >= 1.05 * plain.price.prefill;
  return answer.setting.fromDisk || !gains ? { question: asked, answer: plain } : { question, answer };
}

/** Best setting in the first KV type that fits: first format that keeps the targets, else nearest; last, the disk. */
export async function bestAnswer(question: Question): Promise<Priced | null> {
  const { quantizations, runtime } = question;
  for (const kv of runtime.kv) {
    let nearest: Priced | null = null;
    for (const quantization of quantizations) {
      const best = await bestSetting(question, quantization, kv);
      if (best === null) continue;
      if (best.kept) return best;
      if (nearest === null || best.cost < nearest.cost) nearest = best;
    }
    if (nearest !== null) return nearest;
  }
  // Experts read from the disk need a mapped file.
  return bestSetting({ ...question, hardware: question.mapped ?? question.hardware }, quantizations.at(-1)!, runtime.kv[0]!, true);
}

/** @param change difference from the answer */
export function settingOf(question: Question, priced: Priced, change: string): AdvisedSetting {
  const { devices, model, price, setting } = priced;
  const longest = contextThatFits(question, priced);
  const { decode, hitRate, prefill, waits } = price;
  const served = setting.users === 1 ? {} : { served: closedLoop(price, setting, question.request) };
  return { setting, change, decode, prefill, ...served, hitRate, waits, devices, longest, bits: bitsPerWeight(model) };
}

async function strategiesBeside(question: Question, found: readonly Priced[]): Promise<Strategy[]> {
  if (found.length < 2) return [];
  const strategies: Strategy[] = [];
  const fixed = found.find((priced) => priced.setting.cache === null);
  for (const priced of found) {
    const beside = fixed === undefined || priced === fixed ? {} : { beside: cacheRatio(question, priced, fixed) };
    strategies.push({ ...(await describedStrategy(question, priced)), ...beside });
  }
  const shared = new Set(wordsIn(strategies[0]!).filter((word) => strategies.every((strategy) => wordsIn(strategy).includes(word))));
  const distinctWords = (strategy: Strategy): string[] => wordsIn(strategy).filter((word) => !shared.has(word));
  return strategies
    .map((strategy) => ({ ...strategy, flags: distinctWords(strategy).join(' ') }))
    .sort((a, b) => Number(isUnsure(a)) - Number(isUnsure(b)) || b.decode - a.decode);
}

/** True if a strategy stands after the fixed placement, whatever its speed. */
const isUnsure = ({ beside }: Strategy): boolean => beside !== undefined && beside.verdict !== 'sure';

/** A priced setting as a strategy. */
export async function describedStrategy(question: Question, priced: Priced): Promise<Strategy> {
  const cache = cacheOf(question.runtime, priced.setting);
  const strategy = {
    ...settingOf(question, priced, ''),
    name: nameOf(priced, cache),
    command: commandOf(question, priced),
    bands: await bandsOf(question, priced),
    read: cache?.read ?? null,
  };
  return { ...strategy, flags: wordsIn(strategy).join(' ') };
}

function wordsIn({ command }: Pick<Strategy, 'command'>): string[] {
  return command.uses.map(([name, value]) => (value === null ? name : `${name} ${value}`));
}

function nameOf({ setting }: Priced, cache: OfferedCache | null): string {
  const { followsPrompts, fromDisk, gpuExperts, gpuLayers, slots } = setting;
  if (cache !== null) return cache.keeps ? `${cache.name}, ${formatCount(slots!)} slots` : cache.name;
  if (gpuLayers !== null) return 'whole layers';
  if (gpuExperts !== null) return followsPrompts ? 'experts of the prompt' : 'static experts';
  if (fromDisk) return 'from the disk';
  return isAllOnGpu(setting) ? 'all on the GPU' : 'static layers';
}

/** Fields that an answer repeats. */
export function repeated(asked: Pick<Question, 'context' | 'goal' | 'hardware' | 'request' | 'runtime' | 'users'>) {
  const { context, goal, hardware, request, runtime, users } = asked;
  return { machine: hardware.name, runtime: runtime.name, goal, request, context, users, assumed: takenPartsOf(hardware) };
}
