// The common part of policies with a queue for newcomers, a main queue and a queue of ghosts, which remembers newcomers that left.
import { IdLists } from './id-lists.js';
import { NONE, type PolicyContext } from './policy.js';

/** Where an expert is, if it is anywhere: 0. */
export const FIRST = 1;
export const MAIN = 2;
export const GHOST = 3;

/** The queues, each with the newest in front. Bytes of the main one are counted by those that look at them. */
export class GhostQueues {
  protected readonly lists: IdLists;
  /** Sentinels of the queues. */
  protected readonly first: number;
  protected readonly main: number;
  protected readonly ghost: number;
  protected readonly place: Uint8Array;
  protected readonly sizes: Float64Array;
  protected firstBytes = 0;
  protected ghostBytes = 0;
  protected ghostLimit = 0;
  protected candidate = NONE;
  protected incoming = NONE;

  constructor({ experts, sizes }: PolicyContext) {
    this.lists = new IdLists(experts, 3);
    this.first = experts;
    this.main = experts + 1;
    this.ghost = experts + 2;
    this.place = new Uint8Array(experts);
    this.sizes = sizes;
  }

  /** Takes a newcomer in. */
  protected enterFirst(id: number): void {
    this.place[id] = FIRST;
    this.firstBytes += this.sizes[id]!;
    this.lists.pushFront(this.first, id);
  }

  /** The queue of ghosts takes the victim; its oldest go, but not the one that is just coming back. */
  protected remember(id: number): void {
    const bytes = this.sizes[id]!;
    while (this.ghostBytes + bytes > this.ghostLimit) {
      let oldest = this.lists.newer(this.ghost);
      if (oldest === this.incoming) oldest = this.lists.newer(oldest);
      if (oldest === this.ghost) return;
      this.forget(oldest);
    }
    this.place[id] = GHOST;
    this.ghostBytes += bytes;
    this.lists.pushFront(this.ghost, id);
  }

  /** Takes a ghost out. */
  protected forget(id: number): void {
    this.place[id] = 0;
    this.ghostBytes -= this.sizes[id]!;
    this.lists.unlink(id);
  }
}
