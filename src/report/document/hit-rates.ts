// Hit rates with the range of published ones behind them, where the routing is drawn.
import { formatRatio } from '../../base/units.js';
import type { Result } from '../../result/result.js';
import { percentRange, rangeSource } from '../words.js';
import { type Datum, type Line, ratio } from './document.js';

/** `62.3 % (55-70)`: a hit rate, 0..1, and its range where it has one. */
export function hitRateOf({ hitRange, metrics }: Pick<Result, 'hitRange' | 'metrics'>): Datum {
  const rate = metrics['cache.hit_rate']?.value ?? 0;
  return hitRange === undefined ? ratio(rate) : { value: rate, text: `${formatRatio(rate)} ${percentRange(hitRange)}` };
}

/** The meaning of the ranges as a line below the title of a document; empty where no run has one. */
export function hitRangeLead(results: readonly Pick<Result, 'hitRange'>[]): Line[] {
  const sources = new Set(results.flatMap(({ hitRange }) => (hitRange === undefined ? [] : [rangeSource(hitRange)])));
  return [...sources].map((source) => ({ text: `(low-high): hits for ${source}` }));
}
