import { formatCount, formatCounted, formatTokensPerSecond } from '../base/units.js';
import { longColumns, longJsonLines, longJsonParts, longParquet, pictureFormats, type RunRow, type Study } from '../figure/door.js';
import type { Column, Document, Grid, OutputFormat } from '../report/door.js';
import { againGrid, againLines, documentFormats, gridOf, heldOutLead, note } from '../report/door.js';
import type { MetricName } from '../result/metrics.js';
import { axesFigures } from './sweep/axes-figures.js';

/** Rows shown by a terminal; ours. */
const SHOWN = 20;

/** Default metrics of a terminal's table. */
const TELLING: readonly MetricName[] = ['speed.decode', 'speed.prefill', 'latency.tpot.p50', 'cache.hit_rate', 'share.stall'];
/** Most metrics of a terminal's table; ours. */
const MOST_METRICS = 5;

/** A terminal shows the first rows. */
export const studyReports: readonly OutputFormat<Study>[] = [
  ...documentFormats<Study>(studyDocument, (study) => ({ ...study, rows: [...study.rows] })),
  ...pictureFormats<Study>('moeprof sweep', ({ axes, rows, units }) => axesFigures([...rows], axes, drawnMetrics(units)), studyDocument),
  { name: 'jsonl', extensions: ['.jsonl', '.ndjson'], render: longJsonLines, parts: longJsonParts },
  { name: 'parquet', extensions: ['.parquet'], binary: true, load: longParquet },
];

function drawnMetrics(units: Study['units']): string[] {
  const names = Object.keys(units);
  return names.length <= MOST_METRICS ? names : [];
}

function studyDocument(study: Study): Document {
  const { heldOut = 0, rows } = study;
  const { absent, done, fastest, first, reasons } = summaryOf(study);
  const columns = longColumns(study);
  const more = rows.length - SHOWN;
  return {
    title: `${formatCount(rows.length)} cells over ${study.axes.join(', ')}`,
    ...(speedOf(fastest) > 0
      ? { answer: `${axisValues(study, fastest!).join(', ')} decodes fastest: ${formatTokensPerSecond(speedOf(fastest))}` }
      : {}),
    lead: [
      { text: done === rows.length ? 'all of them ran' : `${formatCount(done)} ran, ${formatCount(rows.length - done)} could not` },
      ...heldOutLead(heldOut),
    ],
    blocks: [
      rowGrid(study, first),
      ...(more > 0 ? [note(`${formatCount(more)} more rows: -o study.csv has all, and moeprof table puts them side by side`)] : []),
      ...[...reasons].map(([reason, cells]) => note(`${formatCounted(cells, 'cell')}: ${reason}`, 'warning')),
      ...(absent.length === 0 || done === 0 ? [] : [note(`No run has ${absent.join(', ')}: see moeprof explain ${absent[0]}.`, 'warning')]),
      ...againLines(
        speedOf(fastest) > 0 ? 'fastest' : 'first',
        fastest?.again,
        done > 1 ? 'The command of each row is the column again of -o study.csv.' : '',
      ),
      againGrid(
        axisColumns(study, first),
        first.map((row) => [axisValues(study, row), row.again]),
      ),
    ],
    records: { names: columns.map(({ name }) => name), values: valuesOf(rows, columns) },
  };
}

function summaryOf({ rows, units }: Study) {
  const first: RunRow[] = [];
  const absent = new Set(Object.keys(units));
  const reasons = new Map<string, number>();
  let done = 0;
  let fastest: RunRow | undefined;
  for (const row of rows) {
    if (first.length < SHOWN) first.push(row);
    for (const name of absent) if (row.metrics[name] !== undefined) absent.delete(name);
    if (row.reason !== null) reasons.set(row.reason, (reasons.get(row.reason) ?? 0) + 1);
    if (row.status !== 'done') continue;
    done++;
    if (fastest === undefined || speedOf(row) > speedOf(fastest)) fastest = row;
  }
  return { first, done, absent: [...absent], reasons, fastest };
}

const speedOf = (row: RunRow | undefined): number => row?.metrics['speed.decode' satisfies MetricName] ?? 0;

function* valuesOf(rows: Study['rows'], columns: ReturnType<typeof longColumns>): Generator<(string | number | null)[]> {
  const plain = (value: string | number | boolean | null) => (typeof value === 'boolean' ? String(value) : value);
  for (const row of rows) yield columns.map(({ of }) => plain(of(row)));
}

function rowGrid({ axes, units }: Study, first: readonly RunRow[]): Grid {
  const known = Object.keys(units);
  const shown = known.length <= MOST_METRICS ? known : TELLING.filter((name) => Object.hasOwn(units, name));
  return gridOf(
    [...axisColumns({ axes }, first), ...shown.map((head) => head.slice(head.indexOf('.') + 1))],
    first.map((row) => [
      ...axisValues({ axes }, row),
      ...shown.map((name) => (row.metrics[name] === undefined ? null : { value: row.metrics[name], unit: units[name]! })),
    ]),
    { keys: axes.length },
  );
}

/** Terminal columns of all axes, and most and least of an axis; ours. */
const AXES_ROOM = 60;
const [WIDEST, LEAST] = [24, 6];

function axisColumns({ axes }: Pick<Study, 'axes'>, first: readonly RunRow[]): Column[] {
  const heads = axes.map((path) => path.split('.').at(-1)!);
  const widths = axes.map((path, at) => Math.max(heads[at]!.length, ...first.map(({ values }) => String(values[path] ?? '').length)));
  const room = (most: number): number => widths.reduce((sum, width) => sum + Math.min(width, most) + 2, 0);
  let most = WIDEST;
  while (most > LEAST && room(most) > AXES_ROOM) most--;
  return heads.map((head) => ({ head, align: 'left', most }));
}

const axisValues = ({ axes }: Pick<Study, 'axes'>, { values }: RunRow): string[] => axes.map((path) => String(values[path] ?? ''));
