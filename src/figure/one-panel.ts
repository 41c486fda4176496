// Figures of one panel whose points are single runs: nothing is summed up, so that a point has no spread unless it says so.

import { visible } from '../base/text.js';
import { type RankedRun, rank, splitRuns } from '../report/door.js';
import type { FigurePoint, PaperFigure } from './figure.js';

/** A point of one run. `low` and `high` absent: the point itself. */
export type RunPoint = Pick<FigurePoint, 'x' | 'y' | 'series'> & Partial<Pick<FigurePoint, 'low' | 'high'>>;

/** A figure of one panel. */
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

/** The figure of a ranking, of decode speed; of prefill speed where nothing is decoded: a bar for each run, the fastest first. */
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
