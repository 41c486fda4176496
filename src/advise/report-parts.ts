import { aboutRate, type Block, bareRange, type Line, note } from '../report/door.js';
import type { Accuracy } from '../result/result.js';
import type { Advice, AdvisedSetting } from './advise.js';

/** Blocks that a terminal shows with --verbose only, and other formats always. */
export function detailed(blocks: readonly Block[]): Block[] {
  return blocks.flatMap((block): Block[] => {
    const [terminal, others] = [block.only?.includes('terminal') ?? true, block.only?.includes('markdown') ?? true];
    return [
      ...(terminal ? [{ ...block, only: ['terminal'], detail: 'verbose' } as const] : []),
      ...(others ? [{ ...block, only: ['markdown', 'csv'] } as const] : []),
    ];
  });
}

/** Both speeds, with their ranges. @param share for whom the first is */
export function speedsText(
  { decode, prefill }: Pick<AdvisedSetting, 'decode' | 'prefill'>,
  bands: NonNullable<Advice['bands']>,
  share = '',
): string {
  const of = (speed: number, band: Accuracy | null): string => `${aboutRate(speed)} tok/s${speedBand(band, speed)}`;
  return `${of(decode, bands.decode)}${share}, prompts ${of(prefill, bands.prefill)}`;
}

/** Parts of the machine that were taken, a line each. */
export function takenOf({ assumed }: Pick<Advice, 'assumed'>): Line[] {
  return assumed.map((text) => ({ text, tone: 'caution' }));
}

/** The range of a speed, to follow it; nothing if nothing is comparable. */
export function speedBand(band: Accuracy | null, speed: number): string {
  return band === null ? '' : ` (${bareRange(band, speed)})`;
}

/** Lines to paste. */
export function linesToPaste(command: Advice['command']): Block[] {
  return (command?.steps ?? []).map(({ file, lines, note: title = file === null ? undefined : `File ${file}` }) => ({
    kind: 'code' as const,
    lines,
    ...(title && { title }),
  }));
}

/** Sentences after their label; below it if there is room for a list. */
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
