import { NONE, type Pins } from './policy.js';

/** Set of ids [0, experts), for policies that draw at random or rank anew at every tick. */
export class ResidentSet {
  /** Members, unordered, the first `count` entries. */
  readonly ids: Int32Array;
  count = 0;
  readonly #place: Int32Array;

  constructor(experts: number) {
    this.ids = new Int32Array(experts);
    this.#place = new Int32Array(experts);
  }

  insert(id: number, _used: boolean): void {
    this.#place[id] = this.count;
    this.ids[this.count++] = id;
  }

  remove(id: number): void {
    const last = this.ids[--this.count]!;
    const place = this.#place[id]!;
    this.ids[place] = last;
    this.#place[last] = place;
  }

  /**
   * Unpinned member with the smallest score (ties: smallest id), or NONE. Above `least`, the smallest so far, a score
   * may be any larger number.
   */
  lowest(pins: Pins, score: (id: number, least: number) => number): number {
    let best = NONE;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.count; i++) {
      const id = this.ids[i]!;
      if (pins.has(id)) continue;
      const value = score(id, least);
      if (value < least || (value === least && id < best) || best === NONE) {
        least = value;
        best = id;
      }
    }
    return best;
  }
}
