// Least recently used, the policy of nearly every offloading system.
import type { PolicyDefinition } from '../policy.js';
import { Fifo } from './fifo.js';

/** A queue in which a use moves an expert back to the end. */
export class Lru extends Fifo {
  override touch(id: number): void {
    this.list.moveToFront(this.list.end, id);
  }
}

/** Mattson et al., "Evaluation techniques for storage hierarchies", IBM Systems Journal 9(2), 1970. No parameters. */
export const lru: PolicyDefinition = {
  name: 'lru',
  summary: 'evicts the least recently used expert',
  cites: 'Mattson et al., IBM Systems Journal 9(2), 1970; Mixtral-offloading, arXiv 2312.17238',
  create: ({ experts }) => new Lru(experts),
};
