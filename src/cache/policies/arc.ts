import { IdLists } from '../id-lists.js';
import { type CachePolicy, NONE, type Pins, type PolicyContext, policy } from '../policy.js';

/** Lists: T1 used once, T2 used again, B1 and B2 the ghosts of each, consecutive in this order. */
const NOWHERE = 0;
const T1 = 1;
const T2 = 2;
const B1 = 3;
const B2 = 4;
/** The next victim leaves no ghost. */
const NO_GHOST = -1;

class Arc implements CachePolicy {
  readonly #lists: IdLists;
  readonly #place: Uint8Array;
  readonly #sizes: Float64Array;
  #capacity: number;
  /** 1: in T1, prefetched, not yet used. */
  readonly #unused: Uint8Array;
  /** Sentinel of T1; sentinels of T2, B1 and B2 follow. */
  readonly #t1: number;
  readonly #t2: number;
  readonly #bytes = new Float64Array(B2 + 1);
  /** Target bytes of T1, `p` in the paper. */
  #target = 0;
  #candidate = NONE;
  #incoming = NONE;
  /** Ghost list that loses its oldest with the candidate; NOWHERE: no list; NO_GHOST: the candidate leaves no ghost. */
  #trim = NOWHERE;
  /** Target after the incoming expert's ghost hit. */
  #nextTarget = 0;

  constructor({ experts, sizes, capacityBytes }: PolicyContext) {
    this.#lists = new IdLists(experts, 4);
    this.#place = new Uint8Array(experts);
    this.#sizes = sizes;
    this.#capacity = capacityBytes;
    this.#t1 = experts;
    this.#t2 = experts + 1;
    this.#unused = new Uint8Array(experts);
  }

  touch(id: number): void {
    if (this.#place[id] === T2) {
      this.#lists.moveToFront(this.#t2, id);
    } else if (this.#unused[id] === 1) {
      this.#unused[id] = 0;
      this.#lists.moveToFront(this.#t1, id);
    } else {
      this.#bytes[T1]! -= this.#sizes[id]!;
      this.#bytes[T2]! += this.#sizes[id]!;
      this.#place[id] = T2;
      this.#lists.moveToFront(this.#t2, id);
    }
  }

  insert(id: number, used: boolean): void {
    const place = this.#place[id]!;
    const bytes = this.#sizes[id]!;
    if (place >= B1) {
      this.#target = id === this.#incoming ? this.#nextTarget : this.#targetAfter(id);
      this.#bytes[place]! -= bytes;
      this.#bytes[T2]! += bytes;
      this.#place[id] = T2;
      this.#lists.moveToFront(this.#t2, id);
    } else {
      this.#place[id] = T1;
      if (!used) this.#unused[id] = 1;
      this.#bytes[T1]! += bytes;
      this.#lists.pushFront(this.#t1, id);
    }
    this.#incoming = NONE;
  }

  remove(id: number): void {
    const place = this.#place[id]!;
    const bytes = this.#sizes[id]!;
    this.#unused[id] = 0;
    this.#bytes[place]! -= bytes;
    if (id === this.#candidate && this.#trim !== NO_GHOST) {
      if (this.#trim !== NOWHERE) this.#forget(this.#lists.newer(this.#t1 + this.#trim - T1));
      // T1 leaves ghosts in B1, T2 in B2.
      const ghost = place + 2;
      this.#place[id] = ghost;
      this.#bytes[ghost]! += bytes;
      this.#lists.moveToFront(this.#t1 + ghost - T1, id);
    } else {
      this.#place[id] = NOWHERE;
      this.#lists.unlink(id);
    }
    this.#candidate = NONE;
  }

  /** T1 and B1 within it, all four lists within twice as much. */
  resized(capacityBytes: number): void {
    this.#capacity = capacityBytes;
    this.#target = Math.min(this.#target, capacityBytes);
    const bytes = this.#bytes;
    while (bytes[B1]! > 0 && bytes[T1]! + bytes[B1]! > capacityBytes) this.#forget(this.#lists.newer(this.#t1 + B1 - T1));
    while (bytes[B2]! > 0 && bytes[T1]! + bytes[T2]! + bytes[B1]! + bytes[B2]! > 2 * capacityBytes)
      this.#forget(this.#lists.newer(this.#t1 + B2 - T1));
  }

  victim(incoming: number, pins: Pins): number {
    if (incoming === NONE || incoming !== this.#incoming) {
      this.#incoming = incoming;
      this.#nextTarget = incoming === NONE ? this.#target : this.#targetAfter(incoming);
    }
    const place = incoming === NONE ? NOWHERE : this.#place[incoming]!;
    const t1 = this.#bytes[T1]!;
    const target = this.#nextTarget;
    this.#trim = place < B1 ? this.#trimFor(incoming) : NOWHERE;
    // REPLACE of the paper: the victim comes from T1 if T1 exceeds its target.
    const fromT1 = (t1 > 0 && (t1 > target || (t1 === target && place === B2))) || this.#trim === NO_GHOST || this.#bytes[T2] === 0;
    const id = this.#lists.oldest(fromT1 ? this.#t1 : this.#t2, pins);
    return (this.#candidate = id !== NONE ? id : this.#lists.oldest(fromT1 ? this.#t2 : this.#t1, pins));
  }

  /** Case IV of the paper: an expert in no list needs room in the directory too. */
  #trimFor(incoming: number): number {
    const bytes = this.#bytes;
    const all1 = bytes[T1]! + bytes[B1]!;
    if (all1 + (incoming === NONE ? 0 : this.#sizes[incoming]!) > this.#capacity) return bytes[B1]! > 0 ? B1 : NO_GHOST;
    return bytes[B2]! > 0 && all1 + bytes[T2]! + bytes[B2]! >= 2 * this.#capacity ? B2 : NOWHERE;
  }

  /** B1 hits widen T1, B2 hits narrow T1, by the ratio of the ghosts (paper, cases II and III). */
  #targetAfter(id: number): number {
    const place = this.#place[id]!;
    if (place < B1) return this.#target;
    const b1 = this.#bytes[B1]!;
    const b2 = this.#bytes[B2]!;
    const bytes = this.#sizes[id]!;
    if (place === B1) return Math.min(this.#target + Math.max(b2 / b1, 1) * bytes, this.#capacity);
    return Math.max(this.#target - Math.max(b1 / b2, 1) * bytes, 0);
  }

  #forget(id: number): void {
    this.#bytes[this.#place[id]!]! -= this.#sizes[id]!;
    this.#place[id] = NOWHERE;
    this.#lists.unlink(id);
  }
}

/** ARC: LRU lists of experts used once and used again; ghost hits move the split. */
export const arc = policy({
  name: 'arc',
  summary: 'balances recency against frequency by what it evicted too early',
  cites: 'Megiddo and Modha, "ARC", FAST 2003',
  create: (context) => new Arc(context),
});
