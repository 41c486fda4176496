import { IdLists } from '../id-lists.js';
import { type CachePolicy, type Pins, policy } from '../policy.js';

/** Experts in order of arrival. */
export class Fifo implements CachePolicy {
  protected readonly list: IdLists;

  constructor(experts: number) {
    this.list = new IdLists(experts);
  }

  touch(_id: number): void {}

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

/** First in, first out. */
export const fifo = policy({
  name: 'fifo',
  summary: 'evicts the expert that has been resident longest',
  cites: 'Belady, IBM Systems Journal 5(2), 1966',
  create: ({ experts }) => new Fifo(experts),
});
