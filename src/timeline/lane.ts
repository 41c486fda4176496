import type { Place, TraceEvents } from './events.js';
import type { Kind } from './kinds.js';
import { Track } from './track.js';

/** Kinds of slices on a lane's track. */
const DEMAND = 1;
const PREFETCH = 2;

/** Part of a transfer, whole ns. */
interface Part {
  readonly place: Place;
  readonly startNs: number;
  readonly endNs: number;
}

/** Prefetch over one link. */
export interface Copy {
  readonly id: number;
  readonly bytes: number;
  /** Start of the deciding layer, whole ns; -1: unknown or not drawn. */
  decidedNs: number;
  readonly parts: Part[];
  /** Lane on which the copy may still yield; null: final. */
  lane: Lane | null;
}

/** Fixed prefetch queued after an open prefetch, exact ns. */
interface Behind {
  readonly copy: Copy;
  readonly startNs: number;
  readonly endNs: number;
}

/**
 * Lane of a link as a track. An open prefetch yields to demands (L10) and splits into slices, until the lane moves on
 * or the use is known; a fixed transfer never yields.
 */
export class Lane {
  readonly #place: Place;
  readonly #track = new Track(2);
  /** Open prefetch, and its undrawn remainder, exact ns. */
  #copy: Copy | null = null;
  #fromNs = 0;
  #toNs = 0;
  readonly #behind: Behind[] = [];

  constructor(place: Place) {
    this.#place = place;
  }

  /** Draws a fixed transfer. @param resumedNs new arrival of the interrupted prefetch */
  demand(startNs: number, endNs: number, resumedNs: number): Part {
    const interrupts = this.#copy !== null && startNs < this.#toNs;
    if (interrupts) this.#cut(startNs);
    const start = this.#track.place(DEMAND, startNs, endNs);
    if (interrupts) {
      this.#fromNs = endNs;
      this.#toNs = resumedNs;
    }
    return { place: this.#place, startNs: start, endNs: this.#track.endNs };
  }

  /** Draws a fixed prefetch, inside the open prefetch or queued. */
  placed(copy: Copy, startNs: number, endNs: number, resumedNs: number): void {
    if (this.#copy !== null && startNs >= this.#toNs) {
      copy.lane = this;
      this.#behind.push({ copy, startNs, endNs });
    } else copy.parts.push(this.demand(startNs, endNs, resumedNs));
  }

  prefetch(copy: Copy, startNs: number, endNs: number): void {
    copy.lane = this;
    this.#copy = copy;
    this.#fromNs = startNs;
    this.#toNs = endNs;
  }

  carries(id: number, ns: number): boolean {
    return this.#copy?.id === id && this.#toNs > ns;
  }

  /** @returns prefetches made final by a transfer from `startNs`, in time order */
  arrived(startNs: number): Copy[] {
    return startNs >= this.#toNs ? this.settle() : [];
  }

  /** Finalizes the open prefetch, at `endNs` if the lane was lost. @returns final prefetches, queue included */
  settle(endNs: number = this.#toNs): Copy[] {
    const copy = this.#copy;
    if (copy === null) return [];
    if (endNs > this.#fromNs) this.#cut(endNs);
    copy.lane = null;
    this.#copy = null;
    const final = [copy];
    for (const waiting of this.#behind) {
      waiting.copy.parts.push(this.demand(waiting.startNs, waiting.endNs, 0));
      waiting.copy.lane = null;
      final.push(waiting.copy);
    }
    this.#behind.length = 0;
    return final;
  }

  #cut(ns: number): void {
    const startNs = this.#track.place(PREFETCH, this.#fromNs, ns);
    const { endNs } = this.#track;
    if (endNs > startNs) this.#copy!.parts.push({ place: this.#place, startNs, endNs });
    this.#fromNs = ns;
  }
}

/** Draws a final prefetch. Only the first part has bytes, so sums are correct. */
export function drawCopy(events: TraceEvents, { bytes, parts }: Copy, kind: Kind, label: string): void {
  parts.forEach(({ endNs, place, startNs }, i) => {
    events.slice(place, kind, label, startNs, endNs, i === 0 ? `"bytes":${bytes}` : `"part":${i + 1}`);
  });
}
