// ARC: two LRU lists, used once and used again, whose split follows the hits in the ghosts of each.
import { IdLists } from '../id-lists.js';
import { type CachePolicy, NONE, type Pins, type PolicyContext, type PolicyDefinition } from '../policy.js';

/** Where an expert is: T1 used once, T2 used again, B1 and B2 their ghosts, UNUSED in T1 but prefetched and not used yet. */
const NOWHERE = 0;
const T1 = 1;
const T2 = 2;
const B1 = 3;
const B2 = 4;
const UNUSED = 5;

class Arc implements CachePolicy {
  readonly #lists: IdLists;
  readonly #place: Uint8Array;
  readonly #sizes: Float64Array;
  readonly #capacity: number;
  /** Sentinel of T1; those of T2, B1 and B2 follow. */
  readonly #t1: number;
  readonly #t2: number;
  readonly #b1: number;
  readonly #b2: number;
  #t1Bytes = 0;
  #t2Bytes = 0;
  #b1Bytes = 0;
  #b2Bytes = 0;
  /** Target of T1's bytes, `p` in the paper. */
  #target = 0;
  #candidate = NONE;
  #incoming = NONE;
  /** Target that the incoming expert's ghost hit leads to. */
  #nextTarget = 0;

  constructor({ experts, sizes, capacityBytes }: PolicyContext) {
    this.#lists = new IdLists(experts, 4);
    this.#place = new Uint8Array(experts);
    this.#sizes = sizes;
    this.#capacity = capacityBytes;
    this.#t1 = experts;
    this.#t2 = experts + 1;
    this.#b1 = experts + 2;
    this.#b2 = experts + 3;
  }

  touch(id: number): void {
    const place = this.#place[id]!;
    if (place === T2) {
      this.#lists.moveToFront(this.#t2, id);
    } else if (place === UNUSED) {
      this.#place[id] = T1;
      this.#lists.moveToFront(this.#t1, id);
    } else {
      this.#lists.unlink(id);
      this.#t1Bytes -= this.#sizes[id]!;
      this.#enterT2(id);
    }
  }

  insert(id: number, used: boolean): void {
    const ghost = this.#place[id] === B1 || this.#place[id] === B2;
    if (ghost) {
      this.#target = id === this.#incoming ? this.#nextTarget : this.#targetAfter(id);
      this.#forget(id);
      this.#enterT2(id);
    } else {
      this.#place[id] = used ? T1 : UNUSED;
      this.#t1Bytes += this.#sizes[id]!;
      this.#lists.pushFront(this.#t1, id);
    }
    this.#incoming = NONE;
  }

  remove(id: number): void {
    const evicted = id === this.#candidate;
    const place = this.#place[id]!;
    const keepGhost = evicted && this.#trimGhosts();
    this.#lists.unlink(id);
    this.#place[id] = NOWHERE;
    const bytes = this.#sizes[id]!;
    if (place === T2) {
      this.#t2Bytes -= bytes;
      if (keepGhost) {
        this.#place[id] = B2;
        this.#b2Bytes += bytes;
        this.#lists.pushFront(this.#b2, id);
      }
    } else {
      this.#t1Bytes -= bytes;
      if (keepGhost) {
        this.#place[id] = B1;
        this.#b1Bytes += bytes;
        this.#lists.pushFront(this.#b1, id);
      }
    }
    this.#candidate = NONE;
  }

  victim(incoming: number, pins: Pins): number {
    if (incoming !== this.#incoming) {
      this.#incoming = incoming;
      this.#nextTarget = this.#targetAfter(incoming);
    }
    const fromT1 = this.#scanFillsL1() || this.#replacesT1();
    const id = this.#lists.oldest(fromT1 ? this.#t1 : this.#t2, pins);
    return (this.#candidate = id !== NONE ? id : this.#lists.oldest(fromT1 ? this.#t2 : this.#t1, pins));
  }

  /** The target after a demand for `id`: B1 hits widen T1, B2 hits narrow it, by the ratio of the ghosts (paper, cases II and III). */
  #targetAfter(id: number): number {
    const bytes = this.#sizes[id]!;
    if (this.#place[id] === B1) return Math.min(this.#target + Math.max(this.#b2Bytes / this.#b1Bytes, 1) * bytes, this.#capacity);
    if (this.#place[id] === B2) return Math.max(this.#target - Math.max(this.#b1Bytes / this.#b2Bytes, 1) * bytes, 0);
    return this.#target;
  }

  /** Case IV A without ghosts: T1 alone fills the directory of experts used once. */
  #scanFillsL1(): boolean {
    const known = this.#place[this.#incoming]! >= B1;
    return !known && this.#b1Bytes === 0 && this.#t1Bytes + this.#sizes[this.#incoming]! > this.#capacity;
  }

  /** REPLACE of the paper: true takes the victim from T1. */
  #replacesT1(): boolean {
    const equal = this.#t1Bytes === this.#nextTarget && this.#place[this.#incoming] === B2;
    return (this.#t1Bytes > 0 && (this.#t1Bytes > this.#nextTarget || equal)) || this.#t2Bytes === 0;
  }

  /** Makes room among the ghosts before an eviction (case IV). @returns false where the victim leaves no ghost */
  #trimGhosts(): boolean {
    if (this.#place[this.#incoming]! >= B1) return true;
    const l1 = this.#t1Bytes + this.#b1Bytes;
    if (l1 + this.#sizes[this.#incoming]! > this.#capacity) {
      if (this.#b1Bytes === 0) return false;
      this.#forget(this.#lists.back(this.#b1));
    } else if (l1 + this.#t2Bytes + this.#b2Bytes >= 2 * this.#capacity && this.#b2Bytes > 0) {
      this.#forget(this.#lists.back(this.#b2));
    }
    return true;
  }

  #enterT2(id: number): void {
    this.#place[id] = T2;
    this.#t2Bytes += this.#sizes[id]!;
    this.#lists.pushFront(this.#t2, id);
  }

  #forget(id: number): void {
    if (this.#place[id] === B1) this.#b1Bytes -= this.#sizes[id]!;
    else this.#b2Bytes -= this.#sizes[id]!;
    this.#place[id] = NOWHERE;
    this.#lists.unlink(id);
  }
}

/** Megiddo and Modha, "ARC: a self-tuning, low overhead replacement cache", FAST 2003. No parameters. */
export const arc: PolicyDefinition = {
  name: 'arc',
  summary: 'balances recency against frequency by what it evicted too early',
  cites: 'Megiddo and Modha, "ARC", FAST 2003',
  parameters: {},
  needs: [],
  create: (context) => new Arc(context),
};
