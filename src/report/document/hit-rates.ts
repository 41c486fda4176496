import { formatRatio } from '../../base/units.js';
import type { Result } from '../../result/result.js';
import { hitRangeSource } from '../words.js';
import type { GridCell, Line } from './document.js';

type Ranged = Pick<Result, 'hitRange'>;

/** `62.3 % (55-70)`: a hit rate, 0 to 1, with the published range in whole percent, rounded outwards. */
export function hitRateOf(
  value: number,
  { hitRange }: Ranged,
  format: (rate: number, ranged: boolean) => string = (rate) => formatRatio(rate),
): GridCell {
  if (hitRange === undefined) return { value, text: format(value, false) };
  // Nine digits first: 100 x .55 is above 55.
  const [low, high] = [hitRange.low, hitRange.high].map((share) => Number((100 * share).toPrecision(9)));
  return { value, text: `${format(value, true)} (${Math.floor(low!)}-${Math.ceil(high!)})` };
}

/** Meaning of the ranges as a lead line; empty without ranges. */
export function hitRangeLead(all: readonly Ranged[]): Line[] {
  const sources = new Set(all.flatMap(({ hitRange }) => (hitRange === undefined ? [] : [hitRangeSource(hitRange)])));
  return [...sources].map((source) => ({ text: `(low-high): hits for ${source}` }));
}
