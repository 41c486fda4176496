import { NONE, type PolicyContext } from './policy.js';

/** Most dummy slots of a group. */
export const MOST_DUMMIES = 64;
/** Parts of a miss that a layer carries to its next event. */
const PARTS = 65536;

/**
 * Share of misses for the CPU (llama.cpp, `--moe-cache-cpu-share`): the coldest of an event, as many as the share with
 * the carry.
 */
export class CpuShare {
  readonly #parts: number;
  readonly #carry: Float64Array;
  readonly #counts: Float32Array;
  /** By id, and by dummy slot: tokens with the expert, a bit each. */
  readonly #tokens: Int32Array;
  readonly #taken = new Int32Array(MOST_DUMMIES);

  /** @param counts decayed uses by id */
  constructor(share: number, { experts, layers }: PolicyContext, counts: Float32Array) {
    this.#parts = Math.round(share * PARTS);
    this.#carry = new Float64Array(layers);
    this.#counts = counts;
    this.#tokens = new Int32Array(experts);
  }

  /** Moves members for the CPU to the front of `missed`. @param tokens at most 32 @returns their number */
  of(layer: number, missed: Int32Array, misses: number, chosen: Int32Array, tokens: number, topK: number): number {
    const parts = this.#carry[layer]! + misses * this.#parts;
    const whole = Math.floor(parts / PARTS);
    this.#carry[layer] = parts - whole * PARTS;
    if (whole === 0) return 0;
    this.#sort(missed, misses);
    const masks = this.#tokens;
    for (let k = 0; k < misses; k++) masks[missed[k]!] = 0;
    for (let at = 0; at < tokens * topK; at++) if (chosen[at] !== NONE) masks[chosen[at]!]! |= 1 << ((at / topK) | 0);
    return this.#seat(missed, Math.min(misses, whole), Math.min(topK, MOST_DUMMIES));
  }

  /** Sorts members by count, ties by id. */
  #sort(missed: Int32Array, misses: number): void {
    const counts = this.#counts;
    for (let k = 1; k < misses; k++) {
      const id = missed[k]!;
      let at = k;
      for (; at > 0; at--) {
        const before = missed[at - 1]!;
        if (counts[before]! < counts[id]! || (counts[before] === counts[id] && before < id)) break;
        missed[at] = before;
      }
      missed[at] = id;
    }
  }

  /** A member without a dummy slot leaves the share. @returns members left */
  #seat(missed: Int32Array, count: number, dummies: number): number {
    const masks = this.#tokens;
    const taken = this.#taken.fill(0);
    let seated = count;
    for (let k = 0; k < seated; ) {
      const id = missed[k]!;
      let dummy = 0;
      while (dummy < dummies && (taken[dummy]! & masks[id]!) !== 0) dummy++;
      if (dummy < dummies) {
        taken[dummy]! |= masks[id]!;
        k++;
      } else {
        missed[k] = missed[--seated]!;
        missed[seated] = id;
      }
    }
    return seated;
  }
}
