import type { ChalkInstance } from 'chalk';
import { printable, type ReportOptions } from '../format.js';
import { palette, ruledTable, shorten, widthOf, wrap } from '../text.js';
import type { Block, Code, Column, Document, Facts, Grid, GridCell, Line, Tone } from './document.js';
import { alignOf, asciiOf, isShown, isVerdict, readable } from './document.js';

/** First prefix, prefix of continuation lines, and colour of a line. */
type Look = readonly [first: string, rest: string, paint: (chalk: ChalkInstance) => (text: string) => string];

const plain: Look[2] = () => (text) => text;
const LOOKS: Readonly<Record<Tone, Look>> = {
  plain: ['', '', plain],
  dim: ['', '', (chalk) => chalk.dim],
  strong: ['', '', (chalk) => chalk.bold],
  heading: ['', '', (chalk) => chalk.bold],
  good: ['', '', (chalk) => chalk.green],
  bad: ['', '', (chalk) => chalk.red],
  caution: ['', '', (chalk) => chalk.yellow],
  warning: ['! ', '  ', (chalk) => chalk.yellow],
  info: ['i ', '  ', (chalk) => chalk.cyan],
  item: ['', '  ', plain],
  fail: ['FAIL ', '     ', (chalk) => chalk.red],
  warn: ['WARN ', '     ', (chalk) => chalk.yellow],
  new: ['NEW  ', '     ', (chalk) => chalk.cyan],
};

/** Terminal text of a document, answer first, with a final newline. */
export function renderTerminal({ answer, blocks, lead = [], title }: Document, options: ReportOptions): string {
  // Lead lines are dim by default.
  const top = [
    ...[answer, title].flatMap((text, i) =>
      text === undefined ? [] : [{ text, tone: i === 1 && answer !== undefined ? ('plain' as const) : ('strong' as const) }],
    ),
    ...lead.map((line) => ({ tone: 'dim' as const, ...line })),
  ];
  const shown = blocks.filter((block) => isShown(block, 'terminal', options.verbose)).map((block) => draw(block, options));
  return `${[linesText(top, options), ...shown].filter((text) => text !== '').join('\n\n')}\n`;
}

function draw(block: Block, options: ReportOptions): string {
  switch (block.kind) {
    case 'lines':
      return linesText(block.lines, options);
    case 'facts':
      return factsText(block, options);
    case 'grid':
      return block.rows.length === 0 ? '' : gridText(block, options);
    case 'drawing':
      return block.draw(options);
    case 'code':
      return codeText(block, options);
  }
}

/** Lines to copy are never wrapped. */
function codeText({ lines, title }: Code, options: ReportOptions): string {
  const above = title === undefined ? [] : [palette(options).dim(`${said(title, options)}:`)];
  return [...above, ...lines.map((line) => `    ${printable(line)}`)].join('\n');
}

const linesText = (lines: readonly Line[], options: ReportOptions): string => lines.map((line) => lineText(line, options)).join('\n');

/** Wraps a line; a label or verdict alone is coloured. */
function lineText({ cut, hang, indent, label, text, tone = 'plain' }: Line, options: ReportOptions): string {
  const [first, under, paint] = LOOKS[tone];
  const painted = paint(palette(options));
  const width = widthOf(options);
  if (cut === true) return painted(shorten(said(text, options), width, options.unicode));
  if (indent !== undefined) {
    const wrapped = wrap(said(text, options), width, ' '.repeat(indent));
    return palette(options).dim(said(label ?? '', options).padEnd(indent)) + wrapped.slice(indent);
  }
  const rest = hang === undefined ? under : ' '.repeat(hang);
  if (label === undefined) return painted(wrap(said(text, options), width, first, rest));
  const start = isVerdict(tone) ? first.trimEnd() : `${first}${said(label, options)}:`;
  return wrap(said(`${label}${isVerdict(tone) ? '' : ':'} ${text}`, options), width, first, rest).replace(start, () => painted(start));
}

const said = (text: string, { unicode }: ReportOptions): string => (unicode ? printable(text) : asciiOf(printable(text)));

function factsText({ facts, indent, title }: Facts, options: ReportOptions): string {
  return linesText([...(title === undefined ? [] : [title]), ...facts.map(([label, text]) => ({ label, text, indent }))], options);
}

/** A grid; columns beyond the width continue below, after the keys. */
function gridText(grid: Grid, options: ReportOptions): string {
  const { cells, columns, head, rows } = fitted(grid, options);
  const align = columns.map(alignOf);
  const parts = partsOf(
    grid,
    columns.map((column, index) => column.width ?? widest(head, rows, index)),
    options,
  ).map((part) => {
    const pick = <T>(of: readonly T[]): T[] => part.map((index) => of[index]!);
    const layout = { align: pick(align), widths: pick(columns.map(({ width }) => width)) };
    return ruledTable(
      pick(head),
      rows.map((row, r) => pick(row.map((text, index) => cellText(text, cells[r]![index]!, options)))),
      options,
      layout,
    );
  });
  const title = grid.title === undefined ? [] : [lineText({ text: grid.title, tone: 'strong' }, options)];
  return [...title, parts.join('\n\n')].join('\n');
}

const gridWidth = (options: ReportOptions): number => Math.max(widthOf(options), options.width);

/** Minimum columns of a marked text; ours. */
const LEAST = 16;

function fitted(grid: Grid, options: ReportOptions): ReturnType<typeof readable> {
  const { cells, columns, head, rows } = readable(grid, 'terminal', options.unicode);
  const widths = columns.map(({ width }, index) => width ?? widest(head, rows, index));
  const room = (index: number): number =>
    widths.reduce((left, width, other) => (other === index ? left : left - width - 2), gridWidth(options));
  const cut = (text: string, index: number, { mark }: GridCell): string => {
    const { most, wrap: limit } = columns[index]!;
    if (limit !== undefined) return wrap(text, limit);
    if (most !== 'rest') return text;
    if (mark === undefined) return shorten(text, room(index), options.unicode);
    return text.slice(0, 2) + shorten(text.slice(2), Math.max(LEAST, room(index)) - 2, options.unicode);
  };
  const within = ({ most, width, ...column }: Column, index: number): Column => ({
    ...column,
    ...(width === undefined ? {} : { width: most === 'rest' ? Math.min(width, room(index)) : width }),
  });
  return { cells, columns: columns.map(within), head, rows: rows.map((row, r) => row.map((text, i) => cut(text, i, cells[r]![i]!))) };
}

function cellText(text: string, { mark, tone = 'plain' }: GridCell, options: ReportOptions): string {
  const painted = (content: string, look: Tone): string => LOOKS[look][2](palette(options))(content);
  return mark === undefined ? painted(text, tone) : painted(text.slice(0, 1), mark.tone) + painted(text.slice(1), tone);
}

/** Columns of each part of a grid: the keys, then all columns that fit. */
function partsOf({ keys = 1, overflow }: Grid, widths: readonly number[], options: ReportOptions): number[][] {
  const fixed = widths.map((_, index) => index).slice(0, keys);
  const room = gridWidth(options) - fixed.reduce((sum, index) => sum + widths[index]! + 2, -2);
  const parts: number[][] = [];
  let left = 0;
  for (let index = keys; index < widths.length; index++) {
    if (parts.length === 0 || widths[index]! + 2 > left) {
      parts.push([...fixed]);
      left = room;
    }
    parts.at(-1)!.push(index);
    left -= widths[index]! + 2;
  }
  if (parts.length === 0) return [fixed];
  return overflow === 'verbose' && !options.verbose ? parts.slice(0, 1) : parts;
}

function widest(head: readonly string[], rows: readonly (readonly string[])[], index: number): number {
  return Math.max(...[head[index]!, ...rows.flatMap((row) => row[index]!.split('\n'))].map((line) => line.length));
}
