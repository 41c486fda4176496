// Popularity of a given skew, and draws without replacement.

/** Maximum log-normal deviation. Ours. */
const MOST_SIGMA = 12;
/** Steps per range of deviations. Ours. */
const STEPS = 2 ** 40;
/** False-position steps before bisection. Ours. */
const MOST_LOOKS = 24;

/**
 * Log-normal inclusion probabilities by rank, with sum `choices`. @param widened factor of the deviation that has the
 * Gini coefficient
 */
export function inclusionByRank(experts: number, choices: number, gini: number, widened = 1): Float64Array {
  if (choices >= experts) return new Float64Array(experts).fill(1);
  const quantiles = Float64Array.from({ length: experts }, (_, rank) => normalQuantile(1 - (rank + 0.5) / experts));
  // Largest step with skew below the target, by false position (Illinois), because evaluations are costly.
  const sigma = (steps: number): number => (MOST_SIGMA * steps) / STEPS;
  let [low, high, below, above] = [0, STEPS, -gini, 1 - choices / experts - gini];
  for (let look = 0, last = 0; high - low > 1; look++) {
    const share = look < MOST_LOOKS ? below / (below - above) : 0.5;
    const steps = Math.min(Math.max(low + Math.round((high - low) * share), low + 1), high - 1);
    const excess = giniOfAscending(inclusionOf(quantiles, sigma(steps), choices).reverse()) - gini;
    if (excess < 0) [low, below, above] = [steps, excess, last < 0 ? above / 2 : above];
    else [high, above, below] = [steps, excess, last > 0 ? below / 2 : below];
    last = excess < 0 ? -1 : 1;
  }
  return inclusionOf(quantiles, widened * sigma(low), choices);
}

/**
 * Weights for draws without replacement with given inclusion: -log(1 - inclusion), at most .999 (6.9), which is ours.
 */
export const weightsFor = (inclusion: Float64Array): Float64Array =>
  inclusion.map((probability) => -Math.log(1 - Math.min(probability, 0.999)));

/** Gini coefficient of non-negative values: 0 if all are equal. */
export const giniOf = (values: ArrayLike<number>): number => giniOfAscending(Float64Array.from(values).sort());

function giniOfAscending(values: Float64Array): number {
  let sum = 0;
  let weighted = 0;
  for (let i = 0; i < values.length; i++) {
    sum += values[i]!;
    weighted += values[i]! * (2 * (i + 1) - values.length - 1);
  }
  return sum === 0 ? 0 : weighted / (values.length * sum);
}

/** 1 - exp(-scale * exp(sigma * quantile)) with sum `choices`; concave in the scale: Newton needs no bracket. */
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

/** Standard normal quantile, to 4.5e-4 (Abramowitz and Stegun 26.2.23). */
export function normalQuantile(probability: number): number {
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
    let sum = 0;
    for (const weight of weights) sum += weight;
    const keep = weights.map((weight) => (weight / sum) * n);
    const alias = new Uint16Array(n);
    const [small, large] = [new Uint16Array(n), new Uint16Array(n)];
    let [smalls, larges] = [0, 0];
    for (let i = 0; i < n; i++) {
      alias[i] = i;
      if (keep[i]! < 1) small[smalls++] = i;
      else large[larges++] = i;
    }
    while (smalls > 0 && larges > 0) {
      const under = small[--smalls]!;
      const over = large[larges - 1]!;
      alias[under] = over;
      keep[over]! -= 1 - keep[under]!;
      if (keep[over]! < 1) small[smalls++] = large[--larges]!;
    }
    this.#keep = keep;
    this.#alias = alias;
  }

  get size(): number {
    return this.#keep.length;
  }

  draw(uniform: number): number {
    const scaled = uniform * this.#keep.length;
    const column = Math.floor(scaled);
    return scaled - column < this.#keep[column]! ? column : this.#alias[column]!;
  }
}

/** Inverse of a cumulative distribution (guide table of Chen and Asau, 1974). */
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
