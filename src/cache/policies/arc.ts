// ARC: two LRU lists, used once and used again, whose split follows the hits in the ghosts of each.
import { type CachePolicy, NONE, type Pins, type PolicyContext, type PolicyDefinition } from '../policy.js';
import { NO_SEGMENT, Segments } from '../segments.js';

/** Where an expert is: T1 used once, T2 used again, B1 and B2 the ghosts of each; the lists follow one another in this order. */
const T1 = 1;
const T2 = 2;
const B1 = 3;
const B2 = 4;
/** The next victim leaves no ghost. */
const NO_GHOST = -1;

class Arc implements CachePolicy {
  readonly #segments: Segments;
  readonly #sizes: Float64Array;
  #capacity: number;
  /** 1 in T1 for a prefetched expert whose first use is still to come. */
  readonly #unused: Uint8Array;
  /** Target of T1's bytes, `p` in the paper. */
  #target = 0;
  #candidate = NONE;
  #incoming = NONE;
  /** Ghost list that loses its oldest where the candidate leaves; NO_SEGMENT: none; NO_GHOST: the candidate leaves no ghost itself. */
  #trim = NO_SEGMENT;
  /** Target that the incoming expert's ghost hit leads to. */
  #nextTarget = 0;

  constructor(context: PolicyContext) {
    this.#segments = new Segments(context, B2);
    this.#sizes = context.sizes;
    this.#capacity = context.capacityBytes;
    this.#unused = new Uint8Array(context.experts);
  }

  touch(id: number): void {
    if (this.#segments.of[id] === T2) {
      this.#segments.renew(id);
    } else if (this.#unused[id] === 1) {
      this.#unused[id] = 0;
      this.#segments.renew(id);
    } else {
      this.#segments.enter(T2, id);
    }
  }

  insert(id: number, used: boolean): void {
    if (this.#segments.of[id]! >= B1) {
      this.#target = id === this.#incoming ? this.#nextTarget : this.#targetAfter(id);
      this.#segments.enter(T2, id);
    } else {
      this.#unused[id] = used ? 0 : 1;
      this.#segments.enter(T1, id);
    }
    this.#incoming = NONE;
  }

  remove(id: number): void {
    const place = this.#segments.of[id]!;
    const evicted = id === this.#candidate;
    if (evicted && this.#trim >= B1) this.#segments.leave(this.#segments.last(this.#trim));
    this.#segments.leave(id);
    // T1 leaves its ghosts in B1, T2 in B2.
    if (evicted && this.#trim !== NO_GHOST) this.#segments.enter(place + 2, id);
    this.#candidate = NONE;
  }

  /** The target and the ghosts keep within the new capacity: T1 and B1 within it, all four lists within twice as much. */
  resized(capacityBytes: number): void {
    this.#capacity = capacityBytes;
    this.#target = Math.min(this.#target, capacityBytes);
    const { bytes } = this.#segments;
    const forgetLast = (ghosts: number): void => this.#segments.leave(this.#segments.last(ghosts));
    while (bytes[B1]! > 0 && bytes[T1]! + bytes[B1]! > capacityBytes) forgetLast(B1);
    while (bytes[B2]! > 0 && bytes[T1]! + bytes[T2]! + bytes[B1]! + bytes[B2]! > 2 * capacityBytes) forgetLast(B2);
  }

  victim(incoming: number, pins: Pins): number {
    if (incoming === NONE || incoming !== this.#incoming) {
      this.#incoming = incoming;
      this.#nextTarget = incoming === NONE ? this.#target : this.#targetAfter(incoming);
    }
    const place = incoming === NONE ? NO_SEGMENT : this.#segments.of[incoming]!;
    const t1 = this.#segments.bytes[T1]!;
    const t2 = this.#segments.bytes[T2]!;
    const target = this.#nextTarget;
    // REPLACE of the paper: the victim comes from T1 where T1 is above its target.
    let fromT1 = (t1 > 0 && (t1 > target || (t1 === target && place === B2))) || t2 === 0;
    this.#trim = NO_SEGMENT;
    if (place < B1) {
      // Case IV: an expert in none of the lists needs room in the directory too.
      const b1 = this.#segments.bytes[B1]!;
      const b2 = this.#segments.bytes[B2]!;
      const bytes = incoming === NONE ? 0 : this.#sizes[incoming]!;
      if (t1 + b1 + bytes > this.#capacity) {
        this.#trim = b1 > 0 ? B1 : NO_GHOST;
        if (b1 === 0) fromT1 = true;
      } else if (b2 > 0 && t1 + b1 + t2 + b2 >= 2 * this.#capacity) this.#trim = B2;
    }
    const id = this.#segments.oldest(fromT1 ? T1 : T2, pins);
    return (this.#candidate = id !== NONE ? id : this.#segments.oldest(fromT1 ? T2 : T1, pins));
  }

  /** The target after a demand for `id`: B1 hits widen T1, B2 hits narrow it, by the ratio of the ghosts (paper, cases II and III). */
  #targetAfter(id: number): number {
    const place = this.#segments.of[id]!;
    if (place < B1) return this.#target;
    const b1 = this.#segments.bytes[B1]!;
    const b2 = this.#segments.bytes[B2]!;
    const bytes = this.#sizes[id]!;
    if (place === B1) return Math.min(this.#target + Math.max(b2 / b1, 1) * bytes, this.#capacity);
    return Math.max(this.#target - Math.max(b1 / b2, 1) * bytes, 0);
  }
}

/** Megiddo and Modha, "ARC: a self-tuning, low overhead replacement cache", FAST 2003. No parameters. */
export const arc: PolicyDefinition = {
  name: 'arc',
  summary: 'balances recency against frequency by what it evicted too early',
  cites: 'Megiddo and Modha, "ARC", FAST 2003',
  create: (context) => new Arc(context),
};
