// Most recently used: right for a cyclic scan longer than the cache, where LRU never hits.
import { NONE, type Pins, type PolicyDefinition } from '../policy.js';
import { Lru } from './lru.js';

/** The same queue from its other end. */
class Mru extends Lru {
  override victim(_incoming: number, pins: Pins): number {
    const { list } = this;
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
  create: ({ experts }) => new Mru(experts),
};
