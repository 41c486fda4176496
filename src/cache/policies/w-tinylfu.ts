// W-TinyLFU: a small LRU window in front of a segmented LRU; an expert that leaves the window enters it only if it is more popular than
// the victim there. Ids are dense, so the popularity sketch of the paper is an exact counter per expert, halved now and then.
import { type CachePolicy, NONE, type Pins, type PolicyContext, type PolicyDefinition } from '../policy.js';
import { Segments } from '../segments.js';
import { shareBytes } from '../share.js';

const WINDOW = 1;
const PROBATION = 2;
const PROTECTED = 3;
/** Counters saturate, as the 4-bit ones of the sketch do. */
const MOST_USES = 15;

class WTinyLfu implements CachePolicy {
  readonly #segments: Segments;
  readonly #uses: Uint8Array;
  readonly #sizes: Float64Array;
  readonly #context: PolicyContext;
  /** Shares of the window in the capacity, and of the protected segment in the rest. */
  readonly #shares: { readonly window: number; readonly protected: number };
  #windowLimit = 0;
  #mainLimit = 0;
  #protectedLimit = 0;
  /** Uses until all counters are halved. */
  #sample = 0;
  #counted = 0;
  #candidate = NONE;
  /** Expert that moves from the window to the main segment where the candidate leaves. */
  #admitted = NONE;

  constructor(context: PolicyContext, window: number, protectedShare: number) {
    const { experts, sizes } = context;
    this.#segments = new Segments(context, PROTECTED);
    this.#uses = new Uint8Array(experts);
    this.#sizes = sizes;
    this.#context = context;
    this.#shares = { window, protected: protectedShare };
    this.resized(context.capacityBytes);
  }

  touch(id: number): void {
    this.#count(id);
    const segments = this.#segments;
    if (segments.of[id] !== PROBATION || this.#sizes[id]! > this.#protectedLimit) segments.renew(id);
    else {
      segments.enter(PROTECTED, id);
      this.#demoteExcess();
    }
  }

  insert(id: number, used: boolean): void {
    if (used) this.#count(id);
    const segments = this.#segments;
    segments.enter(WINDOW, id);
    while (segments.bytes[WINDOW]! > this.#windowLimit) {
      const oldest = segments.last(WINDOW);
      if (this.#mainBytes + this.#sizes[oldest]! > this.#mainLimit) break;
      segments.enter(PROBATION, oldest);
    }
  }

  streamed(id: number): void {
    this.#count(id);
  }

  remove(id: number): void {
    const fromMain = this.#segments.of[id] !== WINDOW;
    this.#segments.leave(id);
    if (fromMain && id === this.#candidate && this.#admitted !== NONE) this.#segments.enter(PROBATION, this.#admitted);
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
    const segments = this.#segments;
    const probation = segments.oldest(PROBATION, pins);
    const main = probation !== NONE ? probation : segments.oldest(PROTECTED, pins);
    const bytes = incoming === NONE ? 0 : this.#sizes[incoming]!;
    const leaving = segments.bytes[WINDOW]! + bytes > this.#windowLimit ? segments.oldest(WINDOW, pins) : NONE;
    this.#admitted = NONE;
    if (leaving === NONE) return (this.#candidate = main !== NONE ? main : segments.oldest(WINDOW, pins));
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

  /** Bytes behind the window. */
  get #mainBytes(): number {
    return this.#segments.bytes[PROBATION]! + this.#segments.bytes[PROTECTED]!;
  }

  #demoteExcess(): void {
    const segments = this.#segments;
    while (segments.bytes[PROTECTED]! > this.#protectedLimit) segments.enter(PROBATION, segments.last(PROTECTED));
  }
}

/**
 * Einziger, Friedman and Manes, "TinyLFU", ACM TOS 13(4), 2017. `window` is the share of the LRU window, `protected` that of the
 * protected segment in the rest; counters are halved after ten uses per slot.
 */
export const wTinyLfu: PolicyDefinition = {
  name: 'w-tinylfu',
  summary: 'LRU window before a segmented LRU that admits only the more popular',
  cites: 'Einziger, Friedman and Manes, "TinyLFU", ACM Transactions on Storage 13(4), 2017',
  parameters: {
    window: { default: 0.01, description: 'share of the capacity for the window', min: 0, max: 1 },
    protected: { default: 0.8, description: 'share of the rest that is protected', min: 0, max: 1 },
  },
  create: (context, values) => new WTinyLfu(context, Number(values.window), Number(values.protected)),
};
