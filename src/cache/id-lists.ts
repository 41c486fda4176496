// Doubly linked lists over expert ids in two typed arrays: the backbone of every recency and queue policy. Several lists share the
// links because an expert is in at most one of them at a time; nothing is ever allocated.
import { NONE, type Pins } from './policy.js';

/** Circular doubly linked lists of ids [0, experts). List l is delimited by the sentinel id `experts + l`. */
export class IdLists {
  /** Neighbour towards the front (the newest), by id; sentinels included. */
  readonly newer: Int32Array;
  /** Neighbour towards the back (the oldest), by id; sentinels included. */
  readonly older: Int32Array;
  /** Sentinel of list 0; that of list l is `end + l`. A walk along a list ends at its sentinel. */
  readonly end: number;

  /**
   * @param experts ids are [0, experts)
   * @param lists how many lists
   */
  constructor(experts: number, lists = 1) {
    this.end = experts;
    this.newer = new Int32Array(experts + lists);
    this.older = new Int32Array(experts + lists);
    for (let sentinel = experts; sentinel < experts + lists; sentinel++) this.newer[sentinel] = this.older[sentinel] = sentinel;
  }

  /** Newest id of the list with this sentinel; the sentinel itself where the list is empty. */
  front(sentinel: number): number {
    return this.older[sentinel]!;
  }

  /** Oldest id of the list with this sentinel; the sentinel itself where the list is empty. */
  back(sentinel: number): number {
    return this.newer[sentinel]!;
  }

  /** Links `id`, in no list so far, in as the newest of the list with this sentinel. */
  pushFront(sentinel: number, id: number): void {
    const { newer, older } = this;
    const first = older[sentinel]!;
    older[id] = first;
    newer[id] = sentinel;
    newer[first] = id;
    older[sentinel] = id;
  }

  /** Links `id`, in no list so far, in next to `at` on its newer side; at a sentinel: as the oldest. */
  insertNewer(at: number, id: number): void {
    const { newer, older } = this;
    const next = newer[at]!;
    older[id] = at;
    newer[id] = next;
    newer[at] = id;
    older[next] = id;
  }

  /** Takes `id` out of its list. */
  unlink(id: number): void {
    const { newer, older } = this;
    const above = newer[id]!;
    const below = older[id]!;
    older[above] = below;
    newer[below] = above;
  }

  /** Makes `id` the newest of the list with this sentinel, from wherever it is. */
  moveToFront(sentinel: number, id: number): void {
    const { newer, older } = this;
    const above = newer[id]!;
    if (above === sentinel) return;
    const below = older[id]!;
    older[above] = below;
    newer[below] = above;
    const first = older[sentinel]!;
    older[id] = first;
    newer[id] = sentinel;
    newer[first] = id;
    older[sentinel] = id;
  }

  /** The oldest id of the list with this sentinel that is not pinned, or NONE. */
  oldest(sentinel: number, pins: Pins): number {
    const { newer } = this;
    for (let id = newer[sentinel]!; id !== sentinel; id = newer[id]!) if (!pins.has(id)) return id;
    return NONE;
  }
}
