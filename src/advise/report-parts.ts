import { formatCounted, formatNs } from '../base/units.js';
import { aboutRate, type Block, bareRange, type Line, note } from '../report/door.js';
import type { Accuracy } from '../result/result.js';
import { closedLoop, type RequestShape, type Served } from '../runtime/door.js';
import type { Advice, AdvisedSetting } from './advise.js';

/** Marks blocks as verbose on a terminal; further formats always show the blocks. */
export function detailed(blocks: readonly Block[]): Block[] {
  return blocks.flatMap((block): Block[] => {
    const [terminal, others] = [block.only?.includes('terminal') ?? true, block.only?.includes('markdown') ?? true];
    return [
      ...(terminal ? [{ ...block, only: ['terminal'], detail: 'verbose' } as const] : []),
      ...(others ? [{ ...block, only: ['markdown', 'csv'] } as const] : []),
    ];
  });
}

/** Both speeds with ranges. @param share clause after the decode speed */
export function speedsText(
  { decode, prefill }: Pick<AdvisedSetting, 'decode' | 'prefill'>,
  bands: NonNullable<Advice['bands']>,
  share = '',
): string {
  const of = (speed: number, band: Accuracy | null): string => `${aboutRate(speed)} tok/s${speedBand(band, speed)}`;
  return `${of(decode, bands.decode)}${share}, prompts ${of(prefill, bands.prefill)}`;
}

/** Speed of several users with their prompts; its range has both at their low and high ends. */
export function servedText(
  { decode, prefill, setting }: AdvisedSetting,
  { throughput, tpot, ttft }: Served,
  bands: NonNullable<Advice['bands']>,
  request: RequestShape,
): string {
  const ofSpeeds = (ofDecode = 1, ofPrompts = 1): number =>
    closedLoop({ decode: decode * ofDecode, prefill: prefill * ofPrompts }, setting, request).throughput;
  const at = (end: 'high' | 'low'): number => ofSpeeds(bands.decode?.[end], bands.prefill?.[end]) / ofSpeeds();
  const band = bands.decode === null ? null : { ...bands.decode, low: Math.min(1, at('low')), high: Math.max(1, at('high')) };
  const users = formatCounted(setting.users, 'user');
  return `${aboutRate(throughput)} tok/s${speedBand(band, throughput)} generated for ${users} who keep asking: first token after ${formatNs(ttft)}, then ${formatNs(tpot)} a token`;
}

/** Assumed parts of the machine, a line each. */
export function takenOf({ assumed }: Pick<Advice, 'assumed'>): Line[] {
  return assumed.map((text) => ({ text, tone: 'caution' }));
}

/** What is assumed of a model's shape, a line; empty: nothing. */
export const shapeLine = ({ assumedShape }: Pick<Advice, 'assumedShape'>): Line[] =>
  assumedShape === undefined ? [] : [{ text: assumedShape, tone: 'caution' }];

/** Range of a speed, as a suffix; empty if no measurement is comparable. */
export function speedBand(band: Accuracy | null, speed: number): string {
  return band === null ? '' : ` (${bareRange(band, speed)})`;
}

/** Command lines as code blocks. */
export function linesToPaste(command: Advice['command']): Block[] {
  return (command?.steps ?? []).map(({ file, lines, note: title = file === null ? undefined : `File ${file}` }) => ({
    kind: 'code' as const,
    lines,
    ...(title && { title }),
  }));
}

/** Sentences next to a label, or as a list under a heading. */
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
