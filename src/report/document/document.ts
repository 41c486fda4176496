import { byName } from '../../base/objects.js';
import type { Metric, Unit } from '../../result/result.js';
import { formatMetric, printable, type ReportOptions } from '../format.js';
import { shorten } from '../text.js';

/** Renderings that may show a part of a document. */
type Medium = 'terminal' | 'markdown' | 'csv' | 'page';

/** Media on which a part of a document is shown. */
export interface Visibility {
  /** The only renderings that show it; by default all. */
  readonly only?: readonly Medium[];
  /** `brief`: only without --verbose; `verbose`: only with it; `more`: on a terminal only with it; by default both. */
  readonly detail?: 'brief' | 'verbose' | 'more';
  /** Heading under which a page folds it away, together with its neighbours of the same heading. */
  readonly under?: string;
}

/** The output of a command, free of any format. Texts are arbitrary Unicode: renderers escape them, and convert them for ASCII terminals. */
export interface Document {
  readonly title?: string;
  /** The answer in a sentence without a full stop: the first heading of a page. Absent: the verdict that the lead begins with, or the title. */
  readonly answer?: string;
  /** Details of the title, a line each, without full stops. */
  readonly lead?: readonly Line[];
  readonly blocks: readonly Block[];
  /** The records of CSV, if they are not the grids of the blocks. */
  readonly records?: Grid | Records;
}

/** Records that are made one at a time: those of a study may be many. */
interface Records {
  /** Heads, as they stand in CSV. */
  readonly names: readonly string[];
  readonly values: Iterable<readonly (string | number | null)[]>;
}

/** A part of a document; parts are separated by blank lines. */
export type Block = Grid | Lines | Facts | Drawing | Code;

/** Emphasis of a line: `caution` a remark on accuracy, `warning` begins with `!`, `info` with `i`; verdicts begin with their name or sign. */
export type Tone =
  | ('plain' | 'dim' | 'strong' | 'heading' | 'good' | 'bad' | 'caution' | 'warning' | 'info' | 'item')
  | ('fail' | 'warn' | 'new');

/** True for the tone of a verdict. */
export const isVerdict = (tone: Tone): boolean => tone === 'fail' || tone === 'warn' || tone === 'new';

/** A sentence. */
export interface Line {
  readonly text: string;
  readonly tone?: Tone;
  /** Printed before the text, with a colon; without one after a verdict. */
  readonly label?: string;
  /** Columns of a terminal before the text, in which the label stands. */
  readonly indent?: number;
  /** Columns of a terminal before the next lines of the text, if the tone leaves none. */
  readonly hang?: number;
  /** One line of a terminal, shortened in the middle. */
  readonly cut?: boolean;
}

/** Sentences, one below the other. */
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
  /** Of each fact the parts of a bar, 0 to 1, which pages alone draw; absent: there are none. */
  readonly shares?: readonly (readonly number[])[];
}

/** A picture in characters, for terminals only. */
export interface Drawing extends Visibility {
  readonly kind: 'drawing';
  draw(options: ReportOptions): string;
}

/** Lines to copy as they are: a command, a file. */
export interface Code extends Visibility {
  readonly kind: 'code';
  readonly title?: string;
  readonly lines: readonly string[];
}

/** A table, hidden if it has no rows. */
export interface Grid extends Visibility {
  readonly kind: 'grid';
  readonly title?: string;
  /** Markdown folds it away under this heading. */
  readonly fold?: string;
  readonly columns: readonly Column[];
  /** `[row][column]` */
  readonly rows: readonly (readonly GridCell[])[];
  /** Number of first columns that identify a row; a grid that is too wide continues below and repeats them. Default: 1. */
  readonly keys?: number;
  /** `verbose`: columns beyond the width are omitted without --verbose. */
  readonly overflow?: 'verbose';
}

type GridOptions = Omit<Grid, 'kind' | 'columns' | 'rows'>;

/** A column of a {@link Grid}. */
export interface Column extends Pick<Visibility, 'only'> {
  /** Heading of the column for readers. */
  readonly head: string;
  /** Heading of the column in CSV; by default the head with underscores. */
  readonly name?: string;
  /** By default the first column is left-aligned, the others right. */
  readonly align?: 'left' | 'right';
  /** Maximum width in characters; longer texts are shortened in the middle. `rest`: the width that the other columns leave. */
  readonly most?: number | 'rest';
  /** Width in characters at which a text wraps. */
  readonly wrap?: number;
  /** Its texts are commands, which pages show below the table, each with a button that copies it. */
  readonly copy?: boolean;
  /** Width in characters, to align several grids; by default the width of the texts. */
  readonly width?: number;
}

/** One field of a grid. */
export interface GridCell {
  /** Value for CSV: in full precision, in the unit that the column names. */
  readonly value: string | number | null;
  readonly text: string;
  readonly tone?: Tone;
  /** A sign before the text in a terminal, one column wide, in a colour of its own. */
  readonly mark?: { readonly sign: string; readonly tone: Tone };
}

/** The value of a field: a bare value, a figure with its unit, or a value with its own text. */
export type Datum = string | number | null | undefined | Pick<Metric, 'value' | 'unit'> | GridCell;

/** A column, and the function that computes its value from a row. */
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

/** A grid of computed rows; a column with only a head may be given as text. */
export function gridOf(columns: readonly (string | Column)[], rows: readonly (readonly Datum[])[], more: GridOptions = {}): Grid {
  const heads = columns.map((column) => (typeof column === 'string' ? { head: column } : column));
  return { kind: 'grid', ...more, columns: heads, rows: rows.map((row) => row.map(cellOf)) };
}

/** Columns whose heads stand in CSV as they are, without underscores: names of metrics and paths. */
export const namedColumns = (names: readonly string[]): Column[] => names.map((name) => ({ head: name, name }));

function cellOf(datum: Datum): GridCell {
  if (typeof datum !== 'object' || datum === null) return { value: datum ?? null, text: String(datum ?? '') };
  return 'text' in datum ? datum : { value: datum.value, text: formatMetric(datum) };
}

/** A figure with its unit; null if it is missing. */
export function figure(value: number | null | undefined, unit: Unit): Datum {
  return value === null || value === undefined ? null : { value, unit };
}

/** A share of 1, shown in percent. */
export const ratio = (value: number | null | undefined): Datum => figure(value, 'ratio');

/** Sentences as a block. */
export function linesBlock(lines: readonly Line[], more: Visibility = {}): Lines {
  return { kind: 'lines', lines, ...more };
}

/** One sentence as a block. */
export function note(text: string, tone: Tone = 'plain', more: Visibility = {}): Lines {
  return linesBlock([{ text, tone }], more);
}

/** True if a rendering shows a part. */
export function isShown({ only, detail }: Visibility, medium: Medium, verbose: boolean): boolean {
  if (detail === 'more') return (only?.includes(medium) ?? true) && (verbose || medium !== 'terminal');
  return (only?.includes(medium) ?? true) && (detail === undefined || (detail === 'verbose') === verbose);
}

/** The columns of a grid that a rendering shows, with heads and cells as text. */
export function readable(
  { columns, rows }: Pick<Grid, 'columns' | 'rows'>,
  medium: Medium,
  unicode: boolean,
): { readonly columns: readonly Column[]; readonly head: string[]; readonly rows: string[][]; readonly cells: GridCell[][] } {
  const shown = columns.map((_, index) => index).filter((index) => isShown(columns[index]!, medium, true));
  const text = (content: string, { most }: Column, { mark }: Partial<GridCell> = {}): string => {
    const whole = mark === undefined || medium !== 'terminal' ? content : `${mark.sign} ${content}`;
    const clean = unicode ? printable(whole) : asciiOf(printable(whole));
    return typeof most === 'number' ? shorten(clean, most, unicode) : clean;
  };
  return {
    columns: shown.map((index) => columns[index]!),
    head: shown.map((index) => text(columns[index]!.head, columns[index]!)),
    rows: rows.map((row) => shown.map((index) => text(row[index]!.text, columns[index]!, row[index]))),
    cells: rows.map((row) => shown.map((index) => row[index]!)),
  };
}

/** Alignment of a column. */
export function alignOf({ align }: Column, index: number): 'left' | 'right' {
  return align ?? (index === 0 ? 'left' : 'right');
}

const ASCII = byName<string>({
  '…': '...',
  '→': '->',
  '←': '<-',
  '◂': '<',
  '’': "'",
  '“': '"',
  '”': '"',
  '✗': 'x',
  '✓': 'v',
});

/** Replaces the typographic characters of documents by ASCII. */
export const asciiOf = (text: string): string => text.replace(/[…→←◂’“”✗✓]/g, (sign) => ASCII[sign]!);
