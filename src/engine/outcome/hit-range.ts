// The range of a hit rate whose routing is drawn: how far published hit rates lay from those of drawn routing. Errors are of arcsin(sqrt(rate)),
// on which a share errs alike in the middle and near 0 and 1 (Anscombe, 1948). A model has one vote, whatever the number of its curves.
import { twelveDigits } from '../../base/rounding.js';
import type { Result } from '../../result/result.js';
import type { Inputs } from '../inputs/inputs.js';

/**
 * Published less predicted angle, arcsin(sqrt(rate)), that one published figure in ten is below, and one in ten above, and the models of the
 * figures: with the prior, each model left out of its fit; with the routing of a model's own profile, on curves that it was not fitted on. At a
 * rate of a half .1 is 10 points. test/claims/trace/hits.test.ts computes them anew from profiles/measurements/hits.jsonl.
 */
export const HIT_ERRORS = {
  prior: { low: -0.106, high: 0.133, models: 26 },
  profile: { low: -0.067, high: 0.0985, models: 8 },
} as const;

/** The range of a hit rate, 0..1; none: its routing is recorded or the user's own, or there is no miss, or no hit. */
export function hitRangeOf(rate: number, routing: Inputs['routing']): Pick<Result, 'hitRange'> {
  if (routing === undefined || !(rate > 0 && rate < 1)) return {};
  const { high, low, models } = HIT_ERRORS[routing];
  const angle = Math.asin(Math.sqrt(rate));
  const by = (error: number): number => twelveDigits(Math.sin(Math.min(Math.max(angle + error, 0), Math.PI / 2)) ** 2);
  return { hitRange: { low: by(low), high: by(high), models, routing } };
}
