// CLOCK: FIFO with a second chance. A hand goes round the residents and spares those that were used since it last came by.
import { IdLists } from '../id-lists.js';
import { type CachePolicy, NONE, type Pins, type PolicyDefinition } from '../policy.js';

class Clock implements CachePolicy {
  readonly #ring: IdLists;
  /** Chances left; -1 for a prefetched expert whose first use is still to come. */
  readonly #chances: Int8Array;
  readonly #most: number;
  /** Oldest expert, the next that the hand examines; a newcomer stands right behind it. The sentinel is skipped. */
  #hand: number;
  #candidate = NONE;

  constructor(experts: number, most: number) {
    this.#ring = new IdLists(experts);
    this.#chances = new Int8Array(experts);
    this.#most = most;
    this.#hand = experts;
  }

  touch(id: number): void {
    // Without a branch: whether an expert has all its chances already is a coin toss.
    this.#chances[id] = Math.min(this.#chances[id]! + 1, this.#most);
  }

  insert(id: number, used: boolean): void {
    this.#chances[id] = used ? 0 : -1;
    this.#ring.insertNewer(this.#ring.older(this.#hand), id);
    if (this.#hand === this.#ring.end) this.#hand = id;
  }

  remove(id: number): void {
    if (id === this.#candidate) this.#turnTo(id);
    if (id === this.#hand) this.#hand = this.#next(id);
    this.#ring.unlink(id);
    if (id === this.#hand) this.#hand = this.#ring.end;
    this.#candidate = NONE;
  }

  /** The first unpinned expert after the hand with the fewest chances: the hand would pass all others more often. */
  victim(_incoming: number, pins: Pins): number {
    const { end } = this.#ring;
    const chances = this.#chances;
    let best = NONE;
    if (this.#hand !== end) {
      let id = this.#hand;
      do {
        if (best === NONE || chances[id]! < chances[best]!) {
          if (!pins.has(id)) {
            best = id;
            if (chances[id]! <= 0) break;
          }
        }
        id = this.#next(id);
      } while (id !== this.#hand);
    }
    return (this.#candidate = best);
  }

  /** Takes a chance from every expert that the hand passes on its way, in whole rounds and then up to `id`. */
  #turnTo(id: number): void {
    const chances = this.#chances;
    for (let rounds = chances[id]!; rounds > 0; rounds--) {
      let passed = this.#hand;
      do {
        if (chances[passed]! > 0) chances[passed]!--;
        passed = this.#next(passed);
      } while (passed !== this.#hand);
    }
    for (let passed = this.#hand; passed !== id; passed = this.#next(passed)) if (chances[passed]! > 0) chances[passed]!--;
    this.#hand = id;
  }

  #next(id: number): number {
    const list = this.#ring;
    const { end } = list;
    const next = list.newer(id);
    return next === end ? list.newer(end) : next;
  }
}

/** Corbato, "A paging experiment with the Multics system", 1968; with `bits` > 1 a counter of chances, as in FIFO-Reinsertion. */
export const clock: PolicyDefinition = {
  name: 'clock',
  summary: 'evicts the oldest expert that was not used since the hand last passed it',
  cites: 'Corbato, "A paging experiment with the Multics system", MIT Project MAC, 1968',
  parameters: { bits: { default: 1, description: 'bits of the counter of chances', min: 1, max: 6 } },
  needs: [],
  create: ({ experts }, { bits }) => new Clock(experts, 2 ** Math.floor(Number(bits)) - 1),
};
