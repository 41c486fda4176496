// 2Q: newcomers pass through a FIFO; only those that are asked for again after leaving it enter the main LRU.
import { type CachePolicy, NONE, type Pins, type PolicyContext, type PolicyDefinition } from '../policy.js';
import { Segments } from '../segments.js';
import { shareBytes } from '../share.js';

/** Newcomers, those asked for again, and ghosts. */
const IN = 1;
const MAIN = 2;
const OUT = 3;

class TwoQueue implements CachePolicy {
  readonly #segments: Segments;
  readonly #limits: (capacityBytes: number) => { in: number; out: number };
  #inLimit = 0;
  #outLimit = 0;
  #candidate = NONE;
  #incoming = NONE;

  constructor(context: PolicyContext, inShare: number, outShare: number) {
    this.#segments = new Segments(context, OUT);
    this.#limits = (capacityBytes) => ({
      in: shareBytes({ ...context, capacityBytes }, inShare),
      out: outShare * capacityBytes,
    });
    this.resized(context.capacityBytes);
  }

  touch(id: number): void {
    if (this.#segments.of[id] === MAIN) this.#segments.renew(id);
  }

  insert(id: number): void {
    this.#incoming = NONE;
    this.#segments.enter(this.#segments.of[id] === OUT ? MAIN : IN, id);
  }

  /** The list of those that left takes the victim; its oldest go, but not the one that is just coming back. */
  remove(id: number): void {
    const wasIn = this.#segments.of[id] === IN;
    this.#segments.leave(id);
    if (wasIn && id === this.#candidate) this.#segments.remember(OUT, id, this.#outLimit, this.#incoming);
    this.#candidate = NONE;
  }

  /** After the limit shrinks, surplus ghosts are dropped at the next eviction. */
  resized(capacityBytes: number): void {
    const limits = this.#limits(capacityBytes);
    this.#inLimit = limits.in;
    this.#outLimit = limits.out;
  }

  victim(incoming: number, pins: Pins): number {
    this.#incoming = incoming;
    const preferred = this.#segments.bytes[IN]! > this.#inLimit ? IN : MAIN;
    const id = this.#segments.oldest(preferred, pins);
    return (this.#candidate = id !== NONE ? id : this.#segments.oldest(preferred === IN ? MAIN : IN, pins));
  }
}

/** Johnson and Shasha, "2Q: a low overhead high performance buffer management replacement algorithm", VLDB 1994 (full version). */
export const twoQueue: PolicyDefinition = {
  name: 'two-queue',
  summary: 'FIFO for newcomers, LRU for those demanded again after leaving it',
  cites: 'Johnson and Shasha, "2Q", VLDB 1994',
  parameters: {
    in: { default: 0.25, description: 'share of the capacity for newcomers', min: 0, max: 1 },
    out: { default: 0.5, description: 'bytes remembered after leaving, as a share of the capacity', min: 0 },
  },
  create: (context, values) => new TwoQueue(context, Number(values.in), Number(values.out)),
};
