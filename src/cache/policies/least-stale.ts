import { type Clock, NONE, type Pins, policy } from '../policy.js';
import { Fifo } from './fifo.js';

class LeastStale extends Fifo {
  readonly #lastPass: Int32Array;
  readonly #clock: Clock;

  constructor(experts: number, clock: Clock) {
    super(experts);
    this.#lastPass = new Int32Array(experts);
    this.#clock = clock;
  }

  override touch(id: number): void {
    this.#lastPass[id] = this.#clock.pass;
  }

  override insert(id: number, used: boolean): void {
    this.#lastPass[id] = this.#clock.pass;
    super.insert(id, used);
  }

  override victim(_incoming: number, pins: Pins): number {
    const { list } = this;
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

/** SpecMD: stale experts first, then the running pass's, prefetched included, each in order of arrival. */
export const leastStale = policy({
  name: 'least-stale',
  summary: 'evicts the oldest expert that the running pass has not touched',
  cites: 'SpecMD, arXiv 2602.03921',
  create: ({ experts, clock }) => new LeastStale(experts, clock),
});
