import { IdLists } from '../id-lists.js';
import { type CachePolicy, NONE, type Pins, policy } from '../policy.js';

/** Experts by last use, the newest in front. */
export class Lru implements CachePolicy {
  protected readonly list: IdLists;

  constructor(experts: number) {
    this.list = new IdLists(experts);
  }

  touch(id: number): void {
    this.list.moveToFront(this.list.end, id);
  }

  insert(id: number, _used: boolean): void {
    this.list.pushFront(this.list.end, id);
  }

  remove(id: number): void {
    this.list.unlink(id);
  }

  victim(_incoming: number, pins: Pins): number {
    return this.list.oldest(this.list.end, pins);
  }
}

/** Least recently used, the policy of nearly every system. */
export const lru = policy({
  name: 'lru',
  summary: 'evicts the least recently used expert',
  cites: 'Mattson et al., IBM Systems Journal 9(2), 1970; Mixtral-offloading, arXiv 2312.17238',
  create: ({ experts }) => new Lru(experts),
});

class Mru extends Lru {
  override victim(_incoming: number, pins: Pins): number {
    const { list } = this;
    const { end } = list;
    for (let id = list.older(end); id !== end; id = list.older(id)) if (!pins.has(id)) return id;
    return NONE;
  }
}

/** Most recently used, right for a cyclic scan longer than the cache. */
export const mru = policy({
  name: 'mru',
  summary: 'evicts the most recently used expert',
  cites: 'Chou and DeWitt, VLDB 1985',
  create: ({ experts }) => new Mru(experts),
});
