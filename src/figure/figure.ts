import { UserError } from '../base/errors.js';
import { groupedBy } from '../base/objects.js';
import { extentOf } from '../base/statistics.js';
import { visible } from '../base/text.js';
import { BYTES } from '../base/units.js';
import { describeMetric, METRICS } from '../result/catalogue.js';
import { Labels } from './table/labels.js';
import { type Statistic, statisticOf } from './table/pivot.js';
import { type RunRow, requireValue, rowValue } from './table/run-row.js';
import { scaleOf } from './table/scale.js';
import type { SweepValue } from './table/space.js';

/** `pareto`: points with the Pareto front of two metrics. `rank`: horizontal bars, best first. */
export const FIGURE_KINDS = ['line', 'bar', 'rank', 'scatter', 'pareto', 'heat'] as const;
type FigureKind = (typeof FIGURE_KINDS)[number];

/** Request for a figure. */
export interface FigureQuestion {
  readonly kind: FigureKind;
  /** Name for {@link rowValue}, or several with commas: the horizontal axis, or a ranking's bars. */
  readonly x: string;
  readonly y: string;
  /** Name of the series values (heat map: rows), like `x`; null: a single series. */
  readonly series: string | null;
  /** Name of the panel values; null: a single panel. */
  readonly facet: string | null;
  /** Statistic over runs of a point. */
  readonly statistic: Statistic;
}

interface Axis {
  readonly name: string;
  /** Empty: a count, or words. */
  readonly unit: string;
  /** False: words. */
  readonly continuous: boolean;
}

/** Line across a panel: a limit, a knee. */
interface Rule {
  readonly axis: 'x' | 'y';
  /** In the axis's unit. */
  readonly at: number;
  readonly label: string;
}

interface FigurePlace {
  readonly x: number | string;
  readonly series: string;
  readonly facet: string;
}

/** Runs at one place. */
export interface FigurePoint extends FigurePlace {
  readonly y: number;
  /** Range over the runs. */
  readonly low: number;
  readonly high: number;
  readonly runs: number;
  /** True on the panel's Pareto front. */
  readonly front: boolean;
}

/** A figure, ready to draw. */
export interface PaperFigure extends FigureQuestion {
  readonly title?: string;
  readonly note?: string;
  readonly rules?: readonly Rule[];
  readonly xAxis: Axis;
  readonly yAxis: Axis;
  /** In order of appearance. */
  readonly seriesNames: readonly string[];
  readonly facets: readonly string[];
  /** By panel, series and x. */
  readonly points: readonly FigurePoint[];
}

/** `draw.ts` draws. @param labels words for names @throws UserError if no run has the metrics, or a name is unknown */
export function figureOf(rows: readonly RunRow[], question: FigureQuestion, labels = new Labels()): PaperFigure {
  const { facet, kind, series, statistic, x, y } = question;
  if (kind === 'rank' && series !== null && facet !== null) throw new UserError('--kind rank: takes --series or --facet, not both');
  const ran = rows.filter(({ status }) => status === 'done');
  for (const name of [x, series, facet].flatMap((names) => names?.split(',') ?? [])) requireValue(ran, name);
  const done = ran.filter(({ metrics }) => metrics[y] !== undefined);
  if (done.length === 0) throw new UserError(`--y ${y}: no run has it`);
  const horizontal = axisOf(done, x, kind === 'bar' || kind === 'heat' || kind === 'rank', labels);
  const vertical = scaleOf(describeMetric(y).unit, extentOf(done.map(({ metrics }) => Math.abs(metrics[y]!)))[1]);
  const runs = done.map((row) => {
    const name = (path: string | null): string => (path === null ? '' : wordOf(row, path, labels));
    const at: FigurePlace = { x: horizontal.of(row), series: name(series), facet: name(facet) };
    return { at, value: row.metrics[y]! / vertical.factor };
  });
  const points = [...groupedBy(runs, ({ at }) => JSON.stringify(at)).values()].map((same): FigurePoint => {
    const samples = same.map(({ value }) => value);
    const [low, high] = extentOf(samples);
    return { ...same[0]!.at, y: statisticOf(samples, statistic), low, high, runs: samples.length, front: false };
  });
  const seriesNames = [...new Set(points.map((point) => point.series))];
  const facets = [...new Set(points.map((point) => point.facet))];
  const figure: PaperFigure = {
    ...question,
    xAxis: { name: horizontal.name, unit: horizontal.unit, continuous: horizontal.continuous },
    yAxis: { name: labels.of(y), unit: vertical.unit, continuous: true },
    seriesNames,
    facets,
    points: ordered(points, facets, seriesNames),
  };
  labels.requireMet();
  return kind === 'pareto' ? withFront(figure) : figure;
}

function wordOf(row: RunRow, names: string, labels: Labels): string {
  return visible(
    names
      .split(',')
      .map((name) => labels.of(String(rowValue(row, name) ?? '')))
      .join(' '),
  );
}

/** Sorts by panel, series and x; words keep their order. */
function ordered(points: readonly FigurePoint[], facets: readonly string[], series: readonly string[]): FigurePoint[] {
  return [...points].sort(
    (a, b) =>
      facets.indexOf(a.facet) - facets.indexOf(b.facet) ||
      series.indexOf(a.series) - series.indexOf(b.series) ||
      (typeof a.x === 'number' && typeof b.x === 'number' ? a.x - b.x : 0),
  );
}

/** Numbers of one unit, or words. */
function axisOf(rows: readonly RunRow[], name: string, words: boolean, labels: Labels): Axis & { of(row: RunRow): number | string } {
  const metric = rows.some(({ metrics }) => metrics[name] !== undefined);
  if (metric) {
    const [, most] = extentOf(rows.map(({ metrics }) => Math.abs(metrics[name] ?? 0)));
    const { factor, unit } = scaleOf(describeMetric(name).unit, most);
    return { name: labels.of(name), unit, continuous: true, of: (row) => (row.metrics[name] ?? Number.NaN) / factor };
  }
  const short = name
    .split(',')
    .map((part) => labels.of(part, part.split('.').at(-1)))
    .join(', ');
  const as = words ? null : readingOf(rows.map((row) => rowValue(row, name) ?? ''));
  if (as === null) return { name: short, unit: '', continuous: false, of: (row) => wordOf(row, name, labels) };
  return { name: short, unit: as.unit, continuous: true, of: (row) => as.read(rowValue(row, name) ?? '')! };
}

/** Name and unit of an axis. */
export const labelOf = ({ name, unit }: Axis): string => (unit === '' ? name : `${name}, ${unit}`);

/** Reading of values as numbers of one unit; null: words. */
export function readingOf(values: readonly SweepValue[]): Reading | null {
  return READINGS.find(({ read }) => values.every((value) => read(value) !== null)) ?? null;
}

interface Reading {
  readonly unit: string;
  read(value: SweepValue): number | null;
}

const READINGS: readonly Reading[] = [
  { unit: '', read: (value) => (typeof value === 'number' ? value : numberIn(value, /^-?[\d.]+$/)) },
  { unit: '%', read: (value) => numberIn(value, /^[\d.]+ ?%$/) },
  { unit: 'per layer', read: (value) => numberIn(value, /^[\d.]+\/layer$/) },
  {
    unit: 'GiB',
    read: (value) => (typeof value === 'string' && /^[\d.]+ ?[KMGT]i?B$/.test(value) ? (BYTES.read(value) ?? 0) / 2 ** 30 : null),
  },
];

function numberIn(value: SweepValue, shape: RegExp): number | null {
  return typeof value === 'string' && shape.test(value) ? Number.parseFloat(value) : null;
}

function withFront(figure: PaperFigure): PaperFigure {
  const { points, x, y } = figure;
  if (!figure.xAxis.continuous) throw new UserError(`--x ${x}: a Pareto front needs figures on both axes; name a metric`);
  // Names without a direction are costs: sizes, batches, seconds.
  const sign = (name: string): number => (METRICS.get(name)?.better === 'higher' ? 1 : -1);
  const [sx, sy] = [sign(x), sign(y)];
  const front = new Set<FigurePoint>();
  for (const panel of groupedBy(points, ({ facet }) => facet).values()) {
    // Sorted by x, then y: a front point is better in y than all points of better x, and best at its x.
    let [x, best, bestBefore] = [Number.NaN, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const point of panel.toSorted((a, b) => sx * (Number(b.x) - Number(a.x)) || sy * (b.y - a.y))) {
      if (point.x !== x) [x, bestBefore] = [Number(point.x), best];
      best = Math.max(best, sy * point.y);
      if (sy * point.y > bestBefore && sy * point.y === best) front.add(point);
    }
  }
  return { ...figure, points: points.map((point) => ({ ...point, front: front.has(point) })) };
}

/** True for bars. */
export const isBars = ({ kind }: PaperFigure): boolean => kind === 'bar' || kind === 'rank';

/** Maximum heat map columns with numbers in cells; ours, at page width. */
const MOST_COLUMNS = 32;

/** True if a heat map is too wide for numbers: layers by experts. */
export function isDense(points: readonly FigurePoint[]): boolean {
  return new Set(points.map(({ x }) => x)).size > MOST_COLUMNS;
}

/** Range of y. */
export function spanOf(points: readonly FigurePoint[]): readonly [least: number, most: number] {
  return extentOf(points.map(({ y }) => y));
}
