import { NOWHERE, type PathRing } from './path-ring.js';

/** Longest compared context, token ids. Ours. */
export const LONGEST_CONTEXT = 8;

/** Last token ids shared with each kept path: equal words lead to equal experts. */
export class PathContexts {
  readonly #width: number;
  /**
   * `[rows, width]` of followed tokens, `[slots, width]` of requests' last tokens; at most {@link LONGEST_CONTEXT}.
   */
  readonly #common: Uint8Array;
  readonly #carried: Uint8Array;

  constructor(rows: number, slots: number, width: number) {
    this.#width = width;
    this.#common = new Uint8Array(rows * width);
    this.#carried = new Uint8Array(slots * width);
  }

  /** Counts ids shared with each path. @param slot -1: unknown @param credits increased by `credit` of the count */
  compare(id: number, row: number, slot: number, ring: PathRing, credits: Int16Array, from: number, credit: Uint16Array): void {
    const width = this.#width;
    const { count, previous, tokenIds } = ring;
    for (let place = 0; place < count; place++) {
      let common = 0;
      if (tokenIds[place] === id) {
        const last = previous[place]!;
        common = slot < 0 || last === NOWHERE ? 1 : Math.min(LONGEST_CONTEXT, 1 + this.#carried[slot * width + last]!);
        credits[from + place]! += credit[common]!;
      }
      this.#common[row * width + place] = common;
    }
  }

  /** Keeps a row's counts as the last token's of `slot`. */
  carry(row: number, slot: number): void {
    const width = this.#width;
    this.#carried.set(this.#common.subarray(row * width, (row + 1) * width), slot * width);
  }

  /** Clears a place taken by another path. */
  forget(place: number): void {
    const carried = this.#carried;
    for (let at = place; at < carried.length; at += this.#width) carried[at] = 0;
  }
}
