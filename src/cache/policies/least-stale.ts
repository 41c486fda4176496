// Least-Stale: experts that the running pass has not touched are stale and go first; those of the running pass only when none is left.
import { IdLists } from '../id-lists.js';
import { type CachePolicy, type Clock, NONE, type Pins, type PolicyDefinition } from '../policy.js';

class LeastStale implements CachePolicy {
  /** In order of arrival. */
  readonly #list: IdLists;
  /** Pass of each expert's last use or arrival. */
  readonly #lastPass: Int32Array;
  readonly #clock: Clock;

  constructor(experts: number, clock: Clock) {
    this.#list = new IdLists(experts);
    this.#lastPass = new Int32Array(experts);
    this.#clock = clock;
  }

  touch(id: number): void {
    this.#lastPass[id] = this.#clock.pass;
  }

  insert(id: number): void {
    this.#lastPass[id] = this.#clock.pass;
    this.#list.pushFront(this.#list.end, id);
  }

  remove(id: number): void {
    this.#list.unlink(id);
  }

  victim(_incoming: number, pins: Pins): number {
    const list = this.#list;
    const { end } = list;
    const { pass } = this.#clock;
    let current = NONE;
    for (let id = list.newer(end); id !== end; id = list.newer(id)) {
      if (pins.has(id)) continue;
      if (this.#lastPass[id]! < pass) return id;
      if (current === NONE) current = id;
    }
    return current;
  }
}

/**
 * SpecMD (arXiv 2602.03921): stale experts first, then current ones, each in order of arrival. An expert prefetched in the running
 * pass is current. No parameters.
 */
export const leastStale: PolicyDefinition = {
  name: 'least-stale',
  summary: 'evicts the oldest expert that the running pass has not touched',
  cites: 'SpecMD, arXiv 2602.03921',
  create: ({ experts, clock }) => new LeastStale(experts, clock),
};
