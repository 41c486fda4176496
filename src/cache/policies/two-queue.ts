import { IdLists } from '../id-lists.js';
import { type CachePolicy, NONE, type Pins, type PolicyContext, policy } from '../policy.js';
import { shareBytes } from '../share.js';

/** Queue of an expert. */
const NOWHERE = 0;
const IN = 1;
const MAIN = 2;
const OUT = 3;

class TwoQueue implements CachePolicy {
  readonly #lists: IdLists;
  readonly #in: number;
  readonly #main: number;
  readonly #out: number;
  readonly #place: Uint8Array;
  readonly #sizes: Float64Array;
  readonly #limits: (capacityBytes: number) => { in: number; out: number };
  #inLimit = 0;
  #outLimit = 0;
  #inBytes = 0;
  #outBytes = 0;
  #candidate = NONE;
  #incoming = NONE;

  constructor(context: PolicyContext, inShare: number, outShare: number) {
    const { experts, sizes } = context;
    this.#lists = new IdLists(experts, 3);
    this.#in = experts;
    this.#main = experts + 1;
    this.#out = experts + 2;
    this.#place = new Uint8Array(experts);
    this.#sizes = sizes;
    this.#limits = (capacityBytes) => ({ in: shareBytes({ ...context, capacityBytes }, inShare), out: outShare * capacityBytes });
    this.resized(context.capacityBytes);
  }

  touch(id: number): void {
    if (this.#place[id] === MAIN) this.#lists.moveToFront(this.#main, id);
  }

  insert(id: number): void {
    this.#incoming = NONE;
    if (this.#place[id] === OUT) {
      this.#forget(id);
      this.#place[id] = MAIN;
      this.#lists.pushFront(this.#main, id);
    } else {
      this.#place[id] = IN;
      this.#inBytes += this.#sizes[id]!;
      this.#lists.pushFront(this.#in, id);
    }
  }

  remove(id: number): void {
    const wasIn = this.#place[id] === IN;
    this.#lists.unlink(id);
    this.#place[id] = NOWHERE;
    if (wasIn) {
      this.#inBytes -= this.#sizes[id]!;
      if (id === this.#candidate) this.#remember(id);
    }
    this.#candidate = NONE;
  }

  resized(capacityBytes: number): void {
    const limits = this.#limits(capacityBytes);
    this.#inLimit = limits.in;
    this.#outLimit = limits.out;
  }

  victim(incoming: number, pins: Pins): number {
    this.#incoming = incoming;
    const preferred = this.#inBytes > this.#inLimit ? this.#in : this.#main;
    const id = this.#lists.oldest(preferred, pins);
    return (this.#candidate = id !== NONE ? id : this.#lists.oldest(preferred === this.#in ? this.#main : this.#in, pins));
  }

  /** The oldest ghosts leave, except an expert just coming back. */
  #remember(id: number): void {
    const bytes = this.#sizes[id]!;
    while (this.#outBytes + bytes > this.#outLimit) {
      let oldest = this.#lists.newer(this.#out);
      if (oldest === this.#incoming) oldest = this.#lists.newer(oldest);
      if (oldest === this.#out) return;
      this.#forget(oldest);
    }
    this.#place[id] = OUT;
    this.#outBytes += bytes;
    this.#lists.pushFront(this.#out, id);
  }

  #forget(id: number): void {
    this.#place[id] = NOWHERE;
    this.#outBytes -= this.#sizes[id]!;
    this.#lists.unlink(id);
  }
}

/** 2Q (full version): newcomers pass a FIFO; a return after leaving it enters the main LRU. */
export const twoQueue = policy({
  name: 'two-queue',
  summary: 'FIFO for newcomers, LRU for those demanded again after leaving it',
  cites: 'Johnson and Shasha, "2Q", VLDB 1994',
  parameters: {
    in: { default: 0.25, min: 0, max: 1, description: 'share of the capacity for newcomers' },
    out: { default: 0.5, min: 0, description: 'bytes remembered after leaving, as a share of the capacity' },
  },
  create: (context, values) => new TwoQueue(context, values.in, values.out),
});
