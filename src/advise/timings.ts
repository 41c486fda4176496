// Timings of the user's machine that leave the least expected band of the shortlist, as lines to run.

import { mean } from '../base/statistics.js';
import { expectedWidth, type Figure } from '../hardware/door.js';
import { cpuExpertLayers, type Setting, wrapped } from '../runtime/door.js';
import { commandOf, servedName, shellOf } from './command.js';
import type { Priced } from './price.js';
import type { Question } from './question.js';
import { decodeFigure, waitedShares } from './sure.js';

/** Lines that time the machine. */
export interface AskedTimings {
  readonly lines: readonly string[];
  /** File that the lines write. */
  readonly file: string;
  /** Number of settings that are timed. */
  readonly count: number;
  /** Expected half width of the answer's band afterwards, as a share of its speed. */
  readonly width: number;
}

/** Most tokens of context before a timing, and its own tokens. Ours. */
const [DEEP, TIMED] = [8192, 1024];
/** Longest reading of the context, seconds; llama-bench reads it four times. Ours: three minutes with all else. */
const [PATIENCE, READINGS] = [120, 4];
/** Tokens of a timing, at most and at least, and their seconds. Ours. */
const [MOST_GENERATED, LEAST_GENERATED, GENERATING] = [64, 16, 10];

/** A setting to time after `depth` tokens. */
interface Point {
  readonly priced: Priced;
  readonly depth: number;
  readonly figure: Figure;
}

/**
 * The two timings that leave the least band; null: none helps, or no program times the runtime.
 * @param others best settings of other strategies
 */
export async function timingsToAsk(question: Question, answer: Priced, others: readonly Priced[]): Promise<AskedTimings | null> {
  const { hardware, learned, runtime } = question;
  const { timer } = runtime;
  const shortlist = [answer, ...others.filter(({ setting }) => setting.cache !== answer.setting.cache)];
  if (learned !== undefined || timer === null || answer.setting.fromDisk) return null;
  if (hardware.facts === undefined || hardware.machine?.calibration !== undefined) return null;
  const placements = placementsOf(question, shortlist);
  if (placements.length === 0) return null;
  const depths = [...new Set([0, depthFor(question, answer)])];
  const points: Point[] = [];
  const kvNs = await kvTimes(question, placements[0]!, depths);
  for (const priced of placements)
    for (const depth of depths) points.push({ priced, depth, figure: await figureAt(question, priced, depth, kvNs.get(depth)!) });
  const { prompt } = question.request;
  const ofPrompt = (await kvTimes(question, placements[0]!, [prompt])).get(prompt)!;
  const targets: Figure[] = [];
  for (const priced of shortlist) targets.push(await figureAt(question, priced, prompt, ofPrompt));
  const pairs = points.flatMap((a, i) => points.slice(i + 1).map((b) => [a, b]));
  const tried = pairs.map((pair) => ({ pair, width: widthAfter(pair, targets) }));
  const { pair } = tried.reduce((best, next) => (next.width * extraOf(best.pair) < best.width * extraOf(next.pair) ? next : best));
  return { lines: linesFor(question, pair, answer), file: timer.file, count: pair.length, width: widthAfter(pair, targets.slice(0, 1)) };
}

/** Gain worth a second loading of the model. Ours. */
const WORTH_LOADING = 0.9;

const extraOf = ([a, b]: readonly Point[]): number => (a!.priced === b!.priced ? 1 : WORTH_LOADING);

/** Time of attention over the context, ns a token, by depth. */
async function kvTimes(
  { hardware, pricer }: Question,
  { model, setting }: Priced,
  depths: readonly number[],
): Promise<Map<number, number>> {
  const placed = { model, hardware, setting, cached: null };
  const shallow = await pricer.decode(placed, 0);
  const times = new Map<number, number>();
  for (const depth of depths) times.set(depth, 1e9 / (await pricer.decode(placed, depth)) - 1e9 / shallow);
  return times;
}

const widthAfter = (pair: readonly Point[], targets: readonly Figure[]): number =>
  mean(
    targets.map((target) =>
      expectedWidth(
        pair.map(({ figure }) => figure),
        target,
      ),
    ),
  );

/** Depth that fits the context, and is read in {@link PATIENCE}. */
function depthFor({ context }: Question, { price, setting }: Priced): number {
  const perToken = Math.max(READINGS / price.prefill, setting.users / price.decode / READINGS);
  const most = Math.min(DEEP, context - TIMED, PATIENCE / perToken);
  return most < 1 ? 0 : 2 ** Math.floor(Math.log2(most));
}

function placementsOf({ hardware }: Question, shortlist: readonly Priced[]): readonly Priced[] {
  const plain = { draft: 0, users: 1, cache: null, slots: null, cpuProjections: null } as const;
  const fixed = shortlist
    .filter(({ setting }) => setting.cache === null)
    .map((priced) => withSetting(priced, { ...plain, cpuMoe: priced.setting.cpuMoe + Number(priced.setting.cpuProjections !== null) }));
  const [first] = shortlist as [Priced];
  if (hardware.cpu === null || fixed.some(({ setting }) => setting.gpuLayers !== null)) return fixed;
  return [...fixed, withSetting(first, { ...plain, cpuMoe: first.model.layers.length, gpuExperts: null })];
}

const withSetting = (priced: Priced, changed: Partial<Setting>): Priced => ({ ...priced, setting: { ...priced.setting, ...changed } });

/** A decode speed with shares of its time, in closed form. @param kvNs of attention over the context */
async function figureAt(question: Question, priced: Priced, depth: number, kvNs: number): Promise<Figure> {
  const { hardware, pricer } = question;
  const { model, setting } = priced;
  const speed = await pricer.decode({ model, hardware, setting, cached: null }, depth);
  const waited = waitedShares(priced.price.waits, speed / setting.users);
  const cpu = waited['cpu.memory'];
  const { launchNs, perLayerNs, perPassNs } = hardware.gpu;
  const handovers = hardware.cpu === null || cpu === 0 ? 0 : cpuExpertLayers(model, setting) * hardware.cpu.handoverNs;
  const ofTime = (ns: number): number => Math.min(1, (ns * speed) / setting.users / 1e9);
  const shares = {
    ...waited,
    'cpu.memory': Math.max(0, cpu - ofTime(handovers)),
    kv: ofTime(kvNs),
    launches: ofTime(perPassNs + model.layers.length * (perLayerNs + launchNs)),
    handover: ofTime(handovers),
  };
  const placement = [setting.cpuMoe, setting.gpuExperts, setting.gpuLayers, setting.cpuProjections, setting.slots, depth];
  return { ...decodeFigure(question, priced, shares), setting: placement.join() };
}

/** A command for each placement, at its depths. */
function linesFor(question: Question, pair: readonly Point[], { price, setting }: Priced): string[] {
  const timer = question.runtime.timer!;
  const shell = shellOf(question);
  const speed = price.decode / setting.users;
  const generated = Math.round(Math.min(MOST_GENERATED, Math.max(LEAST_GENERATED, speed * GENERATING)));
  return [...new Set(pair.map(({ priced }) => priced))].flatMap((priced, i) => {
    const { uses } = commandOf(question, priced);
    const depths = pair.filter((point) => point.priced === priced).map(({ depth }) => depth);
    const expertLayers = cpuExpertLayers(priced.model, priced.setting);
    const commands = timer.commands({ uses, expertLayers, depths, generated, model: servedName(question, priced) });
    return commands.flatMap((groups, k) => {
      const redirected = [`${i + k === 0 ? '>' : '>>'} ${timer.file}${timer.prints === 'stderr' ? ' 2>&1' : ''}`];
      return wrapped([...groups.map((group) => group.map(shell.quoted)), redirected], shell);
    });
  });
}
