import { byName, groupedBy } from '../../base/objects.js';
import { formatCounted, formatNumber, formatRatio } from '../../base/units.js';
import type { Axis, ColumnOf, Grid, Markup, Piece, Section } from '../../report/door.js';
import {
  curves,
  download,
  drawSections,
  folded,
  formatRelative,
  grid,
  gridTable,
  html,
  legend,
  page,
  plot,
  prose,
  spanAxis,
} from '../../report/door.js';
import { VERSION } from '../../result/version.js';
import { MEASURED_METRICS } from './rows/specify.js';
import type { ValidatedRow } from './rows/validated-row.js';
import type { FamilyErrors, Validation } from './summary.js';
import { ERROR_COLUMNS, largestFirst, leadOf, measuredMetricText, speedText, titleOf, worstFirst } from './words.js';

/** Points with a visible name; ours. */
const NAMED = 6;
/** Unfolded rows; ours. */
const WORST = 10;
/** Most tick marks of an axis; ours. */
const TICKS = 8;
/** Factor of the dashed lines; ours. */
const OFF = 1.5;

const COLORS = byName<string>({
  'cpu-layers': 'dense',
  'cpu-share': 'hit',
  'expert-cache': 'late',
  'ssd-stream': 'miss',
  'all-gpu': 'belady',
  'all-cpu': 'base',
  GPU: 'hit',
  host: 'miss',
});

/** CSS of points. */
const STYLE = `.dot.row{width:7px;height:7px;margin:0 0 -3.5px -3.5px;opacity:.8;box-shadow:none}.dot.row:hover{opacity:1;width:11px;height:11px;margin:0 0 -5.5px -5.5px}
.dot.row span{font-weight:400;font-size:.72rem}@media (max-width:560px){.dot.row span{display:none}}`;

/** Tables shared with the document. */
export interface ValidationTables {
  readonly memory: Grid;
  readonly unscored: Grid;
  tableOf(rows: readonly ValidatedRow[]): Grid;
}

/** @param csv every figure, as a download */
export function renderPage(validation: Validation, csv: string, tables: ValidationTables): string {
  const { body, contents } = drawSections(SECTIONS, { ...validation, ...tables });
  return page({
    title: 'moeprof validate',
    header: html`<p class="origin">${titleOf(validation)}</p><h1 class="answer">${prose(answerOf(validation))}</h1>${leadOf(validation).map(
      (text) => html`<p class="origin">${prose(text)}</p>`,
    )}${contents}`,
    body,
    footer: html`<p class="downloads">Save as CSV: ${download('rows', 'rows.csv', csv)}.</p><p>Written by moeprof ${VERSION}.</p>`,
    data: null,
    scripts: [],
    styles: [STYLE],
  });
}

function answerOf({ summary }: Validation): string {
  const parts = [...MEASURED_METRICS, 'memory' as const].flatMap((metric) => {
    const statistics = summary[metric];
    return statistics === null ? [] : [`${measuredMetricText(metric)} within ${formatRatio(statistics.median)}`];
  });
  return parts.length === 0 ? 'Nothing is scored' : `Half of the predictions: ${parts.join(', ')}`;
}

const SECTIONS: readonly Section<Validation & ValidationTables>[] = [
  ...[...MEASURED_METRICS, 'memory' as const].map(
    (metric): Section<Validation & ValidationTables> => ({
      id: metric,
      title: `Predicted against measured: ${measuredMetricText(metric)}`,
      draw: ({ rows }) => scatterOf(metric, rows),
    }),
  ),
  {
    id: 'families',
    title: 'By family',
    draw: ({ families, kinds, placements }) =>
      families.length === 0
        ? null
        : {
            about: 'Rows of one placement, and of one runtime, kin of format and placement.',
            content: html`${statisticsTable('By kind of machine', kinds)}${statisticsTable('By placement', placements)}${folded(`${families.length} families`, statisticsTable('By family', families))}`,
          },
  },
  {
    id: 'buffers',
    title: 'Memory by kind',
    draw: ({ memory }) =>
      memory.rows.length === 0 ? null : { about: 'Buffers of GPUs, and of host memory added up.', content: gridTable('Memory', memory) },
  },
  {
    id: 'rows',
    title: 'Rows, worst first',
    draw: ({ rows, tableOf }) => ({ about: null, content: rowTables(worstFirst(rows.filter((row) => row.scored)), tableOf) }),
  },
  {
    id: 'unscored',
    title: 'Not scored',
    draw: ({ unscored }) =>
      unscored.rows.length === 0 ? null : { about: null, content: folded('All of them', gridTable('Not scored', unscored)) },
  },
];

/** A point per row on equal logarithmic axes; null without rows. */
function scatterOf(metric: ValidatedRow['metric'], all: readonly ValidatedRow[]): { about: string; content: Markup } | null {
  const rows = worstFirst(all.filter((row) => row.scored && row.metric === metric && row.predicted! > 0));
  if (rows.length === 0) return null;
  const values = rows.flatMap(({ measured, predicted }) => [measured, predicted!]);
  const [least, most] = [Math.min(...values) / 1.2, Math.max(...values) * 1.2];
  const axis = spanAxis(least, most, TICKS, (value) => (metric === 'memory' ? formatNumber(value) : speedText({ metric }, value)));
  const unit = metric === 'hit_rate' ? '' : metric === 'memory' ? ', MiB' : ', tok/s';
  const frame = {
    label: `${rows.length} rows, predicted ${measuredMetricText(metric)} against measured`,
    height: 400,
    x: axis.ticks,
    y: axis.ticks,
    xTitle: `measured${unit}`,
    yTitle: `predicted${unit}`,
  };
  // Overlapping names show under the pointer only.
  const named: ValidatedRow[] = [];
  const apart = (one: ValidatedRow, other: ValidatedRow): boolean =>
    Math.abs(axis.at(one.predicted!) - axis.at(other.predicted!)) > 0.04 ||
    Math.abs(axis.at(one.measured) - axis.at(other.measured)) > 0.25;
  for (const row of rows) if (named.length < NAMED && named.every((other) => apart(row, other))) named.push(row);
  const used = [...new Set(rows.map(({ placement }) => placement))].sort();
  return {
    about: `On the line a prediction is right; dashed lines are off by a factor of ${OFF}. The worst have their names.`,
    content: html`${legend(used.map((placement) => [COLORS[placement] ?? 'base', placement]))}${plot(
      frame,
      linesOf(axis, least, most),
      rows.map((row) => pointOf(row, axis, named.includes(row))),
    )}`,
  };
}

function linesOf(axis: Axis, least: number, most: number): Markup[] {
  const along = (factor: number): (readonly [number, number])[] => {
    const [from, to] = [Math.max(least, least / factor), Math.min(most, most / factor)];
    return [from, to].map((x) => [axis.at(x), axis.at(x * factor)] as const);
  };
  return curves([1, OFF, 1 / OFF].map((factor) => ({ color: 'idle-line', dashed: factor !== 1, points: along(factor) })));
}

function pointOf(row: ValidatedRow, axis: Axis, named: boolean): Piece {
  const { error, id, machine, measured, model, placement, predicted } = row;
  const [x, y] = [axis.at(measured), axis.at(predicted!)];
  const title = `${id}: ${speedText(row, measured)} measured, ${speedText(row, predicted!)} predicted (${formatRelative(error!)}); ${model} on ${machine}`;
  const place = `left:${(100 * x).toFixed(2)}%;bottom:${(100 * y).toFixed(2)}%;--dot:var(--${COLORS[placement] ?? 'base'})`;
  return html`<i class="dot row${x > 0.7 && ' left'}" style="${place}" title="${title}">${named && html`<span>${id}</span>`}</i>`;
}

function statisticsTable(caption: string, families: readonly FamilyErrors[]): Markup {
  const columns: readonly ColumnOf<FamilyErrors>[] = [
    { head: '', of: ({ family }) => family },
    { head: 'of', align: 'left', of: ({ metric }) => measuredMetricText(metric) },
    ...ERROR_COLUMNS,
  ];
  return gridTable(caption, grid(largestFirst(families), columns));
}

function rowTables(rows: readonly ValidatedRow[], tableOf: ValidationTables['tableOf']): Markup {
  const rowTable = (caption: string, shown: readonly ValidatedRow[]): Markup => gridTable(caption, tableOf(shown));
  if (rows.length <= WORST) return rowTable('Rows', rows);
  const classes = [...groupedBy(rows, ({ placement }) => placement)].sort(([a], [b]) => (a < b ? -1 : 1));
  return html`${rowTable(`The ${WORST} worst`, rows.slice(0, WORST))}${classes.map(([placement, members]) => folded(`${placement}: ${formatCounted(members.length, 'row')}`, rowTable(placement, members)))}`;
}
