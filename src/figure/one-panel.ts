import { visible } from '../base/text.js';
import { type RankedRun, rank, splitRuns } from '../report/door.js';
import type { FigurePoint, PaperFigure } from './figure.js';

/** Point of one run; default of `low` and `high`: the point. */
export type RunPoint = Pick<FigurePoint, 'x' | 'y' | 'series'> & Partial<Pick<FigurePoint, 'low' | 'high'>>;

/** Figure of one panel with single runs as points. */
export function onePanel(figure: Omit<PaperFigure, 'facet' | 'facets' | 'points' | 'statistic'>, points: readonly RunPoint[]): PaperFigure {
  return {
    ...figure,
    facet: null,
    facets: [''],
    statistic: 'median',
    points: points.map(({ high, low, series, x, y }) => ({
      x,
      y,
      low: low ?? y,
      high: high ?? y,
      series,
      facet: '',
      runs: 1,
      front: false,
    })),
  };
}

/** Axis of a figure. @param unit empty: a count, or words */
export function axisOf(name: string, unit = '', continuous = true): PaperFigure['xAxis'] {
  return { name, unit, continuous };
}

/** Lines by series in the order of `seriesNames`; empty without points. */
export function linesOver(
  xAxis: PaperFigure['xAxis'],
  yAxis: PaperFigure['yAxis'],
  seriesNames: readonly string[],
  points: readonly RunPoint[],
  title?: string,
): PaperFigure[] {
  const named = { x: xAxis.name, y: yAxis.name, series: 'series', ...(title === undefined ? {} : { title }) };
  return points.length === 0 ? [] : [onePanel({ kind: 'line', ...named, xAxis, yAxis, seriesNames }, points)];
}

/** Horizontal bars in the order of points; empty without points. */
export function barsOf(
  name: string,
  yAxis: PaperFigure['yAxis'],
  seriesNames: readonly string[],
  points: readonly RunPoint[],
): PaperFigure[] {
  const named = { x: name, y: yAxis.name, series: seriesNames.length > 1 ? 'series' : null };
  return points.length === 0 ? [] : [onePanel({ kind: 'rank', ...named, xAxis: axisOf(name, '', false), yAxis, seriesNames }, points)];
}

/** A row per list; empty without rows. @param name of a row and a column */
export function heatMap(rows: readonly ArrayLike<number>[], [row, column]: readonly [string, string], title?: string): PaperFigure[] {
  const points = rows.flatMap((values, r) => Array.from(values, (y, x) => ({ x, y, series: String(r) })));
  const named = { kind: 'heat', x: column, y: 'value', series: row, xAxis: axisOf(column), yAxis: axisOf(row) } as const;
  const figure = { ...named, ...(title === undefined ? {} : { title }), seriesNames: rows.map((_, r) => String(r)) };
  return points.length === 0 ? [] : [onePanel(figure, points)];
}

/** Ranking by decode speed (prefill if nothing is decoded), fastest first. */
export function rankingFigures(runs: readonly RankedRun[]): PaperFigure[] {
  const ranked = rank(splitRuns(runs).results);
  const phase = ranked.some(({ decode }) => decode !== null) ? 'decode' : 'prefill';
  const points = ranked.map(({ name, result, ...speeds }) => {
    const y = speeds[phase] ?? 0;
    const { high, low } = result.accuracy?.[phase] ?? { high: 1, low: 1 };
    return { x: visible(name), y, low: y * low, high: y * high, series: '' } satisfies RunPoint;
  });
  const banded = points.some(({ high, y }) => high > y);
  const xAxis = { name: 'run', unit: '', continuous: false };
  const yAxis = { name: `speed.${phase}`, unit: 'tok/s', continuous: true };
  const figure = onePanel({ kind: 'rank', x: 'run', y: `speed.${phase}`, series: null, xAxis, yAxis, seriesNames: [''] }, points);
  return [banded ? { ...figure, note: 'Whiskers: 80 % of comparable measurements' } : figure];
}
