import { member } from '../../base/members.js';
import { IdLists } from '../id-lists.js';
import type { CachePolicy, Pins, PolicyDefinition } from '../policy.js';

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

/**
 * First in, first out (Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems Journal
 * 5(2), 1966). No parameters.
 */
export const fifo: PolicyDefinition = { ...member('policy', 'fifo'), create: ({ experts }) => new Fifo(experts) };
