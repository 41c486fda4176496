// Figures of one panel whose points are single runs: nothing is summed up, so that a point has no spread unless it says so.
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
