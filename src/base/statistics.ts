/** Sum in order; 0 without samples. */
export function sum(samples: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < samples.length; i++) total += samples[i]!;
  return total;
}

/** Infinities without samples. A call takes only some 100,000 arguments. */
export function extentOf(samples: Iterable<number>): readonly [least: number, most: number] {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (const sample of samples) {
    least = Math.min(least, sample);
    most = Math.max(most, sample);
  }
  return [least, most];
}

/** Arithmetic mean, summed in order. @throws RangeError without samples */
export function mean(samples: ArrayLike<number>): number {
  requireSamples(samples);
  return sum(samples) / samples.length;
}

/** Means of some fields of records. @throws RangeError without records */
export const meansOf = <K extends string>(records: readonly Readonly<Record<K, number>>[], fields: readonly K[]): Record<K, number> =>
  Object.fromEntries(fields.map((field) => [field, mean(records.map((record) => record[field]))])) as Record<K, number>;

/** Mean of present samples; null without any. */
export function meanOfPresent(samples: readonly (number | null)[]): number | null {
  const present = samples.filter((sample) => sample !== null);
  return present.length === 0 ? null : mean(present);
}

/** Sample standard deviation, with n - 1; 0 for fewer than two samples. */
export function deviation(samples: ArrayLike<number>): number {
  if (samples.length < 2) return 0;
  const centre = mean(samples);
  return Math.sqrt(sum(Float64Array.from(samples, (value) => (value - centre) ** 2)) / (samples.length - 1));
}

/** Percentile, 0..100, of ascending samples, linear between ranks (Hyndman and Fan 7). @throws RangeError */
export function percentile(sorted: ArrayLike<number>, percent: number): number {
  requireSamples(sorted);
  if (!(percent >= 0 && percent <= 100)) throw new RangeError(`percentile ${percent} is not in 0..100`);
  const rank = (percent / 100) * (sorted.length - 1);
  const below = Math.floor(rank);
  const low = sorted[below]!;
  // Avoids infinity x 0.
  if (rank === below) return low;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (rank - below);
}

/** Value with a weight. */
export interface Vote {
  readonly value: number;
  readonly weight: number;
}

/** n items with the same `vote` count 1/n each. */
export function sharedVotes<T extends { readonly vote: string }>(items: readonly T[], value: (item: T) => number): Vote[] {
  const counts = new Map<string, number>();
  for (const { vote } of items) counts.set(vote, (counts.get(vote) ?? 0) + 1);
  return items.map((item) => ({ value: value(item), weight: 1 / counts.get(item.vote)! }));
}

/** Weighted mean. @throws RangeError without votes */
export const votedMean = (votes: readonly Vote[]): number =>
  mean(votes.map(({ value, weight }) => value * weight)) / mean(votes.map(({ weight }) => weight));

/**
 * Percentile of weighted values in any order: a value's rank is the share of other votes below. Equal weights give
 * {@link percentile}. @throws RangeError without values
 * @param newcomer true: of a further value, as in Hyndman and Fan's definition 6
 */
export function votedPercentile(votes: readonly Vote[], percent: number, newcomer = false): number {
  const total = mean(votes.map(({ weight }) => weight)) * votes.length;
  let below = 0;
  let [lastAt, last] = [Number.NaN, Number.NaN];
  for (const { value, weight } of [...votes].sort((a, b) => a.value - b.value)) {
    const at = newcomer ? (below + weight) / (total + weight) : weight < total ? below / (total - weight) : 0;
    const left = at - percent / 100;
    // Tolerance for rounding of vote shares.
    if (left >= -1e-12) return below === 0 || left <= 1e-12 ? value : value - ((value - last) * left) / (at - lastAt);
    [lastAt, last] = [at, value];
    below += weight;
  }
  return last;
}

/** Mean and percentiles of latencies in any order. @throws RangeError without samples */
export function summarize(samples: Float64Array): Readonly<Record<'mean' | 'p50' | 'p95' | 'p99', number>> {
  const sorted = Float64Array.from(samples).sort();
  return { mean: mean(samples), p50: percentile(sorted, 50), p95: percentile(sorted, 95), p99: percentile(sorted, 99) };
}

function requireSamples(samples: ArrayLike<number>): void {
  if (samples.length === 0) throw new RangeError('no samples: a statistic of nothing must be absent, not a number');
}
