import { member } from '../../base/members.js';
import { NONE, type Pins, type PolicyDefinition } from '../policy.js';
import { Fifo } from './fifo.js';

class Sieve extends Fifo {
  /** 1 if used since the hand last passed; -1 for a prefetched expert whose first use is still to come. */
  readonly #visited: Int8Array;
  /** Expert at the hand; the sentinel: start from the oldest. */
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

  /** Moves the hand to the first expert that was not used since it last passed, and takes the marks off those before, pinned ones excepted. */
  override victim(_incoming: number, pins: Pins): number {
    const { end } = this.list;
    const visited = this.#visited;
    let id = this.#hand;
    let pinned = 0;
    // A whole round of pinned experts, and there is none to evict.
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

/** SIEVE (Zhang et al., NSDI 2024): like CLOCK, but newcomers enter at the head, so that the hand sifts out one-hit wonders quickly. */
export const sieve: PolicyDefinition = { ...member('policy', 'sieve'), create: ({ experts }) => new Sieve(experts) };
