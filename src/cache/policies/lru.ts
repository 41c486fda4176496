import { member } from '../../base/members.js';
import { NONE, type Pins, type PolicyDefinition } from '../policy.js';
import { Fifo } from './fifo.js';

/** Queue by last use. */
export class Lru extends Fifo {
  override touch(id: number): void {
    this.list.moveToFront(this.list.end, id);
  }
}

/**
 * Least recently used, the policy of nearly every system (Mattson et al., "Evaluation techniques for storage
 * hierarchies", IBM Systems Journal 9(2), 1970). No parameters.
 */
export const lru: PolicyDefinition = { ...member('policy', 'lru'), create: ({ experts }) => new Lru(experts) };

class Mru extends Lru {
  override victim(_incoming: number, pins: Pins): number {
    const { list } = this;
    const { end } = list;
    for (let id = list.older(end); id !== end; id = list.older(id)) if (!pins.has(id)) return id;
    return NONE;
  }
}

/**
 * Most recently used, right for a cyclic scan longer than the cache (Chou and DeWitt, "An evaluation of buffer
 * management strategies for relational database systems", VLDB 1985). No parameters.
 */
export const mru: PolicyDefinition = { ...member('policy', 'mru'), create: ({ experts }) => new Mru(experts) };
