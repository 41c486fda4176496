import { groupedBy } from '../../base/objects.js';
import { formatCount, formatRatio } from '../../base/units.js';
import { figureOf, longJsonLines, type PaperFigure, pictureFormats, STUDY_SCHEMA } from '../../figure/door.js';
import type { Column, Datum, Document, OutputFormat } from '../../report/door.js';
import {
  againGrid,
  againLines,
  documentFormats,
  figure,
  formatMetric,
  gridOf,
  heldOutLead,
  namedColumns,
  note,
} from '../../report/door.js';
import { METRICS } from '../../result/catalogue.js';
import type { MetricName } from '../../result/metrics.js';
import type { SearchPoint } from './ledger.js';
import { TOLERANCE } from './objective.js';
import type { Search } from './search.js';

/** Most characters of an axis value; ours. */
const WIDEST_VALUE = 44;

/** Report of `moeprof search`. */
export const searchReports: readonly OutputFormat<Search>[] = [
  ...documentFormats<Search>(searchDocument),
  ...pictureFormats<Search>('moeprof search', (search) => [pictureOf(search)], searchDocument),
  { name: 'jsonl', extensions: ['.jsonl', '.ndjson'], render: runsOf },
];

function searchDocument(search: Search): Document {
  const { cells, constraints, eligible, front, objectives, runs } = search;
  const names = objectives.map(({ name }) => name).join(', ');
  const ran = `${formatCount(runs.whole)} whole runs${runs.short > 0 ? ` and ${formatCount(runs.short)} short ones` : ''}`;
  const known = runs.known > 0 ? `, and ${formatCount(runs.known)} that the store knew` : '';
  const allowed = eligible < cells ? `, of which ${formatCount(eligible)} keep ${constraints.join(' and ')} before they run` : '';
  return {
    title: objectives.length === 1 ? `Best ${names} of ${formatCount(cells)} cells` : `Front of ${names} over ${formatCount(cells)} cells`,
    answer: front.length === 0 ? emptyOf(search) : bestOf(search, front[0]!),
    lead: [
      { text: `${ran}${known}, seed ${search.seed}${allowed}` },
      ...(constraints.length > 0 ? [{ text: `kept: ${constraints.join(', ')}` }] : []),
      ...heldOutLead(search.heldOut ?? 0),
    ],
    blocks: [
      gridOf(
        [
          { head: '', align: 'right' },
          ...objectives.map(({ name }) => shortName(name)),
          'sure',
          ...search.axes.map((path): Column => ({ head: shortName(path), align: 'left', most: WIDEST_VALUE })),
        ],
        front.map((point, at) => [at + 1, ...figuresOf(search, point), figure(point.confidence, 'ratio'), ...axesOf(search, point)]),
      ),
      ...(front.length === 0 ? [note(emptyOf(search), 'warning')] : [note(trustOf(search), 'dim')]),
      ...againLines(
        'point 1',
        front[0]?.again,
        front.length > 1 ? 'The command of each point is in -o front.csv; --profiles front writes run profiles.' : '',
      ),
      againGrid(
        [{ head: '', align: 'right' }],
        front.map(({ again }, at) => [[at + 1], again]),
      ),
      ...(runs.refused > 0 ? [note(`${formatCount(runs.refused)} cells could not run: ${reasonOf(search)}`, 'warning')] : []),
    ],
    records: gridOf(
      namedColumns([
        'point',
        ...objectives.map(({ name, unit }) => `${name} [${unit}]`),
        'confidence [ratio]',
        ...search.axes,
        'again',
        'fingerprint',
      ]),
      front.map((point, at) => [
        at + 1,
        ...objectives.map(({ name }) => point.figures[name]!),
        point.confidence,
        ...axesOf(search, point),
        point.again,
        point.fingerprint,
      ]),
    ),
  };
}

/** `speed.decode` is decode. */
const shortName = (name: string): string => name.split('.').at(-1)!;

const figuresOf = ({ objectives }: Search, { figures }: SearchPoint): Datum[] =>
  objectives.map(({ name, unit }): Datum => {
    const value = figures[name]!;
    return name === 'lost_bits' ? { value, text: value.toFixed(2) } : figure(value, unit);
  });

const axesOf = ({ axes }: Search, { values }: SearchPoint): Datum[] => axes.map((path) => String(values[path]));

function bestOf(search: Search, point: SearchPoint): string {
  const figures = search.objectives.map(({ name, unit }) => `${shortName(name)} ${formatMetric({ value: point.figures[name]!, unit })}`);
  return `${search.axes.map((path) => `${shortName(path)} ${String(point.values[path])}`).join(', ')}: ${figures.join(', ')}`;
}

function emptyOf({ rows, runs: { budget } }: Search): string {
  const whole = rows.filter(({ short }) => !short);
  if (whole.length === 0)
    return `no cell ran whole: a budget of ${formatCount(budget)} is spent on short runs; give --budget more, or prefix: 0`;
  const ran = whole.some(({ status }) => status === 'done');
  return ran ? 'no cell that ran keeps every limit' : 'none of the cells that were tried whole can run';
}

function trustOf({ objectives }: Search): string {
  const mistakes = objectives.flatMap(({ mistake, name }) => (mistake === null ? [] : [`${formatRatio(mistake)} of ${name}`]));
  const guess = mistakes.length === 0 ? '' : ` Of a run that is hidden from it, it is off by ${mistakes.join(' and ')} (median).`;
  return `sure: the chance, as the surrogate sees it, that no cell which did not run beats the point by more than ${100 * TOLERANCE} %.${guess}`;
}

function reasonOf({ rows }: Search): string {
  const groups = groupedBy(
    rows.flatMap(({ reason }) => reason ?? []),
    (reason) => reason,
  );
  return [...groups.values()].sort((a, b) => b.length - a.length)[0]![0]!;
}

/** Whole runs within limits, best at each x. */
function pictureOf(search: Search): PaperFigure {
  const { front, objectives } = search;
  const best = new Set(front.map(({ values }) => JSON.stringify(values)));
  const rows = search.rows.flatMap((row, at) => {
    if (row.short || !row.kept) return [];
    const axes = Object.fromEntries(search.axes.map((path) => [path, row.values[path]]));
    return [{ ...row, values: { ...row.values, run: at + 1, point: best.has(JSON.stringify(axes)) ? 'front' : 'beaten' } }];
  });
  const y = objectives.find(({ name }) => METRICS.has(name))?.name ?? ('speed.decode' satisfies MetricName);
  const x = objectives.find(({ name }) => name !== y)?.name ?? 'run';
  const kind = objectives.length === 2 ? 'pareto' : 'scatter';
  return figureOf(rows, { kind, x, y, series: 'point', facet: null, statistic: METRICS.get(y)!.better === 'higher' ? 'max' : 'min' });
}

function runsOf({ axes, rows, tool, units }: Search): string {
  const columns = [...new Set(rows.flatMap(({ values }) => Object.keys(values)))].filter((name) => !axes.includes(name));
  const shown = rows.map(({ short, ...row }) => ({ ...row, values: { ...row.values, short } }));
  return longJsonLines({ schema: STUDY_SCHEMA, tool, axes: [...axes, ...columns, 'short'], units, rows: shown });
}
