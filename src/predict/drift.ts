// Detects a change of the routing: a Page-Hinkley test on the loss of predictions. It sums the excess over the mean loss beyond a tolerance, and
// reports drift when the sum has risen too far above its minimum.

// All three are ours; test/predict/parts.test.ts tests their effect.

/** Tolerated excess over the mean, in units of surprise (0 to 1). */
const TOLERANCE = 0.02;
/** Accumulated excess that counts as drift: fifty observations that are 0.1 worse than the mean, or twenty that are 0.22 worse. */
const THRESHOLD = 4;
/** Observations before anything is judged. */
const WARM_UP = 128;

/** Page, "Continuous inspection schemes", Biometrika 41, 1954; Hinkley, Biometrika 58, 1971. */
export class DriftDetector {
  #count = 0;
  #mean = 0;
  #sum = 0;
  #lowest = 0;

  /**
   * Takes one observation.
   * @param surprise how badly a token was predicted, 0 (perfectly) to 1
   * @returns true where it shows a drift; the test then starts over
   */
  observe(surprise: number): boolean {
    this.#count++;
    this.#mean += (surprise - this.#mean) / this.#count;
    if (this.#count < WARM_UP) return false;
    this.#sum += surprise - this.#mean - TOLERANCE;
    if (this.#sum < this.#lowest) this.#lowest = this.#sum;
    if (this.#sum - this.#lowest < THRESHOLD) return false;
    this.#count = 0;
    this.#mean = 0;
    this.#sum = 0;
    this.#lowest = 0;
    return true;
  }
}
