import { policy } from '../policy.js';
import { Lru } from './lru.js';

/** Queue by arrival. */
export class Fifo extends Lru {
  override touch(_id: number): void {}
}

/** First in, first out. */
export const fifo = policy({
  name: 'fifo',
  summary: 'evicts the expert that has been resident longest',
  cites: 'Belady, IBM Systems Journal 5(2), 1966',
  create: ({ experts }) => new Fifo(experts),
});
