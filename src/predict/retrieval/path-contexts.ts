import { NOWHERE, type PathRing } from './path-ring.js';

/** Longest context that counts, in token ids. */
export const LONGEST_CONTEXT = 8;

/** How many of the last token ids a followed token has in common with each kept path: the same words lead to the same experts. */
export class PathContexts {
  readonly #width: number;
  /** `[rows, width]`, `[slots, width]`: ids in common, at most {@link LONGEST_CONTEXT}, of each followed token and of each request's last token. */
  readonly #common: Uint8Array;
  readonly #carried: Uint8Array;

  /** @param width places of a row */
  constructor(rows: number, slots: number, width: number) {
    this.#width = width;
    this.#common = new Uint8Array(rows * width);
    this.#carried = new Uint8Array(slots * width);
  }

  /** Counts the ids that a token's context shares with that of each path. @param slot of its request; -1: unknown @param credits is increased */
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

  /** Keeps a row's common contexts as those of the last token of the request in `slot`. */
  carry(row: number, slot: number): void {
    const width = this.#width;
    this.#carried.set(this.#common.subarray(row * width, (row + 1) * width), slot * width);
  }

  /** Another path has come to a place: nothing is in common with it. */
  forget(place: number): void {
    const carried = this.#carried;
    for (let at = place; at < carried.length; at += this.#width) carried[at] = 0;
  }
}
