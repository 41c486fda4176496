import type { Clock } from './policy.js';

/** Factor against overflow: 2^512 of a double's 2^1023. */
export const RESCALE = 2 ** -512;

/** Counts of uses that fade by pass. New uses weigh more instead, so the order changes only at a use. */
export class DecayedCounts {
  /** Sum over uses of 2^(pass / halfLife), in units of {@link unit}. */
  readonly weight: Float64Array;
  unit = 1;
  readonly #clock: Clock;
  readonly #growth: number;
  #pass = 0;

  /** @param halfLife passes after which a use counts half */
  constructor(experts: number, halfLife: number, clock: Clock) {
    this.weight = new Float64Array(experts);
    this.#clock = clock;
    this.#growth = 2 ** (1 / halfLife);
  }

  /** @returns true if all weights were multiplied by {@link RESCALE} */
  settle(): boolean {
    let rescaled = false;
    for (; this.#pass < this.#clock.pass; this.#pass++) {
      this.unit *= this.#growth;
      if (this.unit <= 1 / RESCALE) continue;
      this.unit *= RESCALE;
      for (let id = 0; id < this.weight.length; id++) this.weight[id]! *= RESCALE;
      rescaled = true;
    }
    return rescaled;
  }

  /** Counts a use of `id`, after {@link settle}. */
  add(id: number): void {
    this.weight[id]! += this.unit;
  }
}
