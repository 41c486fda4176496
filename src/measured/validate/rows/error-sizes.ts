import { type Vote, votedPercentile } from '../../../base/statistics.js';

/** Median and percentile of the sizes of errors of predictions, of speed or of memory, in either direction. */
export interface ErrorSizes {
  readonly n: number;
  readonly median: number;
  readonly p90: number;
  /** Median with its sign: below 0, predictions are too small. */
  readonly bias: number;
}

/** Summarizes the sizes of errors. @throws RangeError if there is none */
export function errorSizes(errors: readonly Vote[]): ErrorSizes {
  const sizes = errors.map(({ value, weight }) => ({ value: Math.abs(value), weight }));
  return { n: errors.length, median: votedPercentile(sizes, 50), p90: votedPercentile(sizes, 90), bias: votedPercentile(errors, 50) };
}
