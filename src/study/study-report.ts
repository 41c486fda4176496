// The report of a study: the number of cells that ran, reasons of those that could not, and its rows; a terminal shows the first ones.

import { groupedBy } from '../base/objects.js';
import { formatCount, formatCounted } from '../base/units.js';
import { longColumns, longJsonLines, longParquet, pictureFormats, type RunRow, type Study } from '../figure/door.js';
import {
  againGrid,
  againLines,
  type Column,
  type Datum,
  type Document,
  documentFormats,
  type Grid,
  gridOf,
  heldOutLead,
  namedColumns,
  note,
  type OutputFormat,
} from '../report/door.js';
import { axesFigures } from './sweep/axes-figures.js';

/** Rows that a terminal has. */
const SHOWN = 20;

/** Metrics of a terminal's table, where the study asked for none. */
const TELLING = ['speed.decode', 'speed.prefill', 'latency.tpot.p50', 'cache.hit_rate', 'share.stall'];
/** Metrics that a terminal has at most. */
const MOST_METRICS = 5;

/** Formats of a study, the one for reading first. */
export const studyReports: readonly OutputFormat<Study>[] = [
  ...documentFormats<Study>(studyDocument),
  ...pictureFormats<Study>('moeprof sweep', ({ axes, rows, units }) => axesFigures(rows, axes, drawnMetrics(units)), studyDocument),
  { name: 'jsonl', extensions: ['.jsonl', '.ndjson'], render: longJsonLines },
  { name: 'parquet', extensions: ['.parquet'], encode: longParquet },
];

/** Metrics that are drawn: those of a study that asks for a few. */
function drawnMetrics(units: Study['units']): string[] {
  const names = Object.keys(units);
  return names.length <= MOST_METRICS ? names : [];
}

function studyDocument(study: Study): Document {
  const { heldOut = 0, rows } = study;
  const done = rows.filter(({ status }) => status === 'done').length;
  const columns = longColumns(study);
  const more = rows.length - SHOWN;
  const absent = Object.keys(study.units).filter((name) => rows.every(({ metrics }) => metrics[name] === undefined));
  return {
    title: `${formatCount(rows.length)} cells over ${study.axes.join(', ')}`,
    lead: [
      { text: done === rows.length ? 'all of them ran' : `${formatCount(done)} ran, ${formatCount(rows.length - done)} could not` },
      ...heldOutLead(heldOut),
    ],
    blocks: [
      rowGrid(study),
      ...(more > 0 ? [note(`${formatCount(more)} more rows: -o study.csv has all, and moeprof table puts them side by side`)] : []),
      ...reasons(study).map((text) => note(text, 'warning')),
      ...(absent.length === 0 || done === 0 ? [] : [note(`No run has ${absent.join(', ')}: see moeprof explain ${absent[0]}.`, 'warning')]),
      ...againLines(...fastestOf(study)),
      againGrid(
        axisColumns(study),
        rows.slice(0, SHOWN).map((row) => [axisValues(study, row), row.again]),
      ),
    ],
    records: gridOf(
      namedColumns(columns.map(({ name }) => name)),
      rows.map((row) => columns.map(({ of }) => plain(of(row)))),
    ),
  };
}

function plain(value: string | number | boolean | null): Datum {
  return typeof value === 'boolean' ? String(value) : value;
}

function rowGrid({ axes, rows, units }: Study): Grid {
  const known = Object.keys(units);
  const told = known.length <= MOST_METRICS ? known : TELLING.filter((name) => Object.hasOwn(units, name));
  return gridOf(
    [...axisColumns({ axes, rows }), ...told.map((head) => head.slice(head.indexOf('.') + 1))],
    rows
      .slice(0, SHOWN)
      .map((row) => [
        ...axisValues({ axes }, row),
        ...told.map((name) => (row.metrics[name] === undefined ? null : { value: row.metrics[name], unit: units[name]! })),
      ]),
    { keys: axes.length },
  );
}

/** Columns of a terminal that all axes share, and the widest and the least of one. */
const AXES_ROOM = 60;
const [WIDEST, LEAST] = [24, 6];

/** Axes by the last word of their path, each as wide as leaves room for a figure beside all of them. */
function axisColumns({ axes, rows }: Pick<Study, 'axes' | 'rows'>): Column[] {
  const heads = axes.map((path) => path.split('.').at(-1)!);
  const widths = axes.map((path, at) =>
    Math.max(heads[at]!.length, ...rows.slice(0, SHOWN).map(({ values }) => String(values[path] ?? '').length)),
  );
  const room = (most: number): number => widths.reduce((sum, width) => sum + Math.min(width, most) + 2, 0);
  let most = WIDEST;
  while (most > LEAST && room(most) > AXES_ROOM) most--;
  return heads.map((head) => ({ head, align: 'left', most }));
}

function axisValues({ axes }: Pick<Study, 'axes'>, { values }: RunRow): string[] {
  return axes.map((path) => String(values[path] ?? ''));
}

/** The row whose command a terminal has: the one that decodes fastest, or the first that ran. */
function fastestOf({ rows }: Study): [which: string, again: string | undefined, more: string] {
  const speed = ({ metrics }: RunRow): number => metrics['speed.decode'] ?? 0;
  const done = rows.filter(({ status }) => status === 'done');
  const fastest = done.reduce<RunRow | undefined>((best, row) => (best === undefined || speed(row) > speed(best) ? row : best), undefined);
  const more = done.length > 1 ? 'The command of each row is the column again of -o study.csv.' : '';
  return [fastest !== undefined && speed(fastest) > 0 ? 'fastest' : 'first', fastest?.again, more];
}

/** Each reason once, with its number of cells. */
function reasons({ rows }: Study): string[] {
  const groups = groupedBy(rows, ({ reason }) => reason);
  return [...groups].flatMap(([reason, { length }]) => (reason === null ? [] : [`${formatCounted(length, 'cell')}: ${reason}`]));
}
