import { IdLists } from './id-lists.js';
import { NONE, type Pins } from './policy.js';

/** Residents by number of uses, then by recency, in constant time per use. */
export class FrequencyList {
  /** By id: group, a list of ids with equal count, least recently used last. */
  readonly #group: Int32Array;
  readonly #members: IdLists;
  /** Groups by count, smallest last. */
  readonly #groups: IdLists;
  readonly #count: Float64Array;
  readonly #spare: Int32Array;
  #spareGroups: number;

  constructor(experts: number) {
    this.#group = new Int32Array(experts);
    this.#members = new IdLists(experts, experts + 1);
    this.#groups = new IdLists(experts + 1);
    this.#count = new Float64Array(experts + 1);
    this.#spare = Int32Array.from({ length: experts + 1 }, (_, i) => experts - i);
    this.#spareGroups = experts + 1;
  }

  /** Adds an absent `id` as the most recently used of its count. */
  add(id: number, count: number): void {
    const list = this.#groups;
    const { end } = list;
    let below = end;
    for (let next = list.newer(end); next !== end && this.#count[next]! <= count; next = list.newer(next)) below = next;
    this.#join(id, below !== end && this.#count[below] === count ? below : this.#open(below, count));
  }

  increment(id: number): void {
    const group = this.#group[id]!;
    const count = this.#count[group]! + 1;
    const next = this.#groups.newer(group);
    const meets = next !== this.#groups.end && this.#count[next] === count;
    if (!meets && this.#isAlone(id, group)) {
      this.#count[group] = count;
      return;
    }
    const target = meets ? next : this.#open(group, count);
    this.#leave(id, group);
    this.#join(id, target);
  }

  delete(id: number): void {
    this.#leave(id, this.#group[id]!);
  }

  /** Unpinned id with the fewest uses, or NONE. */
  min(pins: Pins): number {
    const list = this.#groups;
    const { end } = list;
    for (let group = list.newer(end); group !== end; group = list.newer(group)) {
      const id = this.#members.oldest(this.#members.end + group, pins);
      if (id !== NONE) return id;
    }
    return NONE;
  }

  #isAlone(id: number, group: number): boolean {
    const sentinel = this.#members.end + group;
    return this.#members.newer(id) === sentinel && this.#members.older(id) === sentinel;
  }

  #join(id: number, group: number): void {
    this.#group[id] = group;
    this.#members.pushFront(this.#members.end + group, id);
  }

  #leave(id: number, group: number): void {
    this.#members.unlink(id);
    const sentinel = this.#members.end + group;
    if (this.#members.newer(sentinel) !== sentinel) return;
    this.#groups.unlink(group);
    this.#spare[this.#spareGroups++] = group;
  }

  #open(below: number, count: number): number {
    const group = this.#spare[--this.#spareGroups]!;
    this.#count[group] = count;
    this.#groups.insertNewer(below, group);
    return group;
  }
}
