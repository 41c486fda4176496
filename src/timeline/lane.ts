import type { Place, TraceEvents } from './events.js';
import type { Kind } from './kinds.js';
import { Track } from './track.js';

const DEMAND = 1;
const PREFETCH = 2;

/** A part of a transfer, whole ns. */
interface Part {
  readonly place: Place;
  readonly startNs: number;
  readonly endNs: number;
}

/** A prefetch over one link. */
export interface Copy {
  readonly id: number;
  readonly bytes: number;
  /** Start of the layer whose routing decided it, whole ns; -1: unknown, or not drawn. */
  decidedNs: number;
  readonly parts: Part[];
  /** The lane on which it may still yield; null: it is final. */
  lane: Lane | null;
}

/** A prefetch that yields to nothing, after one that is not final, exact ns. */
interface Behind {
  readonly copy: Copy;
  readonly startNs: number;
  readonly endNs: number;
}

/** One lane of a link as a track. Prefetches yield to demands (L10) as several slices, final when the lane moves on or the use is known. */
export class Lane {
  readonly #place: Place;
  readonly #track = new Track(2);
  /** The prefetch that may still give way, and what of it is no part yet, exact ns. */
  #copy: Copy | null = null;
  #fromNs = 0;
  #toNs = 0;
  readonly #behind: Behind[] = [];

  constructor(place: Place) {
    this.#place = place;
  }

  /** A transfer that interrupts a prefetch on its way and yields to nothing. @param resumedNs when that one now arrives, if there is one */
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

  /** A prefetch that yields to nothing; it goes between two parts of the one that is on its way as a {@link demand} does, or after it. */
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

  /** True if it carries a prefetch of an expert that would end after `ns`. */
  carries(id: number, ns: number): boolean {
    return this.#copy?.id === id && this.#toNs > ns;
  }

  /** @returns the prefetches that are final for a transfer from `startNs` on, in order of time */
  arrived(startNs: number): Copy[] {
    return startNs >= this.#toNs ? this.settle() : [];
  }

  /** The prefetch on this lane gives way no more, and ends as it stands or, its lane lost, at `endNs`. @returns it, and those after it */
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

  /** Adds the part of the prefetch before `ns`. */
  #cut(ns: number): void {
    const startNs = this.#track.place(PREFETCH, this.#fromNs, ns);
    const { endNs } = this.#track;
    if (endNs > startNs) this.#copy!.parts.push({ place: this.#place, startNs, endNs });
    this.#fromNs = ns;
  }
}

/** Draws a prefetch whose parts are all final. Only one part has its bytes, so that bytes add up. */
export function drawCopy(events: TraceEvents, { bytes, parts }: Copy, kind: Kind, label: string): void {
  parts.forEach(({ endNs, place, startNs }, i) => {
    events.slice(place, kind, label, startNs, endNs, i === 0 ? `"bytes":${bytes}` : `"part":${i + 1}`);
  });
}
