// Experts in segments, each a queue with its bytes: residents by how they have proved themselves, and ghosts of those that left. The common part
// of policies with several queues.
import { IdLists } from './id-lists.js';
import type { Pins, PolicyContext } from './policy.js';

/** In no segment. */
export const NO_SEGMENT = 0;

/** Segments, numbered from 1, in which the newest experts are in front. */
export class Segments {
  /** Segment of each expert, or {@link NO_SEGMENT}. */
  readonly of: Uint8Array;
  /** By segment: bytes of its experts. */
  readonly bytes: Float64Array;
  readonly lists: IdLists;
  readonly #sizes: Float64Array;

  constructor({ experts, sizes }: PolicyContext, segments: number) {
    this.of = new Uint8Array(experts);
    this.bytes = new Float64Array(segments + 1);
    this.lists = new IdLists(experts, segments + 1);
    this.#sizes = sizes;
  }

  /** Sentinel of a segment's list. */
  end(segment: number): number {
    return this.lists.end + segment;
  }

  /** Puts `id` in front of a segment; it leaves the one that it is in. */
  enter(segment: number, id: number): void {
    if (this.of[id] !== NO_SEGMENT) this.leave(id);
    this.of[id] = segment;
    this.bytes[segment]! += this.#sizes[id]!;
    this.lists.pushFront(this.end(segment), id);
  }

  /** Takes `id` out of its segment. */
  leave(id: number): void {
    const segment = this.of[id]!;
    this.of[id] = NO_SEGMENT;
    this.bytes[segment]! -= this.#sizes[id]!;
    this.lists.unlink(id);
  }

  /** Moves `id` to the front of its segment. */
  renew(id: number): void {
    this.lists.moveToFront(this.end(this.of[id]!), id);
  }

  /** The oldest of a segment; of an empty one its sentinel. */
  last(segment: number): number {
    return this.lists.newer(this.end(segment));
  }

  /** The oldest of a segment that is not pinned, or NONE. */
  oldest(segment: number, pins: Pins): number {
    return this.lists.oldest(this.end(segment), pins);
  }

  /** Puts `id`, which is nowhere, in front of a segment of at most `limit` bytes: its oldest go, but not `spared`. Without room it stays nowhere. */
  remember(segment: number, id: number, limit: number, spared: number): void {
    while (this.bytes[segment]! + this.#sizes[id]! > limit) {
      let oldest = this.last(segment);
      if (oldest === spared) oldest = this.lists.newer(oldest);
      if (oldest === this.end(segment)) return;
      this.leave(oldest);
    }
    this.enter(segment, id);
  }
}
