// The figure of a ranking: a bar for each run, the fastest first, with the error band of comparable measurements.
import { visible } from '../base/text.js';
import { rank } from '../report/ranking/rank.js';
import { type RankedRun, splitRuns } from '../report/ranking/refused.js';
import type { PaperFigure } from './figure.js';
import { onePanel, type RunPoint } from './one-panel.js';

/** One figure, of decode speed; of prefill speed where nothing is decoded. */
export function rankingFigures(runs: readonly RankedRun[]): PaperFigure[] {
  const ranked = rank(splitRuns(runs).results);
  const phase = ranked.some(({ decode }) => decode !== null) ? 'decode' : 'prefill';
  const points = ranked.map(({ name, result, ...speeds }) => {
    const y = speeds[phase] ?? 0;
    const half = result.accuracy?.[phase]?.halfWidth ?? 0;
    return { x: visible(name), y, low: y * Math.max(0, 1 - half), high: y * (1 + half), series: '' } satisfies RunPoint;
  });
  const banded = points.some(({ high, y }) => high > y);
  const xAxis = { name: 'run', unit: '', continuous: false };
  const yAxis = { name: `speed.${phase}`, unit: 'tok/s', continuous: true };
  const figure = onePanel({ kind: 'rank', x: 'run', y: `speed.${phase}`, series: null, xAxis, yAxis, seriesNames: [''] }, points);
  return [banded ? { ...figure, note: 'Whiskers: 80 % of comparable measurements' } : figure];
}
