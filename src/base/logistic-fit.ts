// Constants are ours: half and twice the value change the recall of `ensemble` by at most 0.18 points on the four
// traces of predict/evidence.ts.

/** Pull towards the initial weights, in batches' worth of curvature. */
const RIDGE = 4;
/** Share of old curvature kept per batch. */
const FADING = 0.9985;
/** Largest change of a weight per step. */
const STEP_LIMIT = 0.2;

/**
 * Logistic regression, P(y = 1) = sigmoid(weights . features), by Newton steps on small batches with fading curvature.
 */
export class LogisticFit {
  readonly weights: Float64Array;
  steps = 0;
  readonly #size: number;
  /** Curvature, `[size, size]`, symmetric; then a copy to factorise. */
  readonly #curvature: Float64Array;
  readonly #factor: Float64Array;
  readonly #gradient: Float64Array;
  /** By sample: residual; then its variance. */
  #error = new Float64Array(0);
  #spread = new Float64Array(0);

  constructor(initial: readonly number[]) {
    this.weights = Float64Array.from(initial);
    this.#size = initial.length;
    this.#curvature = new Float64Array(this.#size ** 2);
    for (let i = 0; i < this.#size; i++) this.#curvature[i * this.#size + i] = RIDGE;
    this.#factor = new Float64Array(this.#size ** 2);
    this.#gradient = new Float64Array(this.#size);
  }

  /**
   * Fits `rows` samples. @param columns `[size][rows]` @param labels 0, 1, or a share @returns squared errors before
   */
  step(columns: readonly Float64Array[], labels: Uint8Array | Float64Array, rows: number): number {
    this.steps++;
    const size = this.#size;
    const { weights } = this;
    const gradient = this.#gradient;
    const curvature = this.#curvature;
    for (let i = 0; i < curvature.length; i++) curvature[i]! *= FADING;
    const squares = this.#judge(columns, labels, rows);
    const error = this.#error;
    const spread = this.#spread;
    for (let i = 0; i < size; i++) {
      const column = columns[i]!;
      let slope = 0;
      for (let row = 0; row < rows; row++) slope += error[row]! * column[row]!;
      gradient[i] = slope;
      for (let j = 0; j <= i; j++) {
        const other = columns[j]!;
        let sum = curvature[i * size + j]!;
        for (let row = 0; row < rows; row++) sum += spread[row]! * column[row]! * other[row]!;
        curvature[i * size + j] = sum;
      }
    }
    this.#solve(gradient);
    for (let i = 0; i < size; i++) weights[i]! += Math.max(-STEP_LIMIT, Math.min(STEP_LIMIT, gradient[i]!));
    return squares;
  }

  /** Column by column: a sum in a register is several times faster than in memory. */
  #judge(columns: readonly Float64Array[], labels: Uint8Array | Float64Array, rows: number): number {
    if (rows > this.#error.length) {
      this.#error = new Float64Array(rows);
      this.#spread = new Float64Array(rows);
    }
    const { weights } = this;
    const error = this.#error;
    const spread = this.#spread;
    const logits = spread.fill(0, 0, rows);
    for (let i = 0; i < this.#size; i++) {
      const weight = weights[i]!;
      const column = columns[i]!;
      for (let row = 0; row < rows; row++) logits[row]! += weight * column[row]!;
    }
    let squares = 0;
    for (let row = 0; row < rows; row++) {
      const p = 1 / (1 + Math.exp(-logits[row]!));
      error[row] = labels[row]! - p;
      spread[row] = p * (1 - p);
      squares += error[row]! * error[row]!;
    }
    return squares;
  }

  /**
   * Solves curvature. x = b by Cholesky's factorisation, overwriting b. A diagonal term guards against dead features.
   */
  #solve(b: Float64Array): void {
    const size = this.#size;
    const factor = this.#factor;
    factor.set(this.#curvature);
    for (let i = 0; i < size; i++) {
      factor[i * size + i]! += 0.01;
      for (let j = 0; j <= i; j++) {
        let sum = factor[i * size + j]!;
        for (let k = 0; k < j; k++) sum -= factor[i * size + k]! * factor[j * size + k]!;
        factor[i * size + j] = i === j ? Math.sqrt(sum) : sum / factor[j * size + j]!;
      }
    }
    for (let i = 0; i < size; i++) {
      let sum = b[i]!;
      for (let k = 0; k < i; k++) sum -= factor[i * size + k]! * b[k]!;
      b[i] = sum / factor[i * size + i]!;
    }
    for (let i = size - 1; i >= 0; i--) {
      let sum = b[i]!;
      for (let k = i + 1; k < size; k++) sum -= factor[k * size + i]! * b[k]!;
      b[i] = sum / factor[i * size + i]!;
    }
  }
}
