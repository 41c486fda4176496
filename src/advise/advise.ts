// Advice: the setting of a runtime on a machine that serves the goal best, what other settings gain or lose, what does not fit, and what
// hardware would help. Pure except for the runs of the engine.

import { formatBytes, formatCount, formatNumber } from '../base/units.js';
import { assumedOf, type HardwareSpec, takenPartsOf } from '../hardware/door.js';
import { bitsPerWeight, type ModelSpec, mainFormat } from '../model/door.js';
import { type Tagged, tagged } from '../result/version.js';
import type { Command } from '../runtime/flags/dialect.js';
import { cpuExpertLayers, splitPattern } from '../runtime/kind/loaded.js';
import type { AdvisedRuntime, OfferedCache } from '../runtime/kind/runtime.js';
import { type DeviceMemory, freeOf, gpusOf, HOST } from '../runtime/setting/fits.js';
import { isAllOnGpu, type Setting } from '../runtime/setting/setting.js';
import { alternativesOf } from './alternatives.js';
import { benchmarkWords } from './benchmark.js';
import { type DraftOffer, draftsBeside } from './drafts.js';
import { misfitsOf, missingOf, pagedForecast, slotsForContext } from './misfits.js';
import type { Price } from './price.js';
import { bandsOf, bestSetting, contextThatFits, type Priced, type Question, strategiesOf } from './search.js';
import { type Bound, boundOf, type Purchase, purchasesOf, unmappedPrefill } from './what-if.js';

/** Version tag of the format. Additions keep it; a change of meaning raises it. */
const ADVICE_SCHEMA = 'moeprof.advice/1';

/** The request as an answer repeats it; its notes are sentences on the basis of the figures. */
export interface Asked extends Pick<Question, 'goal' | 'request' | 'context' | 'users' | 'notes'> {
  /** Sentences: parts of the machine that were not given, and what was taken. */
  readonly assumed: readonly string[];
  readonly machine: string;
  readonly runtime: string;
}

/** A setting with its speeds and its memory. */
export interface AdvisedSetting {
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
export interface Strategy extends AdvisedSetting, Pick<Price, 'bands' | 'hitRate' | 'waits'> {
  readonly name: string;
  readonly command: Command;
  /** Flags in which its line differs from the other strategies' lines; all where it stands alone. */
  readonly flags: string;
  /** Where the facts of its cache were read, with date or build; null: it has none. */
  readonly read: string | null;
}

/** Finished advice: the public format `moeprof.advice/1`. */
export interface Advice extends Tagged<typeof ADVICE_SCHEMA>, Asked {
  readonly model: string;
  readonly quantization: string;
  /** Null: nothing fits. */
  readonly answer: AdvisedSetting | null;
  /** False where targets were given and the answer does not keep them. */
  readonly kept: boolean;
  readonly command: Command | null;
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
  readonly purchases: readonly Purchase[];
  /** Runs of the engine. */
  readonly runs: number;
}

/** Finds the best setting and everything that is reported beside it. */
export async function advise(question: Question): Promise<Advice> {
  const { model, pricer, quantizations } = question;
  const answer = await bestAnswer(question);
  const common = {
    ...tagged(ADVICE_SCHEMA),
    model: model(quantizations[0]!).name,
    ...repeated(question),
    notes: [...notesOf(question, answer, answer === null ? null : await unmappedPrefill(question, answer)), ...askedFor(question, answer)],
  } as const;
  if (answer === null) {
    const { quantization } = model(quantizations.at(-1)!);
    const nothing = {
      answer: null,
      kept: false,
      command: null,
      bands: null,
      bound: null,
      strategies: [],
      drafts: [],
      alternatives: [],
      purchases: [],
    };
    return {
      ...common,
      ...nothing,
      quantization,
      misfits: [...missingOf(question), ...(await pagedForecast(question))],
      runs: pricer.runs,
    };
  }
  return {
    ...common,
    quantization: answer.model.quantization,
    answer: settingOf(question, answer, ''),
    kept: answer.kept,
    command: commandOf(question, answer),
    bands: await bandsOf(question, answer),
    bound: await boundOf(question, answer),
    ...(answer.setting.fromDisk ? { inMemory: await pricer.decode({ ...answer, hardware: question.hardware, cached: null }) } : {}),
    strategies: await strategiesBeside(question, answer),
    drafts: await draftsBeside(question, answer),
    alternatives: (await alternativesOf(question, answer)).map(({ change, one }) => settingOf(question, one, change)),
    misfits: misfitsOf(question, answer),
    purchases: await purchasesOf(question, answer),
    runs: pricer.runs,
  };
}

/**
 * The best setting of the preferred format that fits; where targets are given, of the first that keeps them, else of the one that comes
 * nearest. A smaller KV cache is taken only where nothing fits with the usual one; experts are left on the disk only where not even that
 * helps, and then the smallest format is the fastest.
 */
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
  return bestSetting(question, quantizations.at(-1)!, runtime.kv[0]!, true);
}

/** A priced setting as advice has it. @param change how it differs from the answer */
export function settingOf(question: Question, one: Priced, change: string): AdvisedSetting {
  const { devices, model, price, setting } = one;
  const longest = contextThatFits(question, one);
  return { setting, change, decode: price.decode, prefill: price.prefill, devices, longest, bits: bitsPerWeight(model) };
}

/** Strategies in the answer's format and KV cache, fastest first; empty: there is no choice. */
async function strategiesBeside(question: Question, { setting }: Priced): Promise<Strategy[]> {
  const found = await strategiesOf(question, setting.quantization, setting.kv, setting.fromDisk);
  if (found.length < 2) return [];
  const strategies: Strategy[] = [];
  for (const one of found) strategies.push(await describedStrategy(question, one));
  const shared = new Set(wordsIn(strategies[0]!).filter((word) => strategies.every((one) => wordsIn(one).includes(word))));
  const own = (one: Strategy): string[] => wordsIn(one).filter((word) => !shared.has(word));
  return strategies.map((one) => ({ ...one, flags: own(one).join(' ') })).sort((a, b) => b.decode - a.decode);
}

/** A priced setting as a strategy. */
export async function describedStrategy(question: Question, one: Priced): Promise<Strategy> {
  const { hitRate, waits } = one.price;
  const cache = question.runtime.caches.find(({ system }) => system === one.setting.cache) ?? null;
  const strategy = {
    ...settingOf(question, one, ''),
    name: nameOf(one, cache),
    command: commandOf(question, one),
    bands: await bandsOf(question, one),
    hitRate,
    waits,
    read: cache?.read ?? null,
  };
  return { ...strategy, flags: wordsIn(strategy).join(' ') };
}

/** The flags of a strategy's line, each with its value. */
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

/** The setting in the words of the runtime. */
export function commandOf(
  { file, hardware, hub, runtime }: Pick<Question, 'file' | 'hardware' | 'hub' | 'runtime'>,
  { blocks, devices, model, setting, split }: Priced,
): Command {
  const cpu = hardware.machine?.cpu ?? null;
  const sockets = hardware.machine?.sockets ?? 1;
  return runtime.dialect.write({
    setting,
    model: file ?? fileName(model, runtime),
    hub,
    name: model.name.toLowerCase().replaceAll(/[^a-z0-9._-]+/g, '-'),
    moeLayers: model.layers.length,
    cpuExpertLayers: cpuExpertLayers(model, setting),
    splitPattern: splitPattern(model, setting),
    gpus: gpusOf(hardware),
    blocks,
    split,
    promptCache: promptCacheOf(runtime, devices),
    cores: (cpu?.cores ?? 0) * sockets,
    sockets,
    unified: hardware.tiers[0]!.name === 'unified',
    format: mainFormat(model.layers[0]!.formats),
    mla: model.anatomy?.layers.some(({ kind }) => kind === 'latent') ?? false,
  });
}

/** The usual file name of a bundled model. */
function fileName(model: ModelSpec, { reads }: AdvisedRuntime): string {
  return reads === 'gguf' ? `${model.name}-${model.quantization.replaceAll(':', '-')}.gguf` : model.name;
}

/** The note on a setting with one socket: it rests on one constant, which can be measured. */
function oneSocketNote({ cpu, name }: HardwareSpec): string {
  const { count, efficiency = 1 } = cpu!.sockets!;
  const share = Math.round(100 * efficiency);
  return `One socket of ${name} is used: ${count} were measured to reach ${share} % of the sum of their memories; try --numa distribute with all cores, too.`;
}

/** What of each memory is left to other programs; null where the machine does not say how large its memories are. */
function keptFreeNote({ machine }: HardwareSpec, { devices, setting }: Priced): string | null {
  const gpus = machine?.gpus ?? [];
  const parts = devices.flatMap(({ has, name }) => {
    // Of several sockets one may be used alone, and some of its memory with it.
    const whole = name.startsWith('GPU') ? gpus[Number(name.slice(4))]?.memoryBytes : setting.oneSocket ? undefined : machine?.ram?.bytes;
    if (whole === undefined || whole - has < 1) return [];
    return [`${formatBytes(whole - has)} of ${/^GPU \d/.test(name) ? 'each GPU' : name === HOST ? 'host memory' : `the ${name}`}`];
  });
  return parts.length === 0 ? null : `Left to other programs: ${[...new Set(parts)].join(', ')}.`;
}

/** A sentence that asks for a timing of the machine, with the command that makes one; nothing where it has one, or is calibrated, or nothing fits. */
function askedFor(question: Question, answer: Priced | null): string[] {
  const { hardware, learned, runtime } = question;
  if (learned !== undefined || answer === null || hardware.facts === undefined || hardware.machine?.calibration !== undefined) return [];
  const { steps, uses } = commandOf(question, answer);
  const { benchmark } = runtime;
  if (benchmark === undefined || steps.length === 0)
    return [
      'One timing of your machine makes this surer: run the lines above, and repeat this with --timing "eval 24.3 tok/s", with the speed that you see.',
    ];
  const model = question.file ?? fileName(answer.model, runtime);
  const words = [benchmark.command, '-m', model, ...benchmarkWords(runtime, answer, uses), benchmark.tests].map((word) =>
    /[|()\s]/.test(word) && word !== benchmark.tests ? `'${word}'` : word,
  );
  return [`One timing of your machine makes this surer: run ${words.join(' ')} > bench.md, and repeat this with --timing bench.md.`];
}

/** MiB of host memory that are left to the finished prompts that a server keeps; undefined: as many as it takes by itself, or it keeps none. */
function promptCacheOf({ promptCache = 0 }: AdvisedRuntime, devices: readonly DeviceMemory[]): number | undefined {
  const free = Math.max(0, freeOf(devices.at(-1)!));
  return free >= promptCache ? undefined : Math.floor(free / 2 ** 20);
}

/** @param unmapped prefill speed without a mapped file, tokens/s; null: nothing to gain */
function notesOf(question: Question, answer: Priced | null, unmapped: number | null): string[] {
  const { drafting, hardware, notes, trace } = question;
  return [
    ...(answer === null || answer.setting.draft === 0
      ? []
      : [
          `${formatNumber(100 * drafting.chance)} % of drafted tokens are taken to be right, of those behind right ones; the server prints what your texts have.`,
        ]),
    ...(unmapped === null
      ? []
      : [
          `With --load-mode none (older builds: --no-mmap) weights lie in pinned memory, and prompts take ${formatNumber(unmapped)} in place of ${formatNumber(answer!.price.prefill)} tokens a second; loading then reads the whole file.`,
        ]),
    ...(answer?.setting.oneSocket === true ? [oneSocketNote(hardware)] : []),
    trace.meta.synthetic ? 'Routing is synthetic, drawn as models of this shape route.' : 'Routing is recorded.',
    ...(hardware.software === undefined
      ? [
          `The profile of ${hardware.name} says itself what its kernels reach, whatever the runtime: name its parts for this runtime's own speed.`,
        ]
      : []),
    ...(answer === null ? [] : [...slotsForContext(question, answer), keptFreeNote(hardware, answer) ?? []].flat()),
    ...notes,
    ...assumedOf(hardware),
  ];
}
