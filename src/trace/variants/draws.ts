/** Random numbers by place (token, layer), so rows of a variant can be read in any order. */
export class PlaceDraws {
  readonly #seed: number;
  #state = 0;

  /** @param stream name, separates the draws of variants in a run */
  constructor(seed: number, stream: string) {
    let state = mix(seed | 0);
    for (let i = 0; i < stream.length; i++) state = mix(state ^ stream.charCodeAt(i));
    this.#seed = state;
  }

  at(item: number, layer: number): void {
    this.#state = mix(mix(this.#seed ^ (item | 0)) + layer);
  }

  /** Uniform in [0, 1), 32 bits. */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    return (mix(this.#state) >>> 0) / 4294967296;
  }

  /** Writes a random set of `count` numbers below `n` to `ids` from `at`, unordered (Floyd; Bentley, CACM 1987). */
  subset(count: number, n: number, ids: Uint16Array, at: number): void {
    let drawn = 0;
    for (let last = n - count; last < n; last++) {
      const id = Math.floor(this.next() * (last + 1));
      let taken = false;
      for (let i = 0; i < drawn; i++) if (ids[at + i] === id) taken = true;
      ids[at + drawn++] = taken ? last : id;
    }
  }
}

/** Mixes all bits (finalizer of MurmurHash3). */
export function mix(value: number): number {
  let z = value ^ (value >>> 16);
  z = Math.imul(z, 0x85ebca6b);
  z ^= z >>> 13;
  z = Math.imul(z, 0xc2b2ae35);
  return z ^ (z >>> 16);
}
