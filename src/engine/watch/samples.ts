// Recorded samples, for percentiles.
import { grown } from '../../base/grown.js';

/** A growing list of numbers, 8 bytes each: percentiles stay exact. */
export class Samples {
  #values: Float64Array = new Float64Array(256);
  #count = 0;

  /** Appends one value. */
  add(value: number): void {
    if (this.#count === this.#values.length) this.#values = grown(this.#values);
    this.#values[this.#count++] = value;
  }

  /** The values so far, in order of arrival; a view, not a copy. */
  values(): Float64Array {
    return this.#values.subarray(0, this.#count);
  }
}
