// The figure of a ranking: a bar for each run, the fastest first, with the error band of comparable measurements.
import { visible } from '../../base/text.js';
import { rank } from '../../report/ranking/rank.js';
import { type RankedRun, splitRuns } from '../../report/ranking/refused.js';
import type { FigurePoint, PaperFigure } from './figure.js';

/** One figure, of decode speed; of prefill speed where nothing is decoded. */
export function rankingFigures(runs: readonly RankedRun[]): PaperFigure[] {
  const ranked = rank(splitRuns(runs).results);
  const phase = ranked.some(({ decode }) => decode !== null) ? 'decode' : 'prefill';
  const points = ranked.map(({ name, result, ...speeds }): FigurePoint => {
    const y = speeds[phase] ?? 0;
    const half = result.accuracy?.[phase]?.halfWidth ?? 0;
    return { x: visible(name), y, low: y * Math.max(0, 1 - half), high: y * (1 + half), series: '', facet: '', runs: 1, front: false };
  });
  const banded = points.some(({ high, y }) => high > y);
  return [
    {
      ...{ kind: 'rank', x: 'run', y: `speed.${phase}`, series: null, facet: null, statistic: 'median' },
      xAxis: { name: 'run', unit: '', continuous: false },
      yAxis: { name: `speed.${phase}`, unit: 'tok/s', continuous: true },
      ...{ seriesNames: [''], facets: [''], points },
      ...(banded ? { note: 'Whiskers: 80 % of comparable measurements' } : {}),
    },
  ];
}
