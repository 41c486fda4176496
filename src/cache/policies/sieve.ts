import { NONE, type Pins, policy } from '../policy.js';
import { Fifo } from './fifo.js';

class Sieve extends Fifo {
  /** 1: used since the hand last passed; -1: prefetched, not yet used. */
  readonly #visited: Int8Array;
  #hand: number;
  #count = 0;

  constructor(experts: number) {
    super(experts);
    this.#visited = new Int8Array(experts);
    this.#hand = experts;
  }

  override touch(id: number): void {
    this.#visited[id] = Math.min(this.#visited[id]! + 1, 1);
  }

  override insert(id: number, used: boolean): void {
    this.#visited[id] = used ? 0 : -1;
    this.#count++;
    super.insert(id, used);
  }

  override remove(id: number): void {
    if (id === this.#hand) this.#hand = this.list.newer(id);
    super.remove(id);
    this.#count--;
  }

  /** The first unmarked expert; marks on the way are cleared. */
  override victim(_incoming: number, pins: Pins): number {
    const { end } = this.list;
    const visited = this.#visited;
    let id = this.#hand;
    let pinned = 0;
    while (pinned < this.#count) {
      if (id === end) id = this.list.newer(end);
      if (pins.has(id)) pinned++;
      else if (visited[id]! <= 0) return (this.#hand = id);
      else {
        visited[id] = 0;
        pinned = 0;
      }
      id = this.list.newer(id);
    }
    return NONE;
  }
}

/** SIEVE: like CLOCK, but newcomers enter at the head, so that experts used once leave quickly. */
export const sieve = policy({
  name: 'sieve',
  summary: 'sweeps from the oldest to the newest and evicts the first that was not used since the last sweep',
  cites: 'Zhang et al., "SIEVE is simpler than LRU", NSDI 2024',
  create: ({ experts }) => new Sieve(experts),
});
