// S3-FIFO: a small queue on probation, a main queue of those that proved useful, and a ghost queue that remembers the rejected.
import { type CachePolicy, NONE, type Pins, type PolicyContext, type PolicyDefinition } from '../policy.js';
import { Segments } from '../segments.js';
import { shareBytes } from '../share.js';

/** On probation, proved useful, and ghosts of the rejected. */
const SMALL = 1;
const MAIN = 2;
const GHOST = 3;
/** Uses beyond this are not counted. */
const MOST_USES = 3;

class S3Fifo implements CachePolicy {
  readonly #segments: Segments;
  /** Uses since the expert entered its queue; -1 for a prefetched one whose first use is still to come. */
  readonly #uses: Int8Array;
  readonly #limits: (capacityBytes: number) => { main: number; ghost: number };
  #mainLimit = 0;
  #ghostLimit = 0;
  readonly #promoteAt: number;
  #candidate = NONE;
  #incoming = NONE;

  constructor(context: PolicyContext, small: number, ghost: number, promoteAt: number) {
    this.#segments = new Segments(context, GHOST);
    this.#uses = new Int8Array(context.experts);
    this.#limits = (capacityBytes) => ({
      main: capacityBytes - shareBytes({ ...context, capacityBytes }, small),
      ghost: ghost * capacityBytes,
    });
    this.#promoteAt = promoteAt;
    this.resized(context.capacityBytes);
  }

  touch(id: number): void {
    if (this.#uses[id]! < MOST_USES) this.#uses[id]!++;
  }

  insert(id: number, used: boolean): void {
    this.#uses[id] = used ? 0 : -1;
    this.#segments.enter(this.#segments.of[id] === GHOST ? MAIN : SMALL, id);
    this.#incoming = NONE;
  }

  /** The ghost queue takes the victim; its oldest go, but not the one that is just coming back. */
  remove(id: number): void {
    const fromSmall = this.#segments.of[id] === SMALL;
    this.#segments.leave(id);
    if (fromSmall && id === this.#candidate) this.#segments.remember(GHOST, id, this.#ghostLimit, this.#incoming);
    this.#candidate = NONE;
  }

  /** Ghosts beyond a smaller limit go when the next one comes. */
  resized(capacityBytes: number): void {
    const { main, ghost } = this.#limits(capacityBytes);
    this.#mainLimit = main;
    this.#ghostLimit = ghost;
  }

  victim(incoming: number, pins: Pins): number {
    this.#incoming = incoming;
    const { bytes } = this.#segments;
    const fromSmall = bytes[SMALL]! > 0 && bytes[MAIN]! <= this.#mainLimit ? this.#rejected(pins) : NONE;
    if (fromSmall !== NONE) return (this.#candidate = fromSmall);
    const fromMain = this.#unused(pins);
    return (this.#candidate = fromMain !== NONE ? fromMain : this.#segments.oldest(SMALL, pins));
  }

  /** The oldest unpinned expert on probation that has not earned the main queue; the older ones that have move there. */
  #rejected(pins: Pins): number {
    const { lists } = this.#segments;
    const end = this.#segments.end(SMALL);
    for (let id = lists.newer(end); id !== end; ) {
      const next = lists.newer(id);
      if (this.#uses[id]! >= this.#promoteAt) {
        this.#uses[id] = 0;
        this.#segments.enter(MAIN, id);
      } else if (!pins.has(id)) return id;
      id = next;
    }
    return NONE;
  }

  /** The oldest unpinned expert of the main queue without a use; the older ones go round once more for one of theirs. */
  #unused(pins: Pins): number {
    const { lists } = this.#segments;
    const end = this.#segments.end(MAIN);
    for (;;) {
      let spared = false;
      for (let id = lists.newer(end); id !== end; ) {
        const next = lists.newer(id);
        if (!pins.has(id)) {
          if (this.#uses[id]! <= 0) return id;
          this.#uses[id]!--;
          lists.moveToFront(end, id);
          spared = true;
        }
        id = next;
      }
      if (!spared) return NONE;
    }
  }
}

/**
 * Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023. `small` is the share of the queue on probation, `ghost`
 * the bytes that the ghost queue remembers as a share of the capacity, `promoteAt` the uses that lead from probation to the main queue.
 */
export const s3Fifo: PolicyDefinition = {
  name: 's3-fifo',
  summary: 'evicts from a small probation queue unless used twice there; second-chance FIFO for the rest',
  cites: 'Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023',
  parameters: {
    small: { default: 0.1, description: 'share of the capacity on probation', min: 0, max: 1 },
    ghost: { default: 0.9, description: 'size of the ghost queue as a share of the capacity', min: 0 },
    promoteAt: { default: 2, description: 'uses on probation that earn the main queue', min: 1, max: MOST_USES },
  },
  create: (context, { small, ghost, promoteAt }) => new S3Fifo(context, Number(small), Number(ghost), Number(promoteAt)),
};
