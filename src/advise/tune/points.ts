// Settings that a benchmark can settle: those near the best one of advice, which differ from it in rung, passes, threads, or how weights lie.

import { UserError } from '../../base/errors.js';
import { platform } from '../../base/host/machine.js';
import { wrapped } from '../../runtime/flags/dialect.js';
import { type FlagUse, wordsOf } from '../../runtime/flags/flag.js';
import { usualShell } from '../../runtime/flags/shell.js';
import { DEFAULT_RUNTIME } from '../../runtime/index.js';
import type { AdvisedRuntime } from '../../runtime/kind/runtime.js';
import { type DeviceMemory, isFit } from '../../runtime/setting/fits.js';
import { isCpuOnly, type Setting } from '../../runtime/setting/setting.js';
import { bestAnswer, commandOf } from '../advise.js';
import { type AdviceWishes, basisOf, type MachineFinder, withQuestion } from '../ask.js';
import { benchmarkWords } from '../benchmark.js';
import { devicesOf, highestFit, ladderOf, type Priced, passesOf, priced, type Question, rungOf, strategiesOf } from '../search.js';

/** Ways in which settings differ: each may be off from its prediction by a slope of its own. */
export const AXES = ['place', 'passes', 'threads', 'loading', 'attention'] as const;

/** A setting that may be measured. */
export interface TunePoint {
  readonly setting: Setting;
  readonly devices: readonly DeviceMemory[];
  /** Words of the benchmark's command line that set it. */
  readonly flags: readonly string[];
  /** The line to run it with. */
  readonly line: readonly string[];
  /** Its distance from advice's answer along each of {@link AXES}: share of the experts on GPUs, doublings, or 1 where it is the other way. */
  readonly along: readonly number[];
}

/** What there is to tune. */
export interface TuneBasis extends Pick<Question, 'goal' | 'request' | 'file' | 'notes'> {
  readonly model: string;
  readonly quantization: string;
  readonly machine: string;
  readonly runtime: string;
  readonly benchmark: NonNullable<AdvisedRuntime['benchmark']>;
  /** Tokens that the answer drafts, which no benchmark of one program does; 0: none. */
  readonly draft: number;
  /** True: advice's answer has an expert cache, which the benchmark has not. */
  readonly cached: boolean;
  /** Advice's answer first, without a cache; all fit. */
  readonly points: readonly TunePoint[];
}

/** Placements with their passes that vary in threads and the like as well, the fastest by prediction. Ours: farther ones were never the best of a sweep. */
const VARIED = 8;

/** Settings to measure for a model on a machine. @throws UserError where nothing fits, or the runtime has no benchmark */
export async function tuneBasisOn(name: string, machine: MachineFinder, wishes: AdviceWishes): Promise<TuneBasis> {
  return withQuestion(name, await basisOf(machine, wishes), wishes, async (question) => {
    const { file, goal, hardware, notes, request, runtime, users } = question;
    const { benchmark } = runtime;
    if (benchmark === undefined) throw new UserError(`--tune: nothing measures ${runtime.name} alone; take --runtime ${DEFAULT_RUNTIME}`);
    if (users > 1) throw new UserError(`--tune: ${benchmark.command} runs one conversation; leave out --users ${users}`);
    const advised = await bestAnswer(question);
    if (advised === null || advised.setting.fromDisk)
      throw new UserError(`--tune: ${name} does not fit in the memory of ${hardware.name}, and is not loaded; see moeprof advise`);
    const answer = await withoutCache(question, advised);
    const { model, setting } = answer;
    const points = (await placements(question, answer)).flatMap((one, i) =>
      pointsOf(question, one, answer).slice(0, i < VARIED ? undefined : 1),
    );
    const known = { model: name, quantization: model.quantization, machine: hardware.name, runtime: runtime.name };
    return { ...known, file, goal, request, notes, benchmark, draft: setting.draft, cached: answer !== advised, points };
  });
}

/** The best setting without an expert cache, which a benchmark does not have. */
async function withoutCache(question: Question, advised: Priced): Promise<Priced> {
  const { cache, kv, quantization } = advised.setting;
  if (cache === null) return advised;
  return (await strategiesOf(question, quantization, kv)).find(({ setting }) => setting.cache === null)!;
}

/** The answer, then the fastest placements with their passes, and placements ever lower on the ladder, should memory be less than it seems. */
async function placements(question: Question, answer: Priced): Promise<Priced[]> {
  const { model, setting: own } = answer;
  const ladder = ladderOf(question, model, null);
  const found: Priced[] = [];
  for (const ubatch of passesOf(question)) {
    const highest = highestFit(question, model, { ...own, ubatch });
    const lower = highest === null ? [] : ladder.slice(rungOf(ladder, highest)).filter(({ cpuProjections }) => cpuProjections === null);
    // The highest, then ever farther below it, and the lowest: the CPU alone.
    for (const [i, placement] of lower.entries()) {
      const setting = { ...own, ...placement, ubatch };
      const looked = Number.isInteger(Math.log2(i + 1)) || i === lower.length - 1;
      if (looked && !isSame(setting, own) && isFit(devicesOf(question, model, setting))) found.push(await priced(question, model, setting));
    }
  }
  const sorted = found.sort((a, b) => a.cost - b.cost);
  return [answer, ...sorted.filter(({ setting }, i) => i < VARIED - 1 || setting.ubatch === own.ubatch)];
}

function isSame(a: Setting, b: Setting): boolean {
  return (Object.keys(b) as (keyof Setting)[]).every((key) => a[key] === b[key]);
}

/** A placement as it is, and with other threads, weights that are not mapped, and plain attention where only the CPU computes. */
function pointsOf(question: Question, one: Priced, answer: Priced): TunePoint[] {
  const { hardware, runtime, shell = usualShell(platform === 'win32') } = question;
  const { uses } = commandOf(question, one);
  const threads = Number(uses.find(([flag]) => flag === '-t')?.[1] ?? 0);
  const halved = Math.ceil(threads / 2);
  const alone = hardware.cpuOnly === true || isCpuOnly(one.setting);
  const ways = (has: boolean, use: FlagUse): FlagUse[][] => (has ? [[], [use]] : [[]]);
  const halvings = ways(threads > halved, ['-t', halved]);
  const loads = ways(threads > 0 && !uses.some(([flag]) => flag === '-lm'), ['-lm', 'none']);
  const attentions = ways(alone, ['-fa', 'off']);
  const all = halvings.flatMap((halving) => loads.flatMap((load) => attentions.map((attention) => ({ halving, load, attention }))));
  return all.map(({ attention, halving, load }) => {
    const flags = changed(uses, [...halving, ...load, ...attention]);
    const { ubatch } = one.setting;
    return {
      setting: one.setting,
      devices: one.devices,
      flags: benchmarkWords(runtime, one, flags, runtime.benchmark!.tuned),
      line: wrapped(wordsOf(runtime.dialect.grammar, [], flags, shell), shell),
      along: [
        shareOnGpu(one) - shareOnGpu(answer),
        Math.log2(ubatch / answer.setting.ubatch),
        halving.length === 0 ? 0 : Math.log2(threads / halved),
        load.length,
        attention.length,
      ],
    };
  });
}

/** Flags with others in their place, or behind them. */
function changed(uses: readonly FlagUse[], others: readonly FlagUse[]): FlagUse[] {
  const own = uses.map((use) => others.find(([flag]) => flag === use[0]) ?? use);
  return [...own, ...others.filter(([flag]) => !uses.some((use) => use[0] === flag))];
}

/** Share of the MoE layers with their experts on GPUs. */
function shareOnGpu({ model, setting }: Pick<Priced, 'model' | 'setting'>): number {
  const { length } = model.layers;
  return 1 - Math.max(setting.cpuMoe, setting.gpuLayers === null ? 0 : length - Math.min(length, setting.gpuLayers)) / length;
}
