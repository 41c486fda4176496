import { type Vote, votedPercentile } from '../../../base/statistics.js';

/** Sizes of prediction errors, of speed or memory. */
export interface ErrorSizes {
  readonly n: number;
  readonly median: number;
  readonly p90: number;
  /** Signed median: below 0, predictions are too small. */
  readonly bias: number;
}

/** @throws RangeError for no error */
export function errorSizes(errors: readonly Vote[]): ErrorSizes {
  const sizes = errors.map(({ value, weight }) => ({ value: Math.abs(value), weight }));
  return { n: errors.length, median: votedPercentile(sizes, 50), p90: votedPercentile(sizes, 90), bias: votedPercentile(errors, 50) };
}
