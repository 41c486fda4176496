import { groupedBy } from '../../base/objects.js';
import { formatNumber } from '../../base/units.js';
import type { Block, Column, ColumnOf, Datum, Document, Format, Grid, Visibility } from '../../report/door.js';
import { bareRange, documentFormats, formatRelative, grid, gridOf, note, ratio, renderCsv } from '../../report/door.js';
import { cacheGrids } from './caches.js';
import type { Gain } from './gains.js';
import type { OwnErrors } from './own.js';
import { renderPage } from './page.js';
import { MEASURED_METRICS, type MeasuredMetric } from './rows/specify.js';
import type { ValidatedRow } from './rows/validated-row.js';
import type { ClassErrors, ErrorStatistics, FamilyErrors, Refit, Validation } from './summary.js';
import type { TrendErrors } from './trends.js';
import { ERROR_COLUMNS, largestFirst, leadOf, measuredMetricText, measuredWhat, speedText, titleOf, worstFirst } from './words.js';

/** Listed rows, and listed buffers on a terminal; ours. */
const WORST = 15;
const WORST_BUFFERS = 5;

/** Smallest visible memory error, relative; ours. */
const NOTHING = 5e-5;

const html: Format<Validation> = {
  name: 'html',
  extensions: ['.html', '.htm'],
  render: (validation) =>
    renderPage(validation, renderCsv(validationDocument(validation)), {
      memory: memoryGrid(validation),
      unscored: unscoredGrid(
        validation.rows.filter((row) => !row.scored),
        { only: ['markdown'] },
      ),
      tableOf: (rows) => rowGrid(rows, { only: ['markdown'] }),
    }),
};

/** Report of `moeprof validate`: errors, worst rows, and unscored rows with reasons. */
export const validationReports: readonly Format<Validation>[] = [...documentFormats<Validation>(validationDocument), html];

/** Results of a refit as a document. */
export function crossValidation(validation: Validation): Document {
  return {
    title: 'Cross-validation: constants fitted without what they predict',
    lead: [{ text: 'Machines have one vote each in the fit, too. One that is left out goes with all of equal parts' }],
    blocks: refitGrids(validation),
  };
}

function validationDocument(validation: Validation): Document {
  const { rows } = validation;
  const all = worstFirst(rows.filter((row) => row.scored));
  const scored = all.filter(({ metric }) => metric !== 'memory');
  const memory = all.filter(({ metric }) => metric === 'memory');
  const listed = rows.filter((row) => !row.scored);
  const many = scored.length > WORST;
  return {
    title: titleOf(validation),
    lead: leadOf(validation).map((text) => ({ text })),
    blocks: [
      summaryGrid(validation),
      ...(validation.own === undefined ? [] : [ownGrid(validation.own)]),
      ...familyGrids(validation.kinds, 'kind of machine', 'By kind of machine'),
      ...familyGrids(validation.placements, 'placement', 'By placement'),
      rowGrid(scored.slice(0, WORST), {
        title: many ? `The ${WORST} worst` : 'Rows, worst first',
        only: ['terminal'],
        detail: many ? 'brief' : undefined,
      }),
      ...(many ? [rowGrid(scored, { title: 'Rows, worst first', only: ['terminal'], detail: 'verbose' })] : []),
      rowGrid(scored, { title: 'Rows, worst first', only: ['markdown'], fold: 'All rows, worst first' }),
      ...familyGrids(validation.families, 'runtime / format / placement', 'By family'),
      ...trendGrids(validation),
      ...gainGrids(validation),
      ...cacheGrids(validation.caches),
      memoryGrid(validation),
      rowGrid(memory.slice(0, WORST_BUFFERS), { title: 'Memory, worst first', only: ['terminal'], detail: 'brief' }),
      rowGrid(memory, { title: 'Memory, worst first', only: ['terminal'], detail: 'verbose' }),
      rowGrid(memory, { title: 'Memory, worst first', only: ['markdown'], fold: 'All buffers, worst first' }),
      reasonGrid(listed),
      unscoredGrid(listed, { title: 'Not scored', only: ['terminal'], detail: 'verbose' }),
      unscoredGrid(listed, { only: ['markdown'], fold: 'Rows that are not scored' }),
      constantGrid(validation),
      ...refitGrids(validation),
      ...(many
        ? [note('Every row, and what is not scored: --verbose, or -o rows.csv.', 'dim', { only: ['terminal'], detail: 'brief' })]
        : []),
    ],
    records: recordsOf(rows),
  };
}

function summaryGrid({ summary }: Validation): Grid {
  const known = MEASURED_METRICS.flatMap((metric) => (summary[metric] === null ? [] : [{ metric, ...summary[metric] }]));
  return grid<ErrorStatistics & { metric: MeasuredMetric }>(known, [
    { head: 'error of', of: ({ metric }) => measuredMetricText(metric) },
    ...ERROR_COLUMNS,
  ]);
}

function ownGrid(errors: readonly OwnErrors[]): Grid {
  const within = (share: string, i: number): ColumnOf<OwnErrors> => ({ head: `ratio ${share}`, of: ({ ratios }) => ratio(ratios[i]!) });
  const title = "After rows of the machine, chosen without their speeds; ratios: two others' within a share";
  return grid(
    errors,
    [
      { head: 'own', of: (row) => row.own },
      { head: 'speed', align: 'left', of: ({ kind }) => kind },
      { head: 'predictor', align: 'left', of: ({ predictor }) => predictor },
      { head: 'machines', of: ({ machines }) => machines },
      { head: 'median', of: ({ median }) => ratio(median) },
      { head: 'p90', of: ({ p90 }) => ratio(p90) },
      { head: '|log|', of: ({ log }) => ({ value: log, text: formatNumber(log, 3) }) },
      { head: 'in band', of: ({ coverage }) => ratio(coverage) },
      { head: 'band', of: ({ width }) => ratio(width) },
      ...['5 %', '10 %', '20 %'].map(within),
      { head: 'sure', only: ['markdown', 'csv'], of: ({ sure }) => ratio(sure) },
      { head: 'of these right', only: ['markdown', 'csv'], of: ({ right }) => ratio(right) },
    ],
    { title },
  );
}

function trendGrids({ trendErrors }: Validation): Grid[] {
  const factor = (value: number | null): Datum => ({ value, text: formatNumber(value ?? Number.NaN, 2) });
  const columns: readonly ColumnOf<TrendErrors>[] = [
    { head: 'over', of: ({ vary }) => vary },
    { head: '', align: 'left', of: ({ metric, of }) => `${metric}, ${of}` },
    { head: 'series', of: ({ series }) => series },
    { head: 'machines', of: ({ machines }) => machines },
    { head: 'reversed', of: ({ reversed }) => reversed },
    { head: 'median', of: ({ ratio }) => factor(ratio) },
    { head: '|log|', of: ({ size }) => factor(size) },
  ];
  const title = 'Time of a token along series, predicted / measured';
  return trendErrors.length === 0 ? [] : [grid(trendErrors, columns, { title, keys: 2 })];
}

function gainGrids({ gains }: Validation): Block[] {
  if (gains.length === 0) return [];
  const counted = (of: readonly Gain[]): string => {
    const known = of.filter(({ predicted }) => predicted !== null);
    const count = (name: 'sign' | 'right'): number => known.filter((gain) => gain[name] === true).length;
    return `${known.length} of ${of.length} are predicted: ${count('sign')} with the right sign, ${count('right')} of these within 25 %.`;
  };
  const factor = (value: number | null): Datum => ({ value, text: value === null ? 'unknown' : `x ${formatNumber(value, 2)}` });
  const columns: readonly ColumnOf<Gain>[] = [
    { head: 'gain of', most: 28, of: ({ to }) => to },
    { head: '', align: 'left', of: ({ metric }) => metric },
    { head: 'over', align: 'left', only: ['markdown', 'csv'], of: ({ from }) => from },
    { head: 'measured', of: ({ measured }) => factor(measured) },
    { head: 'predicted', of: ({ predicted }) => factor(predicted) },
    { head: 'right', align: 'left', of: ({ right, sign }) => (sign === null ? '' : right === true ? 'yes' : sign ? 'sign' : 'no') },
  ];
  const unseen = gains.filter((gain) => gain.unseen);
  return [
    grid(gains, columns, { title: 'Gains of a setting over another', keys: 2 }),
    note(counted(gains)),
    ...(unseen.length === 0 ? [] : [note(`Not looked at before: ${counted(unseen)}`)]),
  ];
}

function memoryGrid({ summary: { memory } }: Validation): Grid {
  const families = memory === null ? [] : [{ device: 'all', kind: 'all', ...memory } as const, ...memory.byKind];
  return grid<(typeof families)[number]>(
    families,
    [
      { head: 'memory', of: ({ kind }) => (kind === 'kv' ? 'KV' : kind) },
      { head: 'on', align: 'left', of: ({ device }) => device },
      { head: 'buffers', of: ({ n }) => n },
      { head: 'median', of: ({ median }) => ratio(median) },
      { head: 'p90', of: ({ p90 }) => ratio(p90) },
      { head: 'bias', of: ({ bias }) => ({ value: bias, text: formatRelative(Math.abs(bias) < NOTHING ? 0 : bias) }) },
      { head: 'largest', of: ({ largest }) => ({ value: largest.error, text: formatRelative(largest.error) }) },
      { head: 'of', align: 'left', of: ({ largest }) => `${largest.id}, ${largest.device}` },
    ],
    { title: 'Memory', keys: 2 },
  );
}

/** Only terminals shorten long names. */
function familyGrids(families: readonly FamilyErrors[], head: string, title: string): Grid[] {
  const named = (most: number | undefined, only: 'terminal' | 'markdown'): Grid =>
    grid<FamilyErrors>(
      largestFirst(families),
      [
        { head, most, of: ({ family }) => family },
        { head: '', align: 'left', of: ({ metric }) => measuredMetricText(metric) },
        ...ERROR_COLUMNS.filter(({ head: column }) => column !== 'factor'),
      ],
      { title, keys: 2, only: [only] },
    );
  return [named(28, 'terminal'), named(undefined, 'markdown')];
}

function namesIn({ only = [] }: Visibility): Column[] {
  return [only.includes('terminal') ? { head: 'row', most: 28 } : { head: 'row' }, { head: '', align: 'left' }];
}

function rowGrid(rows: readonly ValidatedRow[], more: NonNullable<Parameters<typeof gridOf>[2]>): Grid {
  const cells = rows.map((row): Datum[] => [
    ...[row.id, measuredWhat(row), speed(row, row.measured), speed(row, row.predicted)],
    ...[{ value: row.error, text: formatRelative(row.error!) }, row.placement, bareRange(row.band, row.predicted) ?? ''],
    ...[row.family, row.model, row.machine],
  ]);
  const columns: (string | Column)[] = [
    ...[...namesIn(more), 'measured', 'predicted', 'error'],
    { head: 'placement', align: 'left', only: ['terminal'] },
    { head: 'range', only: ['page'] },
    ...['runtime / format / placement', 'model', 'machine'].map((head): Column => ({ head, align: 'left', only: ['markdown'] })),
  ];
  return gridOf(columns, cells, { keys: 2, ...more });
}

function unscoredGrid(rows: readonly ValidatedRow[], more: NonNullable<Parameters<typeof gridOf>[2]>): Grid {
  const cells = rows.map((row): Datum[] => [
    row.id,
    measuredWhat(row),
    speed(row, row.measured),
    speed(row, row.predicted),
    row.reason,
    row.machine,
  ]);
  const machine: Column = { head: 'machine', align: 'left', only: ['page'] };
  const why: Column = { head: 'why not', align: 'left', most: 'rest' };
  return gridOf([...namesIn(more), 'measured', 'predicted', why, machine], cells, { keys: 2, ...more });
}

function reasonGrid(rows: readonly ValidatedRow[]): Grid {
  const counts = [...groupedBy(rows, ({ reason }) => reason!)].map(([reason, { length }]) => [reason, length] as const);
  const sorted = counts.sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  return gridOf([{ head: 'listed, not scored, because', most: 60 }, 'figures'], sorted, { title: 'Not scored' });
}

function constantGrid({ fitted }: Validation): Grid {
  const rows = fitted.map(({ constants, on, runtime }): Datum[] => [runtime, constants.length, constants.join(', '), on]);
  const columns: Column[] = [
    { head: 'runtime' },
    { head: 'fitted' },
    { head: 'constants', align: 'left', wrap: 40 },
    { head: 'on', align: 'left', only: ['markdown', 'csv'] },
  ];
  return gridOf(columns, rows, { title: 'Fitted constants' });
}

/** Fewest machines that make a constant known; ours. */
const KNOWN = 4;

function refitGrids({ refit }: Validation): Grid[] {
  if (refit === undefined) return [];
  const known = (['fitted', 'leftOut'] as const).flatMap((which) =>
    MEASURED_METRICS.flatMap((metric) => (refit[which][metric] === null ? [] : [{ which, metric, ...refit[which][metric] }])),
  );
  const errors = grid<ErrorStatistics & { which: 'fitted' | 'leftOut'; metric: MeasuredMetric }>(
    known,
    [
      { head: 'constants fitted on', of: ({ which }) => (which === 'fitted' ? 'all these rows' : 'all other machines') },
      { head: '', align: 'left', of: ({ metric }) => measuredMetricText(metric) },
      ...ERROR_COLUMNS.filter(({ head }) => head !== 'in band'),
    ],
    { title: 'Refitted', keys: 2 },
  );
  const digits = (value: number): Datum => ({ value, text: String(Number(value.toPrecision(3))) });
  const classes = grid<ClassErrors>(
    refit.classesLeftOut,
    [
      { head: 'constants fitted without', of: ({ kind }) => kind },
      { head: '', align: 'left', most: 22, of: ({ name }) => name },
      { head: '', align: 'left', of: ({ metric }) => measuredMetricText(metric) },
      ...ERROR_COLUMNS.filter(({ head }) => ['machines', 'median', 'bias'].includes(head)),
    ],
    { title: 'One class left out', keys: 3 },
  );
  const constants = grid<Refit['constants'][number]>(
    refit.constants,
    [
      { head: 'runtime', of: ({ runtime }) => runtime },
      { head: 'constant', align: 'left', of: ({ name }) => name },
      { head: 'before', of: ({ before }) => digits(before) },
      { head: 'spread', only: ['markdown', 'csv'], of: ({ spread }) => digits(spread) },
      { head: 'now', of: ({ now }) => digits(now) },
      { head: 'refitted', of: ({ fitted }) => digits(fitted) },
      { head: 'machines', of: ({ machines }) => machines },
      { head: '', align: 'left', of: ({ machines }) => (machines < KNOWN ? 'a guess' : '') },
    ],
    { title: 'Constants: before the rows, today, refitted', keys: 2 },
  );
  return [errors, classes, constants];
}

/** Every figure of every row, for CSV. */
function recordsOf(rows: readonly ValidatedRow[]): Grid {
  return gridOf(
    ['id', 'metric', 'machine', 'model', 'family', 'measured', 'predicted', 'error', 'scored', 'reason', 'low', 'high', 'device', 'kind'],
    rows.map((row): Datum[] => [
      ...[row.id, row.metric, row.machine, row.model, row.family, row.measured, row.predicted, row.error],
      ...[row.scored ? 'yes' : 'no', row.reason, row.band?.low ?? null, row.band?.high ?? null, row.device ?? null, row.kind ?? null],
    ]),
  );
}

function speed(row: ValidatedRow, value: number | null): Datum {
  return { value, text: value === null ? '' : speedText(row, value) };
}
