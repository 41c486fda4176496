import { NONE, type Pins } from './policy.js';

/** Circular lists of ids [0, experts), newest to oldest, each id in at most one. Sentinel of list l: `experts + l`. */
export class IdLists {
  /** Sentinel of list 0. */
  readonly end: number;
  /** Neighbours of id i: newer at 2i, older at 2i + 1. */
  readonly #links: Int32Array;

  constructor(experts: number, lists = 1) {
    this.end = experts;
    this.#links = new Int32Array(2 * (experts + lists));
    for (let sentinel = experts; sentinel < experts + lists; sentinel++) this.#links.fill(sentinel, 2 * sentinel, 2 * sentinel + 2);
  }

  /** Neighbour towards the newest; of a sentinel: the oldest of its list. */
  newer(id: number): number {
    return this.#links[2 * id]!;
  }

  /** Neighbour towards the oldest; of a sentinel: the newest of its list. */
  older(id: number): number {
    return this.#links[2 * id + 1]!;
  }

  /** Links an unlinked `id` as newest. */
  pushFront(sentinel: number, id: number): void {
    const links = this.#links;
    const first = links[2 * sentinel + 1]!;
    links[2 * id] = sentinel;
    links[2 * id + 1] = first;
    links[2 * first] = id;
    links[2 * sentinel + 1] = id;
  }

  /** Links an unlinked `id` directly above `at`; at a sentinel: as oldest. */
  insertNewer(at: number, id: number): void {
    const links = this.#links;
    const above = links[2 * at]!;
    links[2 * id] = above;
    links[2 * id + 1] = at;
    links[2 * at] = id;
    links[2 * above + 1] = id;
  }

  unlink(id: number): void {
    const links = this.#links;
    const above = links[2 * id]!;
    const below = links[2 * id + 1]!;
    links[2 * above + 1] = below;
    links[2 * below] = above;
  }

  /** Moves `id` to the sentinel's list, as newest. */
  moveToFront(sentinel: number, id: number): void {
    this.unlink(id);
    this.pushFront(sentinel, id);
  }

  /** Exchanges the places of two linked ids. */
  swap(a: number, b: number): void {
    const [belowA, belowB] = [this.older(a), this.older(b)];
    this.unlink(a);
    this.unlink(b);
    if (belowA === b) {
      this.insertNewer(belowB, a);
      this.insertNewer(a, b);
    } else {
      this.insertNewer(belowA, b);
      this.insertNewer(belowB === a ? b : belowB, a);
    }
  }

  /** Oldest unpinned id of the sentinel's list, or NONE. */
  oldest(sentinel: number, pins: Pins): number {
    for (let id = this.newer(sentinel); id !== sentinel; id = this.newer(id)) if (!pins.has(id)) return id;
    return NONE;
  }
}
