// Advice: the setting of a runtime on a machine that serves the goal best, gains and losses of others, misfits, and hardware that would help. Pure
// except for the runs of the engine.
import { formatCount } from '../base/units.js';
import { takenPartsOf } from '../hardware/door.js';
import { bitsPerWeight } from '../model/door.js';
import { type Tagged, tagged } from '../result/version.js';
import type { Command } from '../runtime/flags/dialect.js';
import { flagOf } from '../runtime/flags/flag.js';
import type { OfferedCache } from '../runtime/kind/runtime.js';
import type { DeviceMemory } from '../runtime/setting/fits.js';
import { isAllOnGpu, type Setting } from '../runtime/setting/setting.js';
import { alternativesOf } from './alternatives.js';
import { cacheHints, commandOf, hintsOf } from './command.js';
import { type DraftOffer, draftsBeside } from './drafts.js';
import { cacheOf, contextThatFits } from './fit.js';
import { type Guess, guessesOf } from './guesses.js';
import { misfitsOf, missingOf } from './misfits.js';
import { askedFor, notesOf } from './notes.js';
import type { Price } from './price.js';
import { type Purchase, purchasesOf } from './purchases.js';
import type { Question } from './question.js';
import { bandsOf, bestSetting, type Priced, priced, strategiesOf } from './search.js';
import type { WayOut } from './ways.js';
import { type Bound, boundOf, unmapped } from './what-if.js';

/** Version tag of the format. Additions keep it; a change of meaning raises it. */
const ADVICE_SCHEMA = 'moeprof.advice/1';

/** The request as an answer repeats it; its notes are sentences on the basis of the figures. */
export interface Asked extends Pick<Question, 'goal' | 'request' | 'context' | 'users' | 'notes'> {
  /** Sentences: parts of the machine that were not given, and what was taken. */
  readonly assumed: readonly string[];
  readonly machine: string;
  readonly runtime: string;
}

/** A setting with its speeds, what a decoded token waits for, and its memory. */
export interface AdvisedSetting extends Pick<Price, 'hitRate' | 'waits'> {
  readonly setting: Setting;
  /** How it differs from the answer; empty: it is the answer. */
  readonly change: string;
  readonly decode: number;
  readonly prefill: number;
  readonly devices: readonly DeviceMemory[];
  /** Longest context of each user with which it still fits, tokens. */
  readonly longest: number;
  /** Bits a weight, over the whole file. */
  readonly bits: number;
}

/** A way to run the model on the machine, at its best setting. */
export interface Strategy extends AdvisedSetting, Pick<Price, 'bands'> {
  readonly name: string;
  readonly command: Command;
  /** Flags in which its line differs from the other strategies' lines; all if it stands alone. */
  readonly flags: string;
  /** Source of the facts of its cache, with date or build; null: it has none. */
  readonly read: string | null;
}

/** Finished advice: the public format `moeprof.advice/1`. */
export interface Advice extends Tagged<typeof ADVICE_SCHEMA>, Asked {
  /** Sentences: other backends and programs of the GPU, besides the one that is taken. */
  readonly backends: readonly string[];
  readonly model: string;
  readonly quantization: string;
  /** Parts that were taken, on which the answer hangs. */
  readonly guesses: readonly Guess[];
  /** Null: nothing fits. */
  readonly answer: AdvisedSetting | null;
  /** False if targets were given and the answer does not keep them. */
  readonly kept: boolean;
  readonly command: Command | null;
  /** Sentences on the command: what is to be replaced in it, and what helps if memory runs out. */
  readonly hints: readonly string[];
  readonly bands: Price['bands'] | null;
  readonly bound: Bound | null;
  /** Tokens/s of the answer if memory held what it reads from the disk; absent: it holds all. */
  readonly inMemory?: number;
  /** The fixed placement and each expert cache of the runtime at its best setting, fastest first; empty: there is no choice. */
  readonly strategies: readonly Strategy[];
  /** Drafts of each length; empty: the runtime drafts nothing for the model. */
  readonly drafts: readonly DraftOffer[];
  /** Up to five, best first. */
  readonly alternatives: readonly AdvisedSetting[];
  /** Sentences: what does not fit, and what is missing. */
  readonly misfits: readonly string[];
  /** If nothing fits: what does. Absent: the wished model fits, or nothing else does. */
  readonly ways?: readonly WayOut[];
  readonly purchases: readonly Purchase[];
  readonly runs: number;
}

/** Finds the best setting and everything that is reported with it. */
export async function advise(asked: Question): Promise<Advice> {
  const { answer, question } = await answered(asked);
  const { pricer } = question;
  if (answer === null) return unanswered(question);
  return {
    ...(await plainAdvice(question, answer)),
    guesses: await guessesOf(question, answer),
    bound: await boundOf(question, answer),
    ...(answer.setting.fromDisk ? { inMemory: await pricer.decode({ ...answer, hardware: question.hardware, cached: null }) } : {}),
    strategies: await strategiesBeside(question, answer),
    drafts: await draftsBeside(question, answer),
    alternatives: (await alternativesOf(question, answer)).map(({ change, one: priced }) => settingOf(question, priced, change)),
    misfits: misfitsOf(question, answer),
    purchases: await purchasesOf(question, answer),
    runs: pricer.runs,
  };
}

function commonAdvice(question: Question, answer: Priced | null) {
  const { model, pricer, quantizations } = question;
  return {
    ...tagged(ADVICE_SCHEMA),
    model: model(quantizations[0]!).name,
    ...repeated(question),
    backends: question.backends ?? [],
    notes: [...notesOf(question, answer), ...askedFor(question, answer)],
    guesses: [],
    bound: null,
    strategies: [],
    drafts: [],
    alternatives: [],
    purchases: [],
    runs: pricer.runs,
  } as const;
}

/** The answer to a question on which nothing fits: the bytes that are missing. */
export function unanswered(question: Question): Advice {
  const { quantization } = question.model(question.quantizations.at(-1)!);
  const nothing = { answer: null, kept: false, command: null, hints: [], bands: null } as const;
  return { ...commonAdvice(question, null), ...nothing, quantization, misfits: missingOf(question) };
}

/** A priced setting as advice with its line, memory and ranges, and without what takes further runs. */
export async function plainAdvice(question: Question, answer: Priced): Promise<Advice> {
  const command = commandOf(question, answer);
  return {
    ...commonAdvice(question, answer),
    quantization: answer.model.quantization,
    answer: settingOf(question, answer, ''),
    kept: answer.kept,
    command,
    hints: [...cacheHints(question, answer), ...hintsOf(command)],
    bands: await bandsOf(question, answer),
    misfits: [],
  };
}

/** The best setting, and the question as its line answers it; weights are pinned if prompts gain a twentieth. @param find the best setting */
export async function answered(
  asked: Question,
  find: (question: Question) => Promise<Priced | null> = bestAnswer,
): Promise<{ readonly question: Question; readonly answer: Priced | null }> {
  const { learned, runtime } = asked;
  const hardware = unmapped(asked.hardware);
  if (hardware === asked.hardware || flagOf(runtime.dialect.grammar, '-lm') === undefined)
    return { question: asked, answer: await find(asked) };
  const moved = learned === undefined ? {} : { learned: { ...learned, moved: learned.moved.map(unmapped) } };
  const question = { ...asked, ...moved, hardware, mapped: asked.hardware };
  const answer = await find(question);
  if (answer === null) return { question: asked, answer };
  const plain = await priced(asked, answer.model, answer.setting);
  return answer.setting.fromDisk || answer.price.prefill < 1.05 * plain.price.prefill
    ? { question: asked, answer: plain }
    : { question, answer };
}

/** The best setting of the preferred format that fits, or nearest the targets; else with a smaller KV cache, or experts on the disk. */
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
  // A file that is read in parts is mapped.
  return bestSetting({ ...question, hardware: question.mapped ?? question.hardware }, quantizations.at(-1)!, runtime.kv[0]!, true);
}

/** A priced setting as advice has it. @param change how it differs from the answer */
export function settingOf(question: Question, priced: Priced, change: string): AdvisedSetting {
  const { devices, model, price, setting } = priced;
  const longest = contextThatFits(question, priced);
  const { decode, hitRate, prefill, waits } = price;
  return { setting, change, decode, prefill, hitRate, waits, devices, longest, bits: bitsPerWeight(model) };
}

/** Strategies in the answer's format and KV cache, fastest first; empty: there is no choice. */
async function strategiesBeside(question: Question, { setting }: Priced): Promise<Strategy[]> {
  const found = await strategiesOf(question, setting.quantization, setting.kv, setting.fromDisk);
  if (found.length < 2) return [];
  const strategies: Strategy[] = [];
  for (const priced of found) strategies.push(await describedStrategy(question, priced));
  const shared = new Set(wordsIn(strategies[0]!).filter((word) => strategies.every((strategy) => wordsIn(strategy).includes(word))));
  const distinctWords = (strategy: Strategy): string[] => wordsIn(strategy).filter((word) => !shared.has(word));
  return strategies.map((strategy) => ({ ...strategy, flags: distinctWords(strategy).join(' ') })).sort((a, b) => b.decode - a.decode);
}

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

/** What an answer repeats of its request. */
export function repeated(asked: Pick<Question, 'context' | 'goal' | 'hardware' | 'request' | 'runtime' | 'users'>) {
  const { context, goal, hardware, request, runtime, users } = asked;
  return { machine: hardware.name, runtime: runtime.name, goal, request, context, users, assumed: takenPartsOf(hardware) };
}
