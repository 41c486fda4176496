// A popularity of a given skew, and tables to draw from it. A token's choices are drawn without replacement, which flattens the popularity;
// so weights are derived from the target inclusion probabilities.

/**
 * Inclusion probabilities by rank, most popular first, of log-normal popularity: they sum to `choices`, none exceeds 1. At equal Gini
 * the log-normal meets the head, the tail and the chance overlap of Qwen3-30B, gpt-oss-20b and small models better than Zipf or
 * exponential ranks do.
 */
export function inclusionByRank(experts: number, choices: number, gini: number): Float64Array {
  if (choices >= experts) return new Float64Array(experts).fill(1);
  const quantiles = Float64Array.from({ length: experts }, (_, rank) => normalQuantile(1 - (rank + 0.5) / experts));
  let low = 0;
  let high = 12;
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (giniOf(inclusionOf(quantiles, middle, choices)) < gini) low = middle;
    else high = middle;
  }
  return inclusionOf(quantiles, low, choices);
}

/**
 * Weights for which draws without replacement include each expert about as often as requested: -log(1 - inclusion). An inclusion of 1 would
 * weigh infinitely; the limit of 0.999 (a weight of 6.9) is ours.
 */
export function weightsFor(inclusion: Float64Array): Float64Array {
  return inclusion.map((probability) => -Math.log(1 - Math.min(probability, 0.999)));
}

/** Gini coefficient of non-negative values: 0 if all are equal. */
export function giniOf(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort();
  let sum = 0;
  let weighted = 0;
  sorted.forEach((value, i) => {
    sum += value;
    weighted += value * (2 * (i + 1) - sorted.length - 1);
  });
  return sum === 0 ? 0 : weighted / (sorted.length * sum);
}

/**
 * Inclusion 1 - exp(-scale * exp(sigma * quantile)), with the scale that makes it sum to `choices`. The sum is concave in the scale, so
 * Newton's steps from 0 approach it from below and need no bracket.
 */
function inclusionOf(quantiles: Float64Array, sigma: number, choices: number): Float64Array {
  const weights = quantiles.map((quantile) => Math.exp(sigma * quantile));
  const inclusion = new Float64Array(weights.length);
  let scale = 0;
  for (let step = 0; step < 200; step++) {
    let sum = 0;
    let slope = 0;
    for (let rank = 0; rank < weights.length; rank++) {
      const excluded = Math.exp(-scale * weights[rank]!);
      sum += inclusion[rank] = 1 - excluded;
      slope += weights[rank]! * excluded;
    }
    const missing = choices - sum;
    if (missing <= 1e-12 * choices || slope === 0) break;
    scale += missing / slope;
  }
  return inclusion;
}

/** Quantile of the standard normal distribution, to 4.5e-4 (Abramowitz and Stegun 26.2.23). */
function normalQuantile(probability: number): number {
  const tail = Math.min(probability, 1 - probability);
  const t = Math.sqrt(-2 * Math.log(tail));
  const value = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  return probability < 0.5 ? -value : value;
}

/** Draws from fixed weights in constant time (Walker's alias method). */
export class AliasTable {
  readonly #keep: Float64Array;
  readonly #alias: Uint16Array;

  constructor(weights: Float64Array) {
    const n = weights.length;
    const sum = weights.reduce((total, weight) => total + weight, 0);
    this.#keep = weights.map((weight) => (weight / sum) * n);
    this.#alias = Uint16Array.from(weights, (_, i) => i);
    const small: number[] = [];
    const large: number[] = [];
    this.#keep.forEach((share, i) => {
      (share < 1 ? small : large).push(i);
    });
    while (small.length > 0 && large.length > 0) {
      const under = small.pop()!;
      const over = large.at(-1)!;
      this.#alias[under] = over;
      this.#keep[over]! -= 1 - this.#keep[under]!;
      if (this.#keep[over]! < 1) small.push(large.pop()!);
    }
  }

  /** Number of indices. */
  get size(): number {
    return this.#keep.length;
  }

  /** Index for a uniform draw in [0, 1): its integer part picks the column, its fraction the side. */
  draw(uniform: number): number {
    const scaled = uniform * this.#keep.length;
    const column = Math.floor(scaled);
    return scaled - column < this.#keep[column]! ? column : this.#alias[column]!;
  }
}

/** Inverts a cumulative distribution: items lie on [0, 1) in order, each as wide as its share (guide table of Chen and Asau, 1974). */
export class GuideTable {
  readonly #ends: Float64Array;
  readonly #guide: Uint32Array;

  /** @param shares on any positive scale */
  constructor(shares: Float64Array) {
    const n = shares.length;
    const sum = shares.reduce((total, part) => total + part, 0);
    let at = 0;
    this.#ends = shares.map((part) => (at += part / sum));
    this.#ends[n - 1] = 1;
    this.#guide = new Uint32Array(n);
    for (let cell = 0, i = 0; cell < n; cell++) {
      while (this.#ends[i]! <= cell / n) i++;
      this.#guide[cell] = i;
    }
  }

  /** Index of the item at `point` in [0, 1). */
  at(point: number): number {
    let i = this.#guide[Math.floor(point * this.#guide.length)]!;
    while (this.#ends[i]! <= point) i++;
    return i;
  }
}
