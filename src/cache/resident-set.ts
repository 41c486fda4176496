import { NONE, type Pins } from './policy.js';

/** A set of ids [0, experts) to walk and index: residents of policies that draw at random or whose ranking changes with every tick. */
export class ResidentSet {
  /** Members, the first `count` entries, in no particular order. */
  readonly ids: Int32Array;
  count = 0;
  readonly #place: Int32Array;

  constructor(experts: number) {
    this.ids = new Int32Array(experts);
    this.#place = new Int32Array(experts);
  }

  /** Adds `id`, which is not a member. */
  insert(id: number, _used: boolean): void {
    this.#place[id] = this.count;
    this.ids[this.count++] = id;
  }

  /** Takes member `id` out; the last member moves into its place. */
  remove(id: number): void {
    const last = this.ids[--this.count]!;
    const place = this.#place[id]!;
    this.ids[place] = last;
    this.#place[last] = place;
  }

  /** The unpinned member with the smallest score (ties: the smallest id), or NONE. A score above `least`, the smallest so far, may be any above. */
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
