// The range of a hit rate whose routing is drawn: how far published hit rates lay from those of drawn routing. Errors are of arcsin(sqrt(rate)),
// on which a share errs alike in the middle and near 0 and 1 (Anscombe, 1948). A model has one vote, whatever the number of its curves.
import { twelveDigits } from '../../base/rounding.js';
import type { Result } from '../../result/result.js';
import { bothPhases } from './cache-metrics.js';
import type { Finished } from './finished.js';

/**
 * Published less predicted angle, arcsin(sqrt(rate)), that one published figure in ten is below, and one in ten above, and the models of the
 * figures: with the prior, each model left out of its fit; with the routing of a model's own profile, on curves that it was not fitted on. At a
 * rate of a half .1 is 10 points. test/claims/trace/hits.test.ts computes them anew from profiles/measurements/hits.jsonl.
 */
export const HIT_ERRORS = {
  prior: { low: -0.106, high: 0.133, models: 26 },
  profile: { low: -0.067, high: 0.0985, models: 8 },
} as const;

/** The range of a run's hit rate; none: its routing is recorded or the user's own, or the cache holds all that is demanded, or nothing. */
export function hitRangeOf({ inputs: { routing }, simulation }: Pick<Finished, 'inputs' | 'simulation'>): Pick<Result, 'hitRange'> {
  const { demanded, hits } = bothPhases(simulation.recorder);
  const range = publishedRange(hits / demanded, routing);
  return range === null || routing === undefined ? {} : { hitRange: { ...range, models: HIT_ERRORS[routing].models, routing } };
}

/** The range of a hit rate, 0..1; null where its routing is not drawn, or there are no misses, or no hits. */
export function publishedRange(
  rate: number,
  routing: Finished['inputs']['routing'],
): { readonly low: number; readonly high: number } | null {
  if (routing === undefined || !(rate > 0 && rate < 1)) return null;
  const { high, low } = HIT_ERRORS[routing];
  const angle = Math.asin(Math.sqrt(rate));
  const by = (error: number): number => twelveDigits(Math.sin(Math.min(Math.max(angle + error, 0), Math.PI / 2)) ** 2);
  return { low: by(low), high: by(high) };
}
