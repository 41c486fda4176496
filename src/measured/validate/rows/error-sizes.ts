// Statistics of the errors of predictions, of speed or of memory: their size and their bias.
import { percentile } from '../../../base/statistics.js';

/** Median and percentile of the sizes of errors, in either direction. */
export interface ErrorSizes {
  readonly n: number;
  readonly median: number;
  readonly p90: number;
  /** Median with its sign: below 0, predictions are too small. */
  readonly bias: number;
}

/** Summarizes the sizes of errors. @throws RangeError where there is none */
export function errorSizes(errors: readonly number[]): ErrorSizes {
  const sizes = ascending(errors.map(Math.abs));
  return { n: errors.length, median: percentile(sizes, 50), p90: percentile(sizes, 90), bias: percentile(ascending(errors), 50) };
}

/** A sorted copy. */
export function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}
