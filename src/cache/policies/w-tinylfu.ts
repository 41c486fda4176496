import { IdLists } from '../id-lists.js';
import { type CachePolicy, NONE, type Pins, type PolicyContext, policy } from '../policy.js';
import { shareBytes } from '../share.js';

const WINDOW = 0;
const PROBATION = 1;
const PROTECTED = 2;
/** Limit of a counter, as in the sketch's 4 bits. */
const MOST_USES = 15;

class WTinyLfu implements CachePolicy {
  readonly #lists: IdLists;
  readonly #window: number;
  readonly #probation: number;
  readonly #protected: number;
  readonly #place: Uint8Array;
  readonly #uses: Uint8Array;
  readonly #sizes: Float64Array;
  readonly #context: PolicyContext;
  readonly #shares: { readonly window: number; readonly protected: number };
  #windowLimit = 0;
  #mainLimit = 0;
  #protectedLimit = 0;
  #sample = 0;
  #counted = 0;
  #windowBytes = 0;
  #mainBytes = 0;
  #protectedBytes = 0;
  #candidate = NONE;
  /** Expert that enters the main segment from the window if the candidate leaves. */
  #admitted = NONE;

  constructor(context: PolicyContext, window: number, protectedShare: number) {
    const { experts, sizes } = context;
    this.#lists = new IdLists(experts, 3);
    this.#window = experts;
    this.#probation = experts + 1;
    this.#protected = experts + 2;
    this.#place = new Uint8Array(experts);
    this.#uses = new Uint8Array(experts);
    this.#sizes = sizes;
    this.#context = context;
    this.#shares = { window, protected: protectedShare };
    this.resized(context.capacityBytes);
  }

  touch(id: number): void {
    this.#count(id);
    const place = this.#place[id]!;
    if (place === WINDOW) this.#lists.moveToFront(this.#window, id);
    else if (place === PROTECTED) this.#lists.moveToFront(this.#protected, id);
    else this.#promote(id);
  }

  insert(id: number, used: boolean): void {
    if (used) this.#count(id);
    this.#place[id] = WINDOW;
    this.#windowBytes += this.#sizes[id]!;
    this.#lists.pushFront(this.#window, id);
    while (this.#windowBytes > this.#windowLimit) {
      const oldest = this.#lists.newer(this.#window);
      if (this.#mainBytes + this.#sizes[oldest]! > this.#mainLimit) break;
      this.#toProbation(oldest);
    }
  }

  streamed(id: number): void {
    this.#count(id);
  }

  remove(id: number): void {
    const evicted = id === this.#candidate;
    const bytes = this.#sizes[id]!;
    this.#lists.unlink(id);
    if (this.#place[id] === WINDOW) {
      this.#windowBytes -= bytes;
    } else {
      this.#mainBytes -= bytes;
      if (this.#place[id] === PROTECTED) this.#protectedBytes -= bytes;
      if (evicted && this.#admitted !== NONE) this.#toProbation(this.#admitted);
    }
    this.#candidate = this.#admitted = NONE;
  }

  resized(capacityBytes: number): void {
    const { experts, sizes } = this.#context;
    this.#windowLimit = shareBytes({ ...this.#context, capacityBytes }, this.#shares.window);
    this.#mainLimit = capacityBytes - this.#windowLimit;
    this.#protectedLimit = this.#shares.protected * this.#mainLimit;
    this.#sample = 10 * Math.max(1, Math.round(capacityBytes / (sizes.reduce((sum, size) => sum + size, 0) / experts)));
    this.#demoteExcess();
  }

  victim(incoming: number, pins: Pins): number {
    const probation = this.#lists.oldest(this.#probation, pins);
    const main = probation !== NONE ? probation : this.#lists.oldest(this.#protected, pins);
    const bytes = incoming === NONE ? 0 : this.#sizes[incoming]!;
    const leaving = this.#windowBytes + bytes > this.#windowLimit ? this.#lists.oldest(this.#window, pins) : NONE;
    this.#admitted = NONE;
    if (leaving === NONE) return (this.#candidate = main !== NONE ? main : this.#lists.oldest(this.#window, pins));
    if (main === NONE || this.#uses[leaving]! <= this.#uses[main]!) return (this.#candidate = leaving);
    this.#admitted = leaving;
    return (this.#candidate = main);
  }

  #count(id: number): void {
    if (this.#uses[id]! < MOST_USES) this.#uses[id]!++;
    if (++this.#counted < this.#sample) return;
    this.#counted = this.#counted >> 1;
    for (let other = 0; other < this.#uses.length; other++) this.#uses[other] = this.#uses[other]! >> 1;
  }

  #promote(id: number): void {
    if (this.#sizes[id]! > this.#protectedLimit) {
      this.#lists.moveToFront(this.#probation, id);
      return;
    }
    this.#lists.unlink(id);
    this.#place[id] = PROTECTED;
    this.#protectedBytes += this.#sizes[id]!;
    this.#lists.pushFront(this.#protected, id);
    this.#demoteExcess();
  }

  #demoteExcess(): void {
    while (this.#protectedBytes > this.#protectedLimit) {
      const oldest = this.#lists.newer(this.#protected);
      this.#lists.unlink(oldest);
      this.#place[oldest] = PROBATION;
      this.#protectedBytes -= this.#sizes[oldest]!;
      this.#lists.pushFront(this.#probation, oldest);
    }
  }

  #toProbation(id: number): void {
    this.#lists.unlink(id);
    this.#place[id] = PROBATION;
    this.#windowBytes -= this.#sizes[id]!;
    this.#mainBytes += this.#sizes[id]!;
    this.#lists.pushFront(this.#probation, id);
  }
}

/**
 * W-TinyLFU: an LRU window before a segmented LRU, entered if more popular than its victim. Counters are exact, unlike
 * the paper's sketch, and halved after ten uses a slot. `window`, `protected` (of the rest): shares.
 */
export const wTinyLfu = policy({
  name: 'w-tinylfu',
  summary: 'LRU window before a segmented LRU that admits only the more popular',
  cites: 'Einziger, Friedman and Manes, "TinyLFU", ACM Transactions on Storage 13(4), 2017',
  parameters: {
    window: { default: 0.01, min: 0, max: 1, description: 'share of the capacity for the window' },
    protected: { default: 0.8, min: 0, max: 1, description: 'share of the rest that is protected' },
  },
  create: (context, values) => new WTinyLfu(context, values.window, values.protected),
});
