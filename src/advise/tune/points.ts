import { UserError } from '../../base/errors.js';
import { platform } from '../../base/host/machine.js';
import { usualShell } from '../../base/shell.js';
import {
  cpuExpertLayers,
  DEFAULT_RUNTIME,
  type FlagUse,
  isCpuOnly,
  isFit,
  type Setting,
  type Speeds,
  wordsOf,
  wrapped,
} from '../../runtime/door.js';
import { bestAnswer } from '../advise.js';
import { type AdviceWishes, basisOf, type MachineFinder, withQuestion } from '../ask.js';
import { commandOf } from '../command.js';
import { devicesOf, highestFit, ladderOf, rungOf } from '../fit.js';
import type { Priced } from '../price.js';
import type { Question } from '../question.js';
import { passesOf, priced, strategiesOf } from '../search.js';

/** A setting to measure. */
export interface TunePoint extends Pick<Priced, 'setting' | 'devices'> {
  /** Words on the benchmark's command line. */
  readonly flags: readonly string[];
  readonly line: readonly string[];
  /** Place among settings: share of experts on GPUs, halvings of threads and passes, and 1 for what is switched. */
  readonly along: Readonly<Record<keyof Speeds, readonly number[]>>;
}

/** Settings to tune. */
export interface TuneBasis extends Pick<Question, 'goal' | 'request' | 'file' | 'notes'> {
  readonly model: string;
  readonly quantization: string;
  readonly machine: string;
  readonly runtime: string;
  /** Advice's answer first; all fit, without an expert cache. */
  readonly points: readonly TunePoint[];
}

/** Fastest placements that also vary threads, loading and attention. Ours: no farther placement won a sweep. */
const VARIED = 8;

/** Settings to measure. @throws UserError if nothing fits, the runtime has no benchmark, or for several users */
export async function tuneBasisOn(model: string, machine: MachineFinder, wishes: AdviceWishes): Promise<TuneBasis> {
  return withQuestion(model, await basisOf(machine, wishes), wishes, async (question) => {
    const { file, goal, hardware, request, users } = question;
    const { benchmark, name } = question.runtime;
    if (benchmark === null) throw new UserError(`--tune: nothing measures ${name} alone; take --runtime ${DEFAULT_RUNTIME}`);
    if (users > 1) throw new UserError(`--tune: ${benchmark.command} runs one conversation; leave out --users ${users}`);
    const advised = await bestAnswer(question);
    if (advised === null || advised.setting.fromDisk)
      throw new UserError(`--tune: ${model} does not fit in the memory of ${hardware.name}, and is not loaded; see moeprof advise`);
    const { cache, draft, kv, quantization: format } = advised.setting;
    const answer = cache === null ? advised : (await strategiesOf(question, format, kv)).find(({ setting }) => setting.cache === null)!;
    const lacks = [...(cache === null ? [] : ['has no expert cache']), ...(draft > 0 ? ['drafts no tokens'] : [])];
    const notes = lacks.map((text) => `${benchmark.command} ${text}: what that gains is as moeprof advise predicts it.`);
    const around = await placements(question, answer);
    const points = around.flatMap((near, i) => pointsOf(question, near).slice(0, i < VARIED ? undefined : 1));
    return { model, quantization: answer.model.quantization, machine: hardware.name, runtime: name, file, goal, request, notes, points };
  });
}

/** The fastest placements, and lower rungs in case of less memory than expected. */
async function placements(question: Question, answer: Priced): Promise<Priced[]> {
  const { model, setting: answered } = answer;
  const ladder = ladderOf(question, model, null);
  const found: Priced[] = [];
  for (const ubatch of passesOf(question)) {
    const highest = highestFit(question, model, { ...answered, ubatch });
    const lower = highest === null ? [] : ladder.slice(rungOf(ladder, highest)).filter(({ cpuProjections }) => cpuProjections === null);
    // Rungs at doubling distances, and the lowest: the CPU alone.
    for (const [i, placement] of lower.entries()) {
      const setting: Setting = { ...answered, ...placement, ubatch };
      const looked = Number.isInteger(Math.log2(i + 1)) || i === lower.length - 1;
      const other = (Object.keys(answered) as (keyof Setting)[]).some((key) => setting[key] !== answered[key]);
      if (looked && other && isFit(devicesOf(question, model, setting))) found.push(await priced(question, model, setting));
    }
  }
  const sorted = found.sort((a, b) => a.cost - b.cost);
  return [answer, ...sorted.filter(({ setting }, i) => i < VARIED - 1 || setting.ubatch === answered.ubatch)];
}

/** Variants with half of the threads, unmapped weights, and on a CPU alone plain attention. */
function pointsOf(question: Question, priced: Priced): TunePoint[] {
  const { hardware, runtime, shell = usualShell(platform === 'win32') } = question;
  const { devices, setting } = priced;
  const { uses } = commandOf(question, priced);
  const [halvings, loads, plain] = runtime
    .benchmark!.ways(uses, hardware.cpuOnly === true || isCpuOnly(setting))
    .map((use): FlagUse[][] => (use === null ? [[]] : [[], [use]])) as [FlagUse[][], FlagUse[][], FlagUse[][]];
  const all = halvings.flatMap((halving) => loads.flatMap((other) => plain.map((attention) => [halving, other, attention] as const)));
  return all.map(([halving, other, attention]) => {
    const others = [...halving, ...other, ...attention];
    const changed = uses.map((use) => others.find(([flag]) => flag === use[0]) ?? use);
    const flags = [...changed, ...others.filter(([flag]) => !uses.some((use) => use[0] === flag))];
    const fewer = halving.map(([flag, fewest]) => Math.log2(Number(uses.find(([name]) => name === flag)![1]) / Number(fewest)));
    const place = [shareOnGpu(priced), fewer[0] ?? 0, attention.length];
    return {
      ...{ setting, devices },
      flags: runtime.benchmark!.words(flags, cpuExpertLayers(priced.model, setting), true),
      line: wrapped(wordsOf(runtime.dialect.grammar, [], flags, shell), shell),
      along: { decode: place, prefill: [...place, Math.log2(setting.ubatch), other.length] },
    };
  });
}

function shareOnGpu({ model, setting: { cpuMoe, gpuLayers } }: Pick<Priced, 'model' | 'setting'>): number {
  const { length } = model.layers;
  return 1 - Math.max(cpuMoe, length - (gpuLayers ?? length)) / length;
}
