// SIEVE: like CLOCK, but newcomers enter at the head and not behind the hand, so that the hand sifts out one-hit wonders quickly.
import { IdLists } from '../id-lists.js';
import { type CachePolicy, NONE, type Pins, type PolicyDefinition } from '../policy.js';

class Sieve implements CachePolicy {
  readonly #list: IdLists;
  /** 1 where used since the hand last passed; -1 for a prefetched expert whose first use is still to come. */
  readonly #visited: Int8Array;
  /** Expert that the hand stands at; the sentinel: start from the oldest. */
  #hand: number;
  #candidate = NONE;

  constructor(experts: number) {
    this.#list = new IdLists(experts);
    this.#visited = new Int8Array(experts);
    this.#hand = experts;
  }

  touch(id: number): void {
    this.#visited[id] = this.#visited[id]! < 0 ? 0 : 1;
  }

  insert(id: number, used: boolean): void {
    this.#visited[id] = used ? 0 : -1;
    this.#list.pushFront(this.#list.end, id);
  }

  remove(id: number): void {
    if (id === this.#candidate) this.#sweepTo(id);
    if (id === this.#hand) this.#hand = this.#list.newer(id);
    this.#list.unlink(id);
    this.#candidate = NONE;
  }

  /** The first unpinned expert from the hand on that was not visited; where all were, the first one at all. */
  victim(_incoming: number, pins: Pins): number {
    const { end } = this.#list;
    const start = this.#start();
    let first = NONE;
    if (start !== end) {
      let id = start;
      do {
        if (!pins.has(id)) {
          if (this.#visited[id]! <= 0) return (this.#candidate = id);
          if (first === NONE) first = id;
        }
        id = this.#next(id);
      } while (id !== start);
    }
    return (this.#candidate = first);
  }

  /** Clears the marks that the hand passes; the whole round first where `id` itself is marked. */
  #sweepTo(id: number): void {
    const visited = this.#visited;
    const start = this.#start();
    if (visited[id]! > 0) {
      let passed = start;
      do {
        if (visited[passed]! > 0) visited[passed] = 0;
        passed = this.#next(passed);
      } while (passed !== start);
    }
    for (let passed = start; passed !== id; passed = this.#next(passed)) if (visited[passed]! > 0) visited[passed] = 0;
    this.#hand = id;
  }

  #start(): number {
    return this.#hand === this.#list.end ? this.#list.newer(this.#list.end) : this.#hand;
  }

  #next(id: number): number {
    const list = this.#list;
    const { end } = list;
    const next = list.newer(id);
    return next === end ? list.newer(end) : next;
  }
}

/** Zhang et al., "SIEVE is simpler than LRU", NSDI 2024. No parameters. */
export const sieve: PolicyDefinition = {
  name: 'sieve',
  summary: 'sweeps from the oldest to the newest and evicts the first that was not used since the last sweep',
  cites: 'Zhang et al., "SIEVE is simpler than LRU", NSDI 2024',
  parameters: {},
  needs: [],
  create: ({ experts }) => new Sieve(experts),
};
