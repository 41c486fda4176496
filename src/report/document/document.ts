import { byName } from '../../base/objects.js';
import type { Metric, Unit } from '../../result/result.js';
import { formatMetric, printable, type ReportOptions } from '../format.js';
import { shorten } from '../text.js';

type Medium = 'terminal' | 'markdown' | 'csv' | 'page';

/** Renderings of a part of a document. */
export interface Visibility {
  /** Default: all. */
  readonly only?: readonly Medium[];
  /** `brief`: without --verbose; `verbose`: with --verbose; `more`: as `verbose` on terminals only. Default: always. */
  readonly detail?: 'brief' | 'verbose' | 'more';
  /** Heading of the fold on a page, shared by neighbours. */
  readonly under?: string;
}

/** Output of a command, free of any format. Texts are arbitrary Unicode; renderers escape texts. */
export interface Document {
  readonly title?: string;
  /** First heading of a page, without a full stop. Absent: the verdict that begins the lead, or the title. */
  readonly answer?: string;
  readonly lead?: readonly Line[];
  readonly blocks: readonly Block[];
  /** CSV records, if different from the grids. */
  readonly records?: Grid | Records;
}

interface Records {
  readonly names: readonly string[];
  readonly values: Iterable<readonly (string | number | null)[]>;
}

/** A part of a document; blank lines separate parts. */
export type Block = Grid | Lines | Facts | Drawing | Code;

/** Emphasis of a line: `caution` remarks on accuracy, `warning` begins with `!`, `info` with `i`. */
export type Tone =
  | ('plain' | 'dim' | 'strong' | 'heading' | 'good' | 'bad' | 'caution' | 'warning' | 'info' | 'item')
  | ('fail' | 'warn' | 'new');

/** True for the tone of a verdict. */
export const isVerdict = (tone: Tone): boolean => tone === 'fail' || tone === 'warn' || tone === 'new';

/** A sentence. */
export interface Line {
  readonly text: string;
  readonly tone?: Tone;
  /** Printed before the text, with a colon except after a verdict. */
  readonly label?: string;
  readonly indent?: number;
  /** Terminal columns before continuation lines. */
  readonly hang?: number;
  /** Shortened to one terminal line. */
  readonly cut?: boolean;
}

/** Sentences, one per line. */
export interface Lines extends Visibility {
  readonly kind: 'lines';
  readonly lines: readonly Line[];
}

/** Labelled texts. */
export interface Facts extends Visibility {
  readonly kind: 'facts';
  readonly title?: Line;
  readonly facts: readonly (readonly [label: string, text: string])[];
  readonly indent: number;
  /** Parts of each fact's bar, 0 to 1, for pages; absent: no bar. */
  readonly shares?: readonly (readonly number[])[];
}

/** A picture in characters, for terminals only. */
export interface Drawing extends Visibility {
  readonly kind: 'drawing';
  draw(options: ReportOptions): string;
}

/** Lines to copy: a command, a file. */
export interface Code extends Visibility {
  readonly kind: 'code';
  readonly title?: string;
  readonly lines: readonly string[];
}

/** A table, hidden without rows. */
export interface Grid extends Visibility {
  readonly kind: 'grid';
  readonly title?: string;
  /** Heading of the fold in Markdown. */
  readonly fold?: string;
  readonly columns: readonly Column[];
  /** `[row][column]` */
  readonly rows: readonly (readonly GridCell[])[];
  /** Leading columns that identify a row; repeated by continued grids. Default: 1. */
  readonly keys?: number;
  /** `verbose`: columns beyond the width need --verbose. */
  readonly overflow?: 'verbose';
}

type GridOptions = Omit<Grid, 'kind' | 'columns' | 'rows'>;

/** A column of a {@link Grid}. */
export interface Column extends Pick<Visibility, 'only'> {
  readonly head: string;
  /** CSV heading; default: the head with underscores. */
  readonly name?: string;
  /** Default: first column left, all further columns right. */
  readonly align?: 'left' | 'right';
  /** Maximum width in characters; longer texts are shortened in the middle. `rest`: all remaining width. */
  readonly most?: number | 'rest';
  /** Wrapping width in characters. */
  readonly wrap?: number;
  /** Texts are commands, which pages list below with a copy button. */
  readonly copy?: boolean;
  /** Width in characters, to align grids; default: as the texts. */
  readonly width?: number;
}

/** A field of a grid. */
export interface GridCell {
  /** CSV value in full precision, in the column's unit. */
  readonly value: string | number | null;
  readonly text: string;
  readonly tone?: Tone;
  /** Sign before the text, one column wide. */
  readonly mark?: { readonly sign: string; readonly tone: Tone };
}

/** A bare value, a figure with its unit, or a value with its text. */
export type Datum = string | number | null | undefined | Pick<Metric, 'value' | 'unit'> | GridCell;

/** A column with the function from a row to its value. */
export interface ColumnOf<Row> extends Column {
  of(row: Row): Datum;
}

/** Grid with a row per value. */
export function grid<Row>(rows: readonly Row[], columns: readonly ColumnOf<Row>[], more: GridOptions = {}): Grid {
  return gridOf(
    columns,
    rows.map((row) => columns.map((column) => column.of(row))),
    more,
  );
}

/** Grid of computed rows; a text is a column with only a head. */
export function gridOf(columns: readonly (string | Column)[], rows: readonly (readonly Datum[])[], more: GridOptions = {}): Grid {
  const heads = columns.map((column) => (typeof column === 'string' ? { head: column } : column));
  return { kind: 'grid', ...more, columns: heads, rows: rows.map((row) => row.map(cellOf)) };
}

/** Columns with CSV heads as given, without underscores: metric names and paths. */
export const namedColumns = (names: readonly string[]): Column[] => names.map((name) => ({ head: name, name }));

function cellOf(datum: Datum): GridCell {
  if (typeof datum !== 'object' || datum === null) return { value: datum ?? null, text: String(datum ?? '') };
  return 'text' in datum ? datum : { value: datum.value, text: formatMetric(datum) };
}

/** A figure with its unit; null if missing. */
export function figure(value: number | null | undefined, unit: Unit): Datum {
  return value === null || value === undefined ? null : { value, unit };
}

/** A share, 0 to 1, shown in percent. */
export const ratio = (value: number | null | undefined): Datum => figure(value, 'ratio');

/** Sentences as a block. */
export function linesBlock(lines: readonly Line[], more: Visibility = {}): Lines {
  return { kind: 'lines', lines, ...more };
}

/** One sentence as a block. */
export function note(text: string, tone: Tone = 'plain', more: Visibility = {}): Lines {
  return linesBlock([{ text, tone }], more);
}

/** True if a rendering shows the part. */
export function isShown({ only, detail }: Visibility, medium: Medium, verbose: boolean): boolean {
  if (detail === 'more') return (only?.includes(medium) ?? true) && (verbose || medium !== 'terminal');
  return (only?.includes(medium) ?? true) && (detail === undefined || (detail === 'verbose') === verbose);
}

/** Columns shown by a rendering, as text. */
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

/** Replaces typographic characters by ASCII. */
export const asciiOf = (text: string): string => text.replace(/[…→←◂’“”✗✓]/g, (sign) => ASCII[sign]!);
