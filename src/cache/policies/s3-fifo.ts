import { IdLists } from '../id-lists.js';
import { type CachePolicy, NONE, type Pins, type PolicyContext, policy } from '../policy.js';
import { shareBytes } from '../share.js';

/** Queue of an expert. */
const NOWHERE = 0;
const SMALL = 1;
const MAIN = 2;
const GHOST = 3;
/** Limit of counted uses. */
const MOST_USES = 3;

class S3Fifo implements CachePolicy {
  readonly #lists: IdLists;
  readonly #small: number;
  readonly #main: number;
  readonly #ghost: number;
  readonly #place: Uint8Array;
  /** Uses since the expert entered its queue; -1: prefetched, not yet used. */
  readonly #uses: Int8Array;
  readonly #sizes: Float64Array;
  readonly #limits: (capacityBytes: number) => { main: number; ghost: number };
  #mainLimit = 0;
  #ghostLimit = 0;
  readonly #promoteAt: number;
  #smallBytes = 0;
  #mainBytes = 0;
  #ghostBytes = 0;
  #candidate = NONE;
  #incoming = NONE;

  constructor(context: PolicyContext, small: number, ghost: number, promoteAt: number) {
    const { experts, sizes } = context;
    this.#lists = new IdLists(experts, 3);
    this.#small = experts;
    this.#main = experts + 1;
    this.#ghost = experts + 2;
    this.#place = new Uint8Array(experts);
    this.#uses = new Int8Array(experts);
    this.#sizes = sizes;
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
    const known = this.#place[id] === GHOST;
    if (known) this.#forget(id);
    this.#uses[id] = used ? 0 : -1;
    if (known) this.#enterMain(id);
    else {
      this.#place[id] = SMALL;
      this.#smallBytes += this.#sizes[id]!;
      this.#lists.pushFront(this.#small, id);
    }
    this.#incoming = NONE;
  }

  remove(id: number): void {
    const fromSmall = this.#place[id] === SMALL;
    this.#lists.unlink(id);
    this.#place[id] = NOWHERE;
    if (fromSmall) {
      this.#smallBytes -= this.#sizes[id]!;
      if (id === this.#candidate) this.#remember(id);
    } else {
      this.#mainBytes -= this.#sizes[id]!;
    }
    this.#candidate = NONE;
  }

  resized(capacityBytes: number): void {
    const { main, ghost } = this.#limits(capacityBytes);
    this.#mainLimit = main;
    this.#ghostLimit = ghost;
  }

  victim(incoming: number, pins: Pins): number {
    this.#incoming = incoming;
    const fromSmall = this.#smallBytes > 0 && this.#mainBytes <= this.#mainLimit ? this.#rejected(pins) : NONE;
    if (fromSmall !== NONE) return (this.#candidate = fromSmall);
    const fromMain = this.#unused(pins);
    return (this.#candidate = fromMain !== NONE ? fromMain : this.#lists.oldest(this.#small, pins));
  }

  /** Oldest unpinned expert on probation below `promoteAt`; older experts above move to the main queue. */
  #rejected(pins: Pins): number {
    const list = this.#lists;
    for (let id = list.newer(this.#small); id !== this.#small; ) {
      const next = list.newer(id);
      if (this.#uses[id]! >= this.#promoteAt) {
        list.unlink(id);
        this.#smallBytes -= this.#sizes[id]!;
        this.#uses[id] = 0;
        this.#enterMain(id);
      } else if (!pins.has(id)) return id;
      id = next;
    }
    return NONE;
  }

  /** Oldest unpinned unused expert of the main queue; older experts spend a use for another round. */
  #unused(pins: Pins): number {
    const list = this.#lists;
    for (;;) {
      let spared = false;
      for (let id = list.newer(this.#main); id !== this.#main; ) {
        const next = list.newer(id);
        if (!pins.has(id)) {
          if (this.#uses[id]! <= 0) return id;
          this.#uses[id]!--;
          list.moveToFront(this.#main, id);
          spared = true;
        }
        id = next;
      }
      if (!spared) return NONE;
    }
  }

  #enterMain(id: number): void {
    this.#place[id] = MAIN;
    this.#mainBytes += this.#sizes[id]!;
    this.#lists.pushFront(this.#main, id);
  }

  /** The oldest ghosts leave, except an expert just coming back. */
  #remember(id: number): void {
    const bytes = this.#sizes[id]!;
    while (this.#ghostBytes + bytes > this.#ghostLimit) {
      let oldest = this.#lists.newer(this.#ghost);
      if (oldest === this.#incoming) oldest = this.#lists.newer(oldest);
      if (oldest === this.#ghost) return;
      this.#forget(oldest);
    }
    this.#place[id] = GHOST;
    this.#ghostBytes += bytes;
    this.#lists.pushFront(this.#ghost, id);
  }

  #forget(id: number): void {
    this.#place[id] = NOWHERE;
    this.#ghostBytes -= this.#sizes[id]!;
    this.#lists.unlink(id);
  }
}

/**
 * S3-FIFO (Yang et al., SOSP 2023): queues of probation, main experts and ghosts. `small`: share of
 * probation; `ghost`: bytes remembered as a share of the capacity.
 */
export const s3Fifo = policy({
  name: 's3-fifo',
  summary: 'evicts from a small probation queue unless used twice there; second-chance FIFO for the rest',
  cites: 'Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023',
  parameters: {
    small: { default: 0.1, min: 0, max: 1, description: 'share of the capacity on probation' },
    ghost: { default: 0.9, min: 0, description: 'size of the ghost queue as a share of the capacity' },
    promoteAt: { default: 2, min: 1, max: 3, description: 'uses on probation that earn the main queue' },
  },
  create: (context, { small, ghost, promoteAt }) => new S3Fifo(context, Number(small), Number(ghost), Number(promoteAt)),
});
