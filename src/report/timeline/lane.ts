// One lane of a link as a track. A prefetch that is on its way may still give way to demands (L10): it becomes several slices with the
// demands between them, and is final when the lane takes something else, or when its expert is demanded or evicted.
import type { Place } from './events.js';
import { Track } from './track.js';

const DEMAND = 1;
const PREFETCH = 2;

/** A prefetch over one link. */
export interface Copy {
  readonly id: number;
  readonly lane: Lane;
  readonly bytes: number;
  /** Where the layer began whose routing decided it, whole ns; -1: not known. */
  readonly decidedNs: number;
  /** Its slices so far, whole ns: start, end, start, end, ... */
  readonly slices: number[];
}

/** A lane. */
export class Lane {
  readonly place: Place;
  readonly #track = new Track(2);
  /** The prefetch that may still give way, and what of it has not become a slice, exact ns. */
  #copy: Copy | null = null;
  #fromNs = 0;
  #toNs = 0;

  constructor(place: Place) {
    this.place = place;
  }

  /**
   * A transfer that yields to nothing. The prefetch before it must be settled unless this one starts while that is on its way.
   * @param resumedNs when the prefetch that it interrupts now arrives; without effect where it interrupts none
   * @returns its start, whole ns; its end is `endNs`
   */
  demand(startNs: number, endNs: number, resumedNs: number): number {
    const interrupted = this.#copy !== null && startNs < this.#toNs;
    if (interrupted) this.#cut(startNs);
    const start = this.#track.place(DEMAND, startNs, endNs);
    if (interrupted) {
      this.#fromNs = endNs;
      this.#toNs = resumedNs;
    }
    return start;
  }

  /** Where the last slice ends, whole ns. */
  get endNs(): number {
    return this.#track.endNs;
  }

  /** A prefetch starts; the one before it has been settled. */
  prefetch(copy: Copy, startNs: number, endNs: number): void {
    this.#copy = copy;
    this.#fromNs = startNs;
    this.#toNs = endNs;
  }

  /** @returns the prefetch that a transfer from `startNs` on finds final, which {@link settle} then ends; null: there is none */
  doneBy(startNs: number): Copy | null {
    return startNs >= this.#toNs ? this.#copy : null;
  }

  /** The prefetch on this lane gives way no more: what is left of it is a slice. */
  settle(): Copy | null {
    const copy = this.#copy;
    if (copy !== null) this.#cut(this.#toNs);
    this.#copy = null;
    return copy;
  }

  /** True while `copy` may still give way. */
  carries(copy: Copy): boolean {
    return this.#copy === copy;
  }

  /** What of the prefetch lies before `ns` is a slice. */
  #cut(ns: number): void {
    const start = this.#track.place(PREFETCH, this.#fromNs, ns);
    if (this.endNs > start) this.#copy!.slices.push(start, this.endNs);
    this.#fromNs = ns;
  }
}
