import { Chalk, type ChalkInstance } from 'chalk';
import Table from 'cli-table3';
import { withoutCommand } from '../base/text.js';
import type { ReportOptions } from './format.js';

/** Maximum columns of a report, for default terminals, log viewers and quoted mail. */
export const MAX_WIDTH = 80;

/** Columns of a report. */
export const widthOf = (options: ReportOptions): number => Math.max(40, Math.min(MAX_WIDTH, options.width));

/** Colours, or no colours. */
export const palette = (options: ReportOptions): ChalkInstance => new Chalk({ level: options.color ? 1 : 0 });

/** Lines of at most `width` columns, after `first` or `rest`. Cuts longer words. */
export function wrap(text: string, width: number, first = '', rest = ' '.repeat(first.length)): string {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  const flush = (): void => {
    lines.push(line);
    line = rest;
    empty = true;
  };
  for (let word of wordsOf(text)) {
    if (!empty && line.length + 1 + word.length > width) flush();
    while (empty && line.length + word.length > width) {
      const room = Math.max(1, width - line.length);
      line += word.slice(0, room);
      word = word.slice(room);
      flush();
    }
    if (word === '') continue;
    line += (empty ? '' : ' ') + word;
    empty = false;
  }
  if (!empty || lines.length === 0) lines.push(line);
  return lines.map(withoutCommand).join('\n');
}

/** A unit after a figure, with adjacent punctuation: `%),`. */
const UNIT = /^(?:%|pp|[num]?s|[KMGT]i?B(?:\/s)?|B|tok\/s)(?!\w)/;

/** Words; sign, figure and unit are one word, to stay on one line. */
function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (const part of text.split(/\s+/)) {
    if (part === '') continue;
    const before = words.at(-1) ?? '';
    if (before === '±' || (UNIT.test(part) && /\d$/.test(before))) words.push(`${words.pop()!} ${part}`);
    else words.push(part);
  }
  return words;
}

/** Cuts prose to `width` columns. */
export function clip(text: string, width: number, unicode: boolean): string {
  if (text.length <= width) return text;
  const gap = unicode ? '…' : '...';
  return `${text.slice(0, Math.max(0, width - gap.length)).trimEnd()}${gap}`;
}

/** Shortens the middle of a text: both ends of a path matter. */
export function shorten(text: string, width: number, unicode: boolean): string {
  if (text.length <= width) return text;
  const gap = unicode ? '…' : '...';
  const room = Math.max(2, width - gap.length);
  const head = Math.ceil(room / 3);
  return text.slice(0, head) + gap + text.slice(text.length - (room - head));
}

/** Hidden edges of a table. */
const NO_EDGES = Object.fromEntries(
  ['top', 'bottom', 'left', 'right'].flatMap((edge) => [edge, `${edge}-mid`, `${edge}-left`, `${edge}-right`]).map((edge) => [edge, '']),
);

/** Default: first column left, further columns right. */
export function ruledTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  options: ReportOptions,
  layout: { readonly widths?: readonly (number | undefined)[]; readonly align?: readonly ('left' | 'right')[] } = {},
): string {
  const chalk = palette(options);
  const rule = options.unicode ? '─' : '-';
  const table = new Table({
    head: head.map((cell, column) => (column === 0 ? chalk.bold(cell) : chalk.dim(cell))),
    chars: { ...NO_EDGES, mid: rule, 'mid-mid': rule + rule, middle: '  ' },
    style: { head: [], border: options.color ? ['gray'] : [], compact: true, 'padding-left': 0, 'padding-right': 0 },
    colAligns: head.map((_, column) => layout.align?.[column] ?? (column === 0 ? 'left' : 'right')),
    colWidths: (layout.widths ?? []).map((width) => width ?? null),
  });
  table.push(...rows.flatMap(linesOf));
  return table.toString().replace(/[ \t]+$/gm, '');
}

/** A row as rows of one line each: cli-table3 takes cubic time for the lines of a cell, 19 s for a hundred. */
function linesOf(row: readonly string[]): string[][] {
  const cells = row.map((cell) => cell.split('\n'));
  const most = cells.reduce((height, { length }) => Math.max(height, length), 1);
  return Array.from({ length: most }, (_, line) => cells.map((lines) => lines[line] ?? ''));
}

interface BarPart {
  /** 0..1 of the bar. */
  readonly share: number;
  /** One column wide. */
  readonly glyph: string;
  paint(text: string): string;
}

/** Bar of exactly `width` columns, divided by largest remainders. */
export function stackedBar(parts: readonly BarPart[], width: number): string {
  const total = parts.reduce((sum, part) => sum + part.share, 0);
  if (total <= 0) return '';
  const exact = parts.map((part) => (part.share / total) * width);
  const columns = exact.map(Math.floor);
  const order = exact.map((value, index) => [value - columns[index]!, index] as const).sort((a, b) => b[0] - a[0] || a[1] - b[1]);
  const missing = width - columns.reduce((sum, value) => sum + value, 0);
  for (const [, index] of order.slice(0, missing)) columns[index]!++;
  return parts.map((part, index) => part.paint(part.glyph.repeat(columns[index]!))).join('');
}

/** Glyphs distinct without colour. */
export function barGlyphs(unicode: boolean): readonly [solid: string, dense: string, medium: string, light: string] {
  return unicode ? ['█', '▓', '▒', '░'] : ['#', '=', '-', '.'];
}
