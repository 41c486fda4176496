import { twelveDigits } from '../../base/rounding.js';
import type { Result } from '../../result/result.js';
import type { Inputs } from '../inputs/inputs.js';

/**
 * Tenth and ninetieth percentile of published less drawn arcsin(sqrt(rate)), and number of models: `prior` with each
 * model left out of the fit, `shape` the same without the recipe of its training, profiles on independent curves.
 * `bias`: the prior's, widened to the flattest and the steepest router known that a bias balanced.
 * Computed by test/claims/trace/hits.test.ts from profiles/measurements/hits.jsonl.
 */
export const HIT_ERRORS = {
  prior: { low: -0.081, high: 0.14, models: 27 },
  shape: { low: -0.172, high: 0.153, models: 27 },
  bias: { low: -0.182, high: 0.156, models: 3 },
  profile: { low: -0.041, high: 0.083, models: 8 },
} as const;

/** Range of a drawn rate, by arcsin(sqrt(rate)) (Anscombe, 1948); absent for own routing, or without misses or hits. */
export function hitRangeOf(rate: number, routing: Inputs['routing']): Pick<Result, 'hitRange'> {
  if (routing === undefined || !(rate > 0 && rate < 1)) return {};
  const { high, low, models } = HIT_ERRORS[routing];
  const angle = Math.asin(Math.sqrt(rate));
  const by = (error: number): number => twelveDigits(Math.sin(Math.min(Math.max(angle + error, 0), Math.PI / 2)) ** 2);
  return { hitRange: { low: by(low), high: by(high), models, routing } };
}
