import { Random } from './random.js';
import { percentile } from './statistics.js';

/** Most samples for an exact distribution of the rank sum. Ours. */
const EXACT = 60;

/** Accepted probability of a false alarm. */
export const ALPHA = 0.05;

/** Median of samples in any order. @throws RangeError without samples */
export const median = (samples: ArrayLike<number>): number => percentile(Float64Array.from(samples).sort(), 50);

/**
 * Two-sided p-value of the Mann-Whitney U test (1947): exact up to 60 samples, ties included; beyond, normal,
 * corrected. @throws RangeError
 */
export function mannWhitney(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [n, m] = [a.length, b.length];
  if (n === 0 || m === 0) throw new RangeError('a test needs samples on both sides');
  const { doubled, ties } = midRanks([...Array.from(a), ...Array.from(b)]);
  const observed = doubled.slice(0, n).reduce((sum, rank) => sum + rank, 0);
  return n + m <= EXACT ? exactP(doubled, n, observed) : normalP(n, m, observed / 2 - (n * (n + 1)) / 2, ties);
}

/** Smallest p-value of {@link mannWhitney} for these numbers of samples. */
export function smallestP(n: number, m: number): number {
  let combinations = 1;
  for (let i = 1; i <= n; i++) combinations = (combinations * (m + i)) / i;
  return Math.min(1, 2 / combinations);
}

/** Doubled ranks from 1, whole for ties; `ties`: sum of t^3 - t over groups of t equal values. */
function midRanks(values: readonly number[]): { doubled: number[]; ties: number } {
  const order = values.map((_, index) => index).sort((i, j) => values[i]! - values[j]!);
  const doubled = new Array<number>(values.length);
  let ties = 0;
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let i = start; i < end; i++) doubled[order[i]!] = start + end + 1;
    const size = end - start;
    ties += size ** 3 - size;
    start = end;
  }
  return { doubled, ties };
}

/** Share of choices of `n` ranks with a sum at least as extreme. */
function exactP(doubled: readonly number[], n: number, observed: number): number {
  const total = doubled.reduce((sum, rank) => sum + rank, 0);
  // ways[k][s]: subsets of k ranks with sum s.
  const ways = Array.from({ length: n + 1 }, () => new Float64Array(total + 1));
  ways[0]![0] = 1;
  for (const rank of doubled) {
    for (let k = n; k >= 1; k--) {
      const [to, from] = [ways[k]!, ways[k - 1]!];
      for (let sum = total; sum >= rank; sum--) to[sum]! += from[sum - rank]!;
    }
  }
  let [all, below, above] = [0, 0, 0];
  for (let sum = 0; sum <= total; sum++) {
    const count = ways[n]![sum]!;
    all += count;
    if (sum <= observed) below += count;
    if (sum >= observed) above += count;
  }
  return Math.min(1, (2 * Math.min(below, above)) / all);
}

function normalP(n: number, m: number, u: number, ties: number): number {
  const all = n + m;
  const variance = ((n * m) / 12) * (all + 1 - ties / (all * (all - 1)));
  if (variance <= 0) return 1;
  const z = Math.max(0, Math.abs(u - (n * m) / 2) - 0.5) / Math.sqrt(variance);
  return Math.min(1, 2 * upperTail(z));
}

/** P(Z > z) of a standard normal for z >= 0, within 7.5e-8 (Abramowitz and Stegun 26.2.17). */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
}

/** p-values corrected for multiple tests, in order (Holm 1979). */
export function holm(ps: readonly number[]): number[] {
  const order = ps.map((_, index) => index).sort((i, j) => ps[i]! - ps[j]!);
  const adjusted = new Array<number>(ps.length);
  let largest = 0;
  for (const [rank, index] of order.entries()) {
    largest = Math.max(largest, Math.min(1, ps[index]! * (ps.length - rank)));
    adjusted[index] = largest;
  }
  return adjusted;
}

/** 95 % interval of the change of the median (percentile bootstrap, Efron 1979). @param stream of random numbers */
export function bootstrapChange(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  stream: string,
): { readonly low: number; readonly high: number } {
  const random = new Random(1, `bootstrap/${stream}`);
  const resampled = (samples: ArrayLike<number>): number =>
    median(Float64Array.from({ length: samples.length }, () => samples[random.below(samples.length)]!));
  const changes = Float64Array.from({ length: 2000 }, () => {
    const before = resampled(a);
    return resampled(b) - before;
  }).sort();
  return { low: percentile(changes, 2.5), high: percentile(changes, 97.5) };
}
