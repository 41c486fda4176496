// Most recently used: right for a cyclic scan longer than the cache, where LRU never hits.
import { IdLists } from '../id-lists.js';
import { type CachePolicy, NONE, type Pins, type PolicyDefinition } from '../policy.js';

class Mru implements CachePolicy {
  readonly #list: IdLists;

  constructor(experts: number) {
    this.#list = new IdLists(experts);
  }

  touch(id: number): void {
    this.#list.moveToFront(this.#list.end, id);
  }

  insert(id: number): void {
    this.#list.pushFront(this.#list.end, id);
  }

  remove(id: number): void {
    this.#list.unlink(id);
  }

  victim(_incoming: number, pins: Pins): number {
    const list = this.#list;
    const { end } = list;
    for (let id = list.older(end); id !== end; id = list.older(id)) if (!pins.has(id)) return id;
    return NONE;
  }
}

/** Chou and DeWitt, "An evaluation of buffer management strategies for relational database systems", VLDB 1985. No parameters. */
export const mru: PolicyDefinition = {
  name: 'mru',
  summary: 'evicts the most recently used expert',
  cites: 'Chou and DeWitt, VLDB 1985',
  parameters: {},
  needs: [],
  create: ({ experts }) => new Mru(experts),
};
