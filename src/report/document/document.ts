// What a command has to say, free of any output format: a title, lines, facts, grids and drawings. A command writes one pure function
// from its value to a document; the table, Markdown and CSV are renderings of it.
import type { Metric } from '../../result/result.js';
import { formatMetric, printable, type ReportOptions } from '../format.js';
import { shorten } from '../text.js';

/** Renderings that a part of a document may be meant for. */
export type Medium = 'terminal' | 'markdown' | 'csv';

/** Where a part of a document is shown. */
export interface Visibility {
  /** The only renderings that have it; all unless said. */
  readonly only?: readonly Medium[];
  /** `brief`: only without --verbose; `verbose`: only with it; both unless said. */
  readonly detail?: 'brief' | 'verbose';
}

/** A report. Texts are Unicode and may hold anything: renderers escape them, and put them in ASCII for a terminal that has no more. */
export interface Document {
  readonly title?: string;
  /** What the title is of, a line each, without full stops. */
  readonly lead?: readonly Line[];
  readonly blocks: readonly Block[];
  /** What CSV has, where that is not the grids of the blocks. */
  readonly records?: Grid;
}

/** A part of a document; blank lines are between parts. */
export type Block = Grid | Lines | Facts | Drawing;

/** How a line stands out. `caution` is a remark on trust, `warning` begins with `!`, `info` with `i`, `item` belongs to a list. */
export type Tone = 'plain' | 'dim' | 'strong' | 'good' | 'caution' | 'warning' | 'info' | 'item';

/** A sentence. */
export interface Line {
  readonly text: string;
  readonly tone?: Tone;
  /** Stands before the text, with a colon. */
  readonly label?: string;
}

/** Sentences under each other. */
export interface Lines extends Visibility {
  readonly kind: 'lines';
  readonly lines: readonly Line[];
}

/** Labels with a text each. */
export interface Facts extends Visibility {
  readonly kind: 'facts';
  readonly title?: Line;
  readonly facts: readonly (readonly [label: string, text: string])[];
  /** Columns of a terminal before the text. */
  readonly indent: number;
}

/** A picture in characters, for terminals only. */
export interface Drawing extends Visibility {
  readonly kind: 'drawing';
  draw(options: ReportOptions): string;
}

/** A table. Without rows it is not shown. */
export interface Grid extends Visibility {
  readonly kind: 'grid';
  /** Stands right above it. */
  readonly title?: string;
  /** Markdown folds it away under this heading. */
  readonly fold?: string;
  readonly columns: readonly Column[];
  /** `[row][column]` */
  readonly rows: readonly (readonly Cell[])[];
  /** First columns, which name a row: a grid that is too wide goes on below and repeats them. 1 unless said. */
  readonly keys?: number;
  /** `verbose`: what is too wide is left out unless everything is asked for. */
  readonly overflow?: 'verbose';
}

/** A column of a {@link Grid}. */
export interface Column extends Pick<Visibility, 'only'> {
  /** Over the column where people read. */
  readonly head: string;
  /** Over the column in CSV; the head with underscores unless said. */
  readonly name?: string;
  /** The first column is left unless said, the others are right. */
  readonly align?: 'left' | 'right';
  /** Longest text, columns: what is more is left out in its middle. `rest`: what the other columns of a terminal leave. */
  readonly most?: number | 'rest';
  /** Columns of a terminal after which a text goes on below. */
  readonly wrap?: number;
  /** Columns of a terminal, where figures of several grids are to stand under each other; as wide as the texts unless said. */
  readonly width?: number;
}

/** One field of a grid. */
interface Cell {
  /** As CSV has it: in full precision, in the unit that the column names. */
  readonly value: string | number | null;
  /** As people read it. */
  readonly text: string;
}

/** A column, and how a row fills it. */
export interface ColumnOf<Row> extends Column {
  /** The value; nothing: an empty cell. A metric brings its unit along. */
  of(row: Row): string | number | null | undefined | Pick<Metric, 'value' | 'unit'>;
  /** A number as people read it. */
  readonly show?: (value: number) => string;
  /** The text, where the value alone does not make it. */
  text?(row: Row): string;
}

/** A grid with a row for each of `rows`. */
export function grid<Row>(
  rows: readonly Row[],
  columns: readonly ColumnOf<Row>[],
  more: Omit<Grid, 'kind' | 'columns' | 'rows'> = {},
): Grid {
  return { kind: 'grid', ...more, columns, rows: rows.map((row) => columns.map((column) => cellOf(row, column))) };
}

function cellOf<Row>(row: Row, column: ColumnOf<Row>): Cell {
  const found = column.of(row) ?? null;
  const [value, unit] = typeof found === 'object' && found !== null ? [found.value, found.unit] : [found, null];
  if (column.text !== undefined) return { value, text: column.text(row) };
  if (typeof value !== 'number') return { value, text: value ?? '' };
  return { value, text: column.show?.(value) ?? (unit === null ? String(value) : formatMetric({ value, unit })) };
}

/** One sentence as a block. */
export function note(text: string, tone: Tone = 'plain'): Lines {
  return { kind: 'lines', lines: [{ text, tone }] };
}

/** True where a rendering has a part. */
export function isShown({ only, detail }: Visibility, medium: Medium, verbose: boolean): boolean {
  return (only?.includes(medium) ?? true) && (detail === undefined || (detail === 'verbose') === verbose);
}

/** The columns of a grid that a rendering has, with heads and cells as people read them. */
export function readable(
  { columns, rows }: Pick<Grid, 'columns' | 'rows'>,
  medium: Medium,
  unicode: boolean,
): { readonly columns: readonly Column[]; readonly head: string[]; readonly rows: string[][] } {
  const shown = columns.map((_, index) => index).filter((index) => isShown(columns[index]!, medium, true));
  const text = (said: string, { most }: Column): string => {
    const clean = printable(unicode ? said : asciiOf(said));
    return typeof most === 'number' ? shorten(clean, most, unicode) : clean;
  };
  return {
    columns: shown.map((index) => columns[index]!),
    head: shown.map((index) => text(columns[index]!.head, columns[index]!)),
    rows: rows.map((row) => shown.map((index) => text(row[index]!.text, columns[index]!))),
  };
}

/** Where a column stands. */
export function alignOf({ align }: Column, index: number): 'left' | 'right' {
  return align ?? (index === 0 ? 'left' : 'right');
}

const ASCII: Readonly<Record<string, string>> = { '…': '...', '→': '->', '←': '<-', '◂': '<', '’': "'", '“': '"', '”': '"' };

/** A text with the typographic signs that documents use in ASCII. */
export function asciiOf(text: string): string {
  return text.replace(/[…→←◂’“”]/g, (sign) => ASCII[sign]!);
}
