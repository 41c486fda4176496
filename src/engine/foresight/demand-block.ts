// A stretch of what a run demands, as it is recorded: who, in which events, and how long their work takes.

import { grown } from '../../base/grown.js';

/** Demands of a block: 4 million, some ten thousand tokens; a run that has more is replayed in several. */
const BLOCK_DEMANDS = 1 << 22;

/** Demands and events of a block. Grows to its size as they come. */
export class DemandBlock {
  /** By demand: its expert, dense id. */
  ids: Uint16Array | Int32Array;
  /** By demand: the next one of the same expert, see {@link lookBack}. */
  next = new Int32Array(0);
  demands = 0;
  /** By event: its first demand; the entry behind the last one is the number of demands. */
  starts = new Int32Array(1 << 12);
  /** By event: work before it, of one of its experts on the GPU, and of one on the CPU, ns. */
  times = new Float64Array(3 << 12);
  events = 0;
  /** By pass: events up to its end, and ns of work behind the last of them. */
  readonly passEvents: number[] = [];
  readonly tailsNs: number[] = [];

  /** @param experts dense ids are below it */
  constructor(experts: number) {
    this.ids = experts <= 1 << 16 ? new Uint16Array(1 << 14) : new Int32Array(1 << 14);
  }

  /** True where an event of `size` demands still fits. */
  fits(size: number): boolean {
    return this.demands + size <= BLOCK_DEMANDS;
  }

  /** Appends an event. */
  append(ids: Int32Array, size: number, gapNs: number, gpuNs: number, cpuNs: number): void {
    if (this.demands + size > this.ids.length) this.ids = grown(this.ids, this.demands + size);
    if (this.events + 2 > this.starts.length) {
      this.starts = grown(this.starts);
      this.times = grown(this.times);
    }
    const own = this.ids;
    let at = this.demands;
    for (let i = 0; i < size; i++) own[at++] = ids[i]!;
    this.demands = at;
    const time = 3 * this.events;
    this.times[time] = gapNs;
    this.times[time + 1] = gpuNs;
    this.times[time + 2] = cpuNs;
    this.starts[++this.events] = at;
  }

  /**
   * Looks back over the block: `next[d]` becomes the demand that asks for the expert of demand d next, or `demands` + its id where none
   * does. `first[id]` becomes the first demand of each expert in the same way.
   */
  lookBack(first: Int32Array): void {
    const { demands, ids } = this;
    if (this.next.length < demands) this.next = new Int32Array(demands);
    const { next } = this;
    for (let id = 0; id < first.length; id++) first[id] = demands + id;
    for (let d = demands - 1; d >= 0; d--) {
      const id = ids[d]!;
      next[d] = first[id]!;
      first[id] = d;
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.demands = this.events = this.passEvents.length = this.tailsNs.length = 0;
  }
}
