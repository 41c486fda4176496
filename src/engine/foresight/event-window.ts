import { grown } from '../../base/grown.js';
import { DemandBlock, WORK } from './demand-block.js';

/** Window on a run: demand by GPU, and work between events. */
export class EventWindow {
  readonly blocks: readonly DemandBlock[];
  events = 0;
  /** By event: preceding work, ns. */
  gapsNs: Float64Array = new Float64Array(1 << 12);
  /** Events with all experts resident, and sending results back, ns; null: a single GPU. */
  several: Float64Array | null;
  /** By pass: events up to its end, and work after the last event, ns. */
  passEvents: number[] = [];
  tailsNs: number[] = [];
  #gapNs = 0;

  constructor(experts: readonly number[]) {
    this.blocks = experts.map((count) => new DemandBlock(count));
    this.several = experts.length === 1 ? null : new Float64Array(2 << 12);
  }

  fits(size: number): boolean {
    for (let g = 0; g < this.blocks.length; g++) if (!this.blocks[g]!.fits(size)) return false;
    return true;
  }

  dense(ns: number): void {
    this.#gapNs += ns;
  }

  event(work: Float64Array): void {
    if (this.events === this.gapsNs.length) {
      this.gapsNs = grown(this.gapsNs);
      if (this.several !== null) this.several = grown(this.several);
    }
    if (this.several !== null) {
      this.several[2 * this.events] = work[WORK.resident]!;
      this.several[2 * this.events + 1] = work[WORK.back]!;
    }
    this.gapsNs[this.events++] = this.#gapNs;
    this.#gapNs = 0;
  }

  passEnded(): void {
    this.passEvents.push(this.events);
    this.tailsNs.push(this.#gapNs);
    this.#gapNs = 0;
  }

  forget(event: number): void {
    for (const block of this.blocks) block.forget(event);
    this.gapsNs.copyWithin(0, event, this.events);
    this.several?.copyWithin(0, 2 * event, 2 * this.events);
    const ended = this.passEvents.filter((end) => end <= event).length;
    this.passEvents = this.passEvents.slice(ended).map((end) => end - event);
    this.tailsNs = this.tailsNs.slice(ended);
    this.events -= event;
  }
}
