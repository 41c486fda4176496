// A tournament over expert ids: the resident with the smallest key is at the root. Experts that are used often are seldom about to
// be evicted, so most updates stop after a match or two; a binary heap would sift and keep a second array of positions.
import { NONE, type Pins } from './policy.js';

/** Finds the smallest (key, tie, id) among the ids that are present. */
export class WinnerTree {
  /** Key of each id; Infinity = absent. Present keys are finite. */
  readonly key: Float64Array;
  /** Second key, compared where keys are equal. */
  readonly tie: Float64Array;
  /** Winner of each match, by node; node n plays the winners of 2n and 2n + 1, leaf `size + id` is id itself. */
  readonly #winner: Int32Array;
  readonly #size: number;
  readonly #hidden: Int32Array;
  readonly #hiddenKey: Float64Array;

  /** @param experts ids are [0, experts) */
  constructor(experts: number) {
    let size = 2;
    while (size < experts) size *= 2;
    this.#size = size;
    this.key = new Float64Array(size).fill(Number.POSITIVE_INFINITY);
    this.tie = new Float64Array(size);
    this.#winner = new Int32Array(2 * size);
    for (let id = 0; id < size; id++) this.#winner[size + id] = id;
    for (let node = size - 1; node > 0; node--) this.#winner[node] = this.#winner[2 * node]!;
    this.#hidden = new Int32Array(experts);
    this.#hiddenKey = new Float64Array(experts);
  }

  /** Makes `id` present with this key, or changes its key. */
  set(id: number, key: number, tie = 0): void {
    this.key[id] = key;
    this.tie[id] = tie;
    this.#replay(id);
  }

  /** Makes `id` absent. */
  delete(id: number): void {
    this.key[id] = Number.POSITIVE_INFINITY;
    this.#replay(id);
  }

  /** The present id with the smallest (key, tie, id) that is not pinned, or NONE. */
  min(pins: Pins): number {
    const id = this.#winner[1]!;
    if (this.key[id] === Number.POSITIVE_INFINITY) return NONE;
    return pins.has(id) ? this.#minBehind(pins) : id;
  }

  /** Sends pinned winners off the field until one is free, then brings them back. */
  #minBehind(pins: Pins): number {
    const { key } = this;
    let hidden = 0;
    let id = this.#winner[1]!;
    while (key[id] !== Number.POSITIVE_INFINITY && pins.has(id)) {
      this.#hidden[hidden] = id;
      this.#hiddenKey[hidden++] = key[id]!;
      this.delete(id);
      id = this.#winner[1]!;
    }
    const found = key[id] === Number.POSITIVE_INFINITY ? NONE : id;
    while (hidden-- > 0) {
      key[this.#hidden[hidden]!] = this.#hiddenKey[hidden]!;
      this.#replay(this.#hidden[hidden]!);
    }
    return found;
  }

  /** Plays the matches of `id` again, bottom up, until one has the same winner as before and that winner is another id. */
  #replay(id: number): void {
    const { key, tie } = this;
    const winner = this.#winner;
    for (let node = (this.#size + id) >> 1; node > 0; node >>= 1) {
      const left = winner[2 * node]!;
      const right = winner[2 * node + 1]!;
      const a = key[left]!;
      const b = key[right]!;
      const won = b < a || (b === a && tie[right]! < tie[left]!) ? right : left;
      if (won !== id && winner[node] === won) return;
      winner[node] = won;
    }
  }
}
