// The report of `moeprof advise`, one screen: the verdict, lines to paste, memory, alternatives, what does not fit, what would help, and how
// sure the figures are.

import { ownValue } from '../base/objects.js';
import { formatBytes, formatCount, formatNs, formatNumber, formatTokensPerSecond } from '../base/units.js';
import {
  type Block,
  bareRate,
  type Column,
  countedText,
  type Datum,
  type Document,
  documentFormats,
  type Format,
  figure,
  formatRelative,
  type Grid,
  grid,
  gridOf,
  type Line,
  learnedFrom,
  note,
  pageFormat,
  speedRange,
  timesText,
} from '../report/door.js';
import type { Accuracy } from '../result/result.js';
import { flagOf } from '../runtime/flags/flag.js';
import { advisedRuntime } from '../runtime/index.js';
import { freeOf, HOST, usedOf } from '../runtime/setting/fits.js';
import { requestNs } from '../runtime/setting/goal.js';
import type { Advice, AdvisedSetting } from './advise.js';
import { draftGrid } from './drafts.js';
import { strategyGrid } from './strategies.js';
import type { WayOut } from './ways.js';

/** Advice, and whether each flag is to be explained. */
interface AdviceView {
  readonly advice: Advice;
  readonly explain: boolean;
}

/** Formats of advice, the one for reading first. */
export const adviceReports: readonly Format<AdviceView>[] = [
  ...documentFormats<AdviceView>(adviceDocument, ({ advice }) => advice),
  pageFormat(adviceDocument, 'moeprof advise'),
];

/** Advice as a document. */
function adviceDocument({ advice, explain }: AdviceView): Document {
  const { answer, machine, model, quantization, runtime } = advice;
  return {
    title: `${model} ${quantization} on ${machine}, ${runtime}`,
    lead: [...verdictOf(advice), ...takenOf(advice)],
    blocks: [
      ...linesToPaste(advice.command),
      ...(explain ? [explained(advice)] : []),
      ...(answer === null
        ? []
        : [
            memoryGrid(answer),
            ...strategyGrid(advice.strategies),
            ...draftGrid(advice.drafts, answer.setting.drafter),
            alternativeGrid(advice, answer),
          ]),
      ...(advice.ways ?? []).map(wayBlock),
      ...sentences('does not fit', advice.misfits),
      ...sentences('would help', purchaseTexts(advice)),
      ...sentences('how sure', basisTexts(advice)),
    ],
    records: recordsOf(advice),
  };
}

/** The answer in a sentence or two. */
function verdictOf({ answer, bands, bound, context, goal, inMemory, kept, request, users }: Advice): Line[] {
  if (answer === null) return [{ text: 'Nothing fits.', tone: 'caution' }];
  const share = users === 1 ? '' : ` for ${users} users together`;
  const speeds = speedsText(answer, bands!, share);
  const binds = bound!.decode === bound!.prefill ? `bound by ${bound!.decode}` : `bound by ${bound!.decode}, prompts by ${bound!.prefill}`;
  const whole = `A prompt of ${formatCount(request.prompt)} tokens and ${formatCount(request.output)} generated ones take ${formatNs(requestNs(answer, users, request))}; ${formatCount(context)} tokens of context`;
  const broken =
    kept || goal.kind !== 'targets' ? [] : [{ text: 'No setting keeps the targets; this one comes nearest.', tone: 'warning' as const }];
  const disk = inMemory === undefined ? [] : [{ text: fromDiskText(answer, inMemory), tone: 'caution' as const }];
  return [{ text: `${speeds}; ${binds}`, tone: 'good' }, { text: whole }, ...disk, ...broken];
}

/** Both speeds, with their ranges. @param share for whom the first is */
export function speedsText(
  { decode, prefill }: Pick<AdvisedSetting, 'decode' | 'prefill'>,
  bands: NonNullable<Advice['bands']>,
  share = '',
): string {
  const of = (speed: number, band: Accuracy | null): string => `${formatTokensPerSecond(speed)}${bandText(band, speed)}`;
  return `${of(decode, bands.decode)}${share}, prompts ${of(prefill, bands.prefill)}`;
}

/** The part of the weights that stays on the disk, and what that costs. */
function fromDiskText({ decode, devices }: AdvisedSetting, inMemory: number): string {
  const { compute, has, kv, weights } = devices.at(-1)!;
  const room = Math.max(0, has - kv - compute);
  const [slow, fast] = [decode, inMemory].map(formatTokensPerSecond);
  return `${formatBytes(weights)} of weights in ${formatBytes(room)} of memory: ${formatBytes(weights - room)} stay on the disk, and experts are read from it as they are needed; ${slow} in place of ${fast}`;
}

/** Parts of the machine that were taken, a line each. */
export function takenOf({ assumed }: Pick<Advice, 'assumed'>): Line[] {
  return assumed.map((text) => ({ text, tone: 'caution' }));
}

/** The range of a speed behind it; nothing where nothing is comparable. */
function bandText(band: Accuracy | null, speed: number): string {
  return band === null ? '' : ` (${speedRange(band, speed)})`;
}

/** Lines to paste. */
export function linesToPaste(command: Advice['command']): Block[] {
  if (command === null) return [];
  return command.steps.map(({ file, lines, title = file === null ? undefined : `File ${file}` }) => ({
    kind: 'code' as const,
    lines,
    ...(title && { title }),
  }));
}

/** Something else that fits, with its command. */
function wayBlock({ command, decode, text }: WayOut): Block {
  return { kind: 'code', title: `${text}${decode === null ? '' : `, ${formatTokensPerSecond(decode)}`}`, lines: command };
}

/** A sentence for each flag. */
function explained({ command, runtime }: Advice): Block {
  const { grammar } = advisedRuntime(runtime).dialect;
  const facts = (command?.uses ?? []).map(([name, value]): [string, string] => {
    const why = ownValue(command!.why, name);
    const does = flagOf(grammar, name)!.does;
    return [value === null || String(value).length > 12 ? name : `${name} ${value}`, `${does}${why === undefined ? '' : `: ${why}`}.`];
  });
  const source = `Flags of ${grammar.program} ${grammar.version}, ${grammar.source}`;
  return { kind: 'facts', title: { text: source, tone: 'dim' }, facts, indent: 2 + Math.max(0, ...facts.map(([label]) => label.length)) };
}

function memoryGrid({ devices }: AdvisedSetting): Grid {
  const rows = devices.map((device): Datum[] => [
    device.name,
    ...[device.weights, device.kv, device.compute].map((bytes) => figure(bytes, 'bytes')),
    freeText(freeOf(device)),
    figure(device.has, 'bytes'),
  ]);
  return gridOf(['memory', 'weights', 'KV', 'compute', 'free', 'of'], rows);
}

/** Free bytes; what memory does not hold stays on the disk. */
function freeText(bytes: number): Datum {
  return bytes < 0 ? { value: bytes, text: `${formatBytes(-bytes)} on disk` } : figure(bytes, 'bytes');
}

/** The answer and its alternatives. */
function alternativeGrid({ alternatives }: Advice, answer: AdvisedSetting): Grid {
  const apart = answer.devices.some(({ name }) => name === HOST);
  const rows = [answer, ...alternatives].map((choice): Datum[] => [
    choice.change === '' ? 'as above' : choice.change,
    bareRate(choice.decode),
    bareRate(choice.prefill),
    ...(apart ? [false, true] : [false]).map((host) => figure(bytesOn(choice, host), 'bytes')),
    figure(choice.longest, 'count'),
    { value: choice.bits, text: formatNumber(choice.bits, 1) },
  ]);
  const columns: (string | Column)[] = [
    { head: 'instead', most: 22 },
    'decode',
    'prefill',
    ...(apart ? ['GPU', 'host'] : ['memory']),
    'context',
    'bits',
  ];
  return gridOf(columns, rows);
}

/** Bytes on GPUs, or in host memory. */
function bytesOn({ devices }: AdvisedSetting, host: boolean): number {
  return devices.filter(({ name }) => (name === HOST) === host).reduce((sum, device) => sum + usedOf(device), 0);
}

/** Sentences on purchases. */
function purchaseTexts({ answer, purchases }: Advice): string[] {
  if (answer === null) return [];
  if (purchases.length === 0) return ['Nothing that was tried gains a hundredth.'];
  return purchases.map(({ decode, decodeGain, part, prefill, prefillGain }) => {
    const gain = (rate: number, relative: number): string =>
      Math.abs(relative) < 0.005 ? 'as before' : `${formatTokensPerSecond(rate)} (${formatRelative(relative)})`;
    return `${part}: decode ${gain(decode, decodeGain)}, prompts ${gain(prefill, prefillGain)}.`;
  });
}

/** Sentences on the basis of the figures. */
function basisTexts({ bands, notes }: Advice): string[] {
  const of = (what: string, band: Accuracy | null): string[] =>
    band === null
      ? []
      : [
          `${what}: ${band.learned === true ? `80 % of runs, ${learnedFrom(band)},` : countedText(band)} were ${timesText(band)} what was predicted${band.learned === true ? '' : ` (${band.common})`}.`,
        ];
  const known = bands === null ? [] : [...of('Decode', bands.decode), ...of('Prefill', bands.prefill)];
  return [...(bands !== null && known.length === 0 ? ['No measurement is comparable.'] : known), ...notes];
}

/** CSV has a row for each setting. */
function recordsOf({ alternatives, answer }: Advice): Grid {
  return grid(answer === null ? [] : [answer, ...alternatives], [
    { head: 'setting', of: ({ change }) => (change === '' ? 'advised' : change) },
    { head: 'quantization', of: ({ setting }) => setting.quantization },
    { head: 'gpu_layers', of: ({ setting }) => setting.gpuLayers },
    { head: 'cpu_moe_layers', of: ({ setting }) => setting.cpuMoe },
    { head: 'cpu_projections', of: ({ setting }) => setting.cpuProjections },
    { head: 'gpu_experts', of: ({ setting }) => setting.gpuExperts },
    { head: 'ubatch', of: ({ setting }) => setting.ubatch },
    { head: 'kv', of: ({ setting }) => setting.kv },
    { head: 'context', of: ({ setting }) => setting.context },
    { head: 'users', of: ({ setting }) => setting.users },
    { head: 'follows_prompts', of: ({ setting }) => (setting.followsPrompts ? 1 : 0) },
    { head: 'sockets', of: ({ setting }) => (setting.oneSocket ? 1 : null) },
    { head: 'draft', of: ({ setting }) => setting.draft },
    { head: 'decode', of: ({ decode }) => decode },
    { head: 'prefill', of: ({ prefill }) => prefill },
    { head: 'longest_context', of: ({ longest }) => longest },
    { head: 'bits', of: ({ bits }) => bits },
    { head: 'host_bytes', of: (choice) => bytesOn(choice, true) },
    { head: 'gpu_bytes', of: (choice) => bytesOn(choice, false) },
  ]);
}

/** Sentences beside what they say; below it where there is room for a list. */
export function sentences(label: string, texts: readonly string[]): Block[] {
  if (texts.length === 0) return [];
  const facts = texts.map((text, i): [string, string] => [i === 0 ? label : '', text]);
  const heading = `${label[0]!.toUpperCase()}${label.slice(1)}`;
  return [
    { kind: 'facts', facts, indent: 14, only: ['terminal'] },
    { ...note(heading, 'strong'), only: ['markdown'] },
    { kind: 'lines', lines: texts.map((text) => ({ text, tone: 'item' as const })), only: ['markdown'] },
  ];
}
