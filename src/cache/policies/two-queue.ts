// 2Q: newcomers pass through a FIFO; only those that are asked for again after leaving it enter the main LRU.
import { FIRST, GHOST, GhostQueues, MAIN } from '../ghost-queues.js';
import { type CachePolicy, NONE, type Pins, type PolicyContext, type PolicyDefinition } from '../policy.js';
import { shareBytes } from '../share.js';

class TwoQueue extends GhostQueues implements CachePolicy {
  readonly #limits: (capacityBytes: number) => { in: number; out: number };
  #inLimit = 0;

  constructor(context: PolicyContext, inShare: number, outShare: number) {
    super(context);
    this.#limits = (capacityBytes) => ({
      in: shareBytes({ ...context, capacityBytes }, inShare),
      out: outShare * capacityBytes,
    });
    this.resized(context.capacityBytes);
  }

  touch(id: number): void {
    if (this.place[id] === MAIN) this.lists.moveToFront(this.main, id);
  }

  insert(id: number): void {
    this.incoming = NONE;
    if (this.place[id] === GHOST) {
      this.forget(id);
      this.place[id] = MAIN;
      this.lists.pushFront(this.main, id);
    } else this.enterFirst(id);
  }

  remove(id: number): void {
    const wasIn = this.place[id] === FIRST;
    this.lists.unlink(id);
    this.place[id] = 0;
    if (wasIn) {
      this.firstBytes -= this.sizes[id]!;
      if (id === this.candidate) this.remember(id);
    }
    this.candidate = NONE;
  }

  /** After the limit shrinks, surplus ghosts are dropped at the next eviction. */
  resized(capacityBytes: number): void {
    const limits = this.#limits(capacityBytes);
    this.#inLimit = limits.in;
    this.ghostLimit = limits.out;
  }

  victim(incoming: number, pins: Pins): number {
    this.incoming = incoming;
    const preferred = this.firstBytes > this.#inLimit ? this.first : this.main;
    const id = this.lists.oldest(preferred, pins);
    return (this.candidate = id !== NONE ? id : this.lists.oldest(preferred === this.first ? this.main : this.first, pins));
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
