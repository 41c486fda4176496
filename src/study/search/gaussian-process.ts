import type { Encoding } from './encoding.js';

/** An observed figure of a cell, and its variance. */
export interface Observation {
  readonly cell: number;
  readonly value: number;
  readonly noise: number;
}

/** Posterior of a cell, in units of figures. */
export interface Posterior {
  readonly mean: number;
  readonly sd: number;
}

/** Least and largest weight of an axis; at weight 1 the correlation across the axis falls to 1/e. Ours. */
const WEIGHTS = [0.005, 8] as const;
/** Initial weight of an axis; ours. */
const FIRST_WEIGHT = 0.3;
/** Prior of weights around {@link FIRST_WEIGHT}: standard deviation of the logarithm; ours. */
const WEIGHT_SPREAD = 1.5;
/** Added to every variance, so that equal cells do not make the equations singular; ours. */
const JITTER = 1e-5;

/** Gaussian process over finished cells, with a fitted weight per axis (Rasmussen and Williams, 2006, 2 and 5). */
export class GaussianProcess {
  readonly #encoding: Encoding;
  readonly #cells: number[] = [];
  readonly #noise: number[] = [];
  #mean = 0;
  #scale = 1;
  /** Centred figures over {@link #scale}. */
  #values: number[] = [];
  /** By axis. */
  #weights: number[];
  /** Cholesky factor L of the covariance, and L^-1 y for figures y. */
  #factor: Float64Array[] = [];
  #solved: number[] = [];
  #variance = 1;

  constructor(encoding: Encoding) {
    this.#encoding = encoding;
    this.#weights = encoding.axes.map(() => FIRST_WEIGHT);
  }

  /** Replaces observations, and refits weights. */
  observe(all: readonly Observation[], sweeps: number): void {
    const values = all.map(({ value }) => value);
    this.#mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    this.#scale = Math.sqrt(values.reduce((sum, value) => sum + (value - this.#mean) ** 2, 0) / values.length) || 1;
    this.#cells.splice(0, this.#cells.length, ...all.map(({ cell }) => cell));
    this.#noise.splice(0, this.#noise.length, ...all.map(({ noise }) => noise / this.#scale ** 2));
    this.#values = values.map((value) => (value - this.#mean) / this.#scale);
    let best = this.#factorise();
    let step = 4;
    for (let sweep = 0; sweep < sweeps; sweep++, step = Math.sqrt(step)) {
      for (let axis = 0; axis < this.#weights.length; axis++) {
        const before = this.#weights[axis]!;
        for (const factor of [step, 1 / step]) {
          this.#weights[axis] = Math.min(WEIGHTS[1], Math.max(WEIGHTS[0], before * factor));
          const cost = this.#factorise();
          if (cost < best) {
            best = cost;
            break;
          }
          this.#weights[axis] = before;
        }
      }
    }
    this.#factorise();
  }

  posteriors(cells: readonly number[]): Posterior[] {
    const row = new Float64Array(this.#cells.length);
    return cells.map((cell) => {
      this.#solve(cell, row);
      let mean = 0;
      let known = 0;
      for (let i = 0; i < row.length; i++) {
        mean += row[i]! * this.#solved[i]!;
        known += row[i]! * row[i]!;
      }
      const variance = this.#variance * Math.max(JITTER, 1 - known);
      return { mean: this.#mean + this.#scale * mean, sd: this.#scale * Math.sqrt(variance) };
    });
  }

  /** Counts a cell as observed at its mean, to spread a batch (kriging believer). */
  imagine(cell: number): void {
    const n = this.#cells.length;
    const row = new Float64Array(n);
    this.#solve(cell, row);
    const known = row.reduce((sum, value) => sum + value * value, 0);
    this.#factor.push(Float64Array.from([...row, Math.sqrt(Math.max(JITTER, 1 + JITTER - known))]));
    this.#solved.push(0);
    this.#cells.push(cell);
  }

  /** Leave-one-out predictions of observed cells, in order (Rasmussen and Williams, equation 5.12). */
  leaveOneOut(): Posterior[] {
    const n = this.#cells.length;
    const inverse: Float64Array[] = [];
    for (let i = 0; i < n; i++) {
      const row = new Float64Array(n);
      const factor = this.#factor[i]!;
      for (let j = 0; j <= i; j++) {
        let sum = i === j ? 1 : 0;
        for (let k = j; k < i; k++) sum -= factor[k]! * inverse[k]![j]!;
        row[j] = sum / factor[i]!;
      }
      inverse.push(row);
    }
    return this.#values.map((value, j) => {
      let precision = 0;
      let weighed = 0;
      for (let i = j; i < n; i++) {
        precision += inverse[i]![j]! ** 2;
        weighed += inverse[i]![j]! * this.#solved[i]!;
      }
      const mean = value - weighed / precision;
      return { mean: this.#mean + this.#scale * mean, sd: this.#scale * Math.sqrt(this.#variance / precision) };
    });
  }

  /**
   * Cholesky of the covariance. @returns negative log likelihood with variance profiled out, plus the weights' prior
   */
  #factorise(): number {
    const n = this.#cells.length;
    this.#factor = [];
    this.#solved = [];
    let logs = 0;
    let squares = 0;
    for (let i = 0; i < n; i++) {
      const row = new Float64Array(i + 1);
      for (let j = 0; j <= i; j++) {
        let sum = i === j ? 1 + JITTER + this.#noise[i]! : this.#correlation(this.#cells[i]!, this.#cells[j]!);
        const other = i === j ? row : this.#factor[j]!;
        for (let k = 0; k < j; k++) sum -= row[k]! * other[k]!;
        row[j] = i === j ? Math.sqrt(Math.max(sum, JITTER)) : sum / other[j]!;
      }
      let value = this.#values[i]!;
      for (let k = 0; k < i; k++) value -= row[k]! * this.#solved[k]!;
      this.#factor.push(row);
      this.#solved.push(value / row[i]!);
      logs += Math.log(row[i]!);
      squares += this.#solved[i]! ** 2;
    }
    this.#variance = Math.max(squares / n, 1e-6);
    const prior = this.#weights.reduce((sum, weight) => sum + (Math.log(weight / FIRST_WEIGHT) / WEIGHT_SPREAD) ** 2 / 2, 0);
    return (n / 2) * Math.log(this.#variance) + logs + prior;
  }

  /** Writes L^-1 k to `row`, with k the correlations of a cell to observed cells. */
  #solve(cell: number, row: Float64Array): void {
    for (let i = 0; i < row.length; i++) {
      const factor = this.#factor[i]!;
      let sum = this.#correlation(cell, this.#cells[i]!);
      for (let k = 0; k < i; k++) sum -= factor[k]! * row[k]!;
      row[i] = sum / factor[i]!;
    }
  }

  #correlation(a: number, b: number): number {
    const { axes, codes } = this.#encoding;
    let sum = 0;
    for (let axis = 0; axis < axes.length; axis++) {
      const { distance, values } = axes[axis]!;
      const code = codes[axis]!;
      sum += this.#weights[axis]! * distance[code[a]! * values.length + code[b]!]!;
    }
    return Math.exp(-sum);
  }
}
