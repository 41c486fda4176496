// Least recently used: what nearly every offloading system runs.
import { IdLists } from '../id-lists.js';
import type { CachePolicy, Pins, PolicyDefinition } from '../policy.js';

class Lru implements CachePolicy {
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
    return this.#list.oldest(this.#list.end, pins);
  }
}

/** Mattson et al., "Evaluation techniques for storage hierarchies", IBM Systems Journal 9(2), 1970. No parameters. */
export const lru: PolicyDefinition = {
  name: 'lru',
  summary: 'evicts the least recently used expert',
  cites: 'Mattson et al., IBM Systems Journal 9(2), 1970; Mixtral-offloading, arXiv 2312.17238',
  parameters: {},
  needs: [],
  create: ({ experts }) => new Lru(experts),
};
