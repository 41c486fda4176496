// Segmented LRU: newcomers are on probation, a second use earns the protected segment, so that a scan cannot flush it.
import { type CachePolicy, NONE, type Pins, type PolicyContext, type PolicyDefinition } from '../policy.js';
import { Segments } from '../segments.js';
import { shareBytes } from '../share.js';

const PROBATION = 1;
const PROTECTED = 2;

class Slru implements CachePolicy {
  readonly #segments: Segments;
  /** 1 on probation for a prefetched expert whose first use is still to come. */
  readonly #unused: Uint8Array;
  readonly #sizes: Float64Array;
  readonly #limit: (capacityBytes: number) => number;
  #protectedLimit = 0;

  constructor(context: PolicyContext, protectedShare: number) {
    this.#segments = new Segments(context, PROTECTED);
    this.#unused = new Uint8Array(context.experts);
    this.#sizes = context.sizes;
    this.#limit = (capacityBytes) => (protectedShare === 0 ? 0 : shareBytes({ ...context, capacityBytes }, protectedShare));
    this.resized(context.capacityBytes);
  }

  touch(id: number): void {
    const segments = this.#segments;
    if (segments.of[id] === PROTECTED) {
      segments.renew(id);
    } else if (this.#unused[id] === 1 || this.#sizes[id]! > this.#protectedLimit) {
      this.#unused[id] = 0;
      segments.renew(id);
    } else {
      segments.enter(PROTECTED, id);
      this.#demoteExcess();
    }
  }

  insert(id: number, used: boolean): void {
    this.#unused[id] = used ? 0 : 1;
    this.#segments.enter(PROBATION, id);
  }

  remove(id: number): void {
    this.#segments.leave(id);
  }

  victim(_incoming: number, pins: Pins): number {
    const id = this.#segments.oldest(PROBATION, pins);
    return id !== NONE ? id : this.#segments.oldest(PROTECTED, pins);
  }

  resized(capacityBytes: number): void {
    this.#protectedLimit = this.#limit(capacityBytes);
    this.#demoteExcess();
  }

  #demoteExcess(): void {
    const segments = this.#segments;
    while (segments.bytes[PROTECTED]! > this.#protectedLimit) segments.enter(PROBATION, segments.last(PROTECTED));
  }
}

/** Karedla, Love and Wherry, "Caching strategies to improve disk system performance", IEEE Computer 27(3), 1994: two segments. */
export const slru: PolicyDefinition = {
  name: 'slru',
  summary: 'LRU in two segments; only experts used twice reach the protected one',
  cites: 'Karedla, Love and Wherry, IEEE Computer 27(3), 1994',
  parameters: { protected: { default: 0.8, description: 'share of the capacity that is protected', min: 0, max: 1 } },
  create: (context, values) => new Slru(context, Number(values.protected)),
};
