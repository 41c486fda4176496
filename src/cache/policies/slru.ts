import { IdLists } from '../id-lists.js';
import { type CachePolicy, NONE, type Pins, type PolicyContext, policy } from '../policy.js';
import { shareBytes } from '../share.js';

const PROBATION = 0;
const PROTECTED = 1;
/** Prefetched, not yet used. */
const UNUSED = 2;

class Slru implements CachePolicy {
  readonly #lists: IdLists;
  readonly #probation: number;
  readonly #protected: number;
  readonly #place: Uint8Array;
  readonly #sizes: Float64Array;
  readonly #limit: (capacityBytes: number) => number;
  #protectedLimit = 0;
  #protectedBytes = 0;

  constructor(context: PolicyContext, protectedShare: number) {
    const { experts, sizes } = context;
    this.#lists = new IdLists(experts, 2);
    this.#probation = experts;
    this.#protected = experts + 1;
    this.#place = new Uint8Array(experts);
    this.#sizes = sizes;
    this.#limit = (capacityBytes) => (protectedShare === 0 ? 0 : shareBytes({ ...context, capacityBytes }, protectedShare));
    this.resized(context.capacityBytes);
  }

  touch(id: number): void {
    const place = this.#place[id]!;
    if (place === PROTECTED) {
      this.#lists.moveToFront(this.#protected, id);
    } else if (place === UNUSED || this.#sizes[id]! > this.#protectedLimit) {
      this.#place[id] = PROBATION;
      this.#lists.moveToFront(this.#probation, id);
    } else {
      this.#lists.unlink(id);
      this.#place[id] = PROTECTED;
      this.#protectedBytes += this.#sizes[id]!;
      this.#lists.pushFront(this.#protected, id);
      this.#demoteExcess();
    }
  }

  insert(id: number, used: boolean): void {
    this.#place[id] = used ? PROBATION : UNUSED;
    this.#lists.pushFront(this.#probation, id);
  }

  remove(id: number): void {
    if (this.#place[id] === PROTECTED) this.#protectedBytes -= this.#sizes[id]!;
    this.#lists.unlink(id);
  }

  victim(_incoming: number, pins: Pins): number {
    const id = this.#lists.oldest(this.#probation, pins);
    return id !== NONE ? id : this.#lists.oldest(this.#protected, pins);
  }

  resized(capacityBytes: number): void {
    this.#protectedLimit = this.#limit(capacityBytes);
    this.#demoteExcess();
  }

  #demoteExcess(): void {
    while (this.#protectedBytes > this.#protectedLimit) {
      const id = this.#lists.newer(this.#protected);
      this.#lists.unlink(id);
      this.#place[id] = PROBATION;
      this.#protectedBytes -= this.#sizes[id]!;
      this.#lists.pushFront(this.#probation, id);
    }
  }
}

/** Segmented LRU: newcomers are on probation; a second use protects. */
export const slru = policy({
  name: 'slru',
  summary: 'LRU in two segments; only experts used twice reach the protected one',
  cites: 'Karedla, Love and Wherry, IEEE Computer 27(3), 1994',
  parameters: { protected: { default: 0.8, min: 0, max: 1, description: 'share of the capacity that is protected' } },
  create: (context, values) => new Slru(context, values.protected),
});
