// The output of a command, free of any format: a title, lines, facts, grids and drawings. A command has one pure function from its value to a
// document; the terminal's table, Markdown and CSV are rendered from it.
import type { Metric, Unit } from '../../result/result.js';
import { formatMetric, printable, type ReportOptions } from '../format.js';
import { shorten } from '../text.js';

/** Renderings that a part of a document may be meant for. */
type Medium = 'terminal' | 'markdown' | 'csv';

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
  /** Details of the title, a line each, without full stops. */
  readonly lead?: readonly Line[];
  readonly blocks: readonly Block[];
  /** The records of CSV, where they are not the grids of the blocks. */
  readonly records?: Grid;
}

/** A part of a document; blank lines are between parts. */
export type Block = Grid | Lines | Facts | Drawing | Code;

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

/** Lines to copy as they are: a command, a file. */
export interface Code extends Visibility {
  readonly kind: 'code';
  /** Stands right above them. */
  readonly title?: string;
  readonly lines: readonly string[];
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
  readonly rows: readonly (readonly GridCell[])[];
  /** First columns, which name a row: a grid that is too wide goes on below and repeats them. 1 unless said. */
  readonly keys?: number;
  /** `verbose`: what is too wide is left out unless everything is asked for. */
  readonly overflow?: 'verbose';
}

/** A grid but for its columns and rows. */
type GridOptions = Omit<Grid, 'kind' | 'columns' | 'rows'>;

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
interface GridCell {
  /** As CSV has it: in full precision, in the unit that the column names. */
  readonly value: string | number | null;
  /** As people read it. */
  readonly text: string;
}

/** The value of a field: a bare value, a figure that brings its unit along, or a value with a text of its own. */
export type Datum = string | number | null | undefined | Pick<Metric, 'value' | 'unit'> | GridCell;

/** A column, and how a row fills it. */
export interface ColumnOf<Row> extends Column {
  of(row: Row): Datum;
}

/** A grid with a row for each of `rows`. */
export function grid<Row>(rows: readonly Row[], columns: readonly ColumnOf<Row>[], more: GridOptions = {}): Grid {
  return gridOf(
    columns,
    rows.map((row) => columns.map((column) => column.of(row))),
    more,
  );
}

/** A grid of ready rows; a column that is no more than its head may be given as text. */
export function gridOf(columns: readonly (string | Column)[], rows: readonly (readonly Datum[])[], more: GridOptions = {}): Grid {
  const heads = columns.map((column) => (typeof column === 'string' ? { head: column } : column));
  return { kind: 'grid', ...more, columns: heads, rows: rows.map((row) => row.map(cellOf)) };
}

function cellOf(datum: Datum): GridCell {
  if (typeof datum !== 'object' || datum === null) return { value: datum ?? null, text: String(datum ?? '') };
  return 'text' in datum ? datum : { value: datum.value, text: formatMetric(datum) };
}

/** A figure with its unit; nothing where there is none. */
export function figure(value: number | null | undefined, unit: Unit): Datum {
  return value === null || value === undefined ? null : { value, unit };
}

/** A share of 1, shown in percent. */
export function ratio(value: number | null | undefined): Datum {
  return figure(value, 'ratio');
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
    const clean = unicode ? printable(said) : asciiOf(printable(said));
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
