// A window on what a run demands of one GPU: who, in which events, and how long their work takes. It is recorded at one end; when it is full, its
// first half is gone through, with all of the second half known, and forgotten.
import { grown } from '../../base/grown.js';

/**
 * Times of an event, ns: of all its experts on a GPU, the same on the CPU (Infinity: they are not computed there), of all GPUs together with
 * every expert resident, and of sending back what they have computed. Numbers that are handed on in an array are not allocated.
 */
export const WORK = { gpu: 0, cpu: 1, resident: 2, back: 3 } as const;

/** How far ahead is seen: so many demands for each expert, and at least so many. The window is four times as long. */
const DEMANDS_AHEAD = 16;
const LEAST_AHEAD = 1 << 14;

/** No demand is so near to the numbers of experts that are not asked for. */
export const FAR = 1 << 14;

/** Demands and events, numbered from the beginning of the window. */
export class DemandBlock {
  /** From here on each expert has a number of its own, `limit` + its id: it is not asked for as far as is known. */
  readonly limit: number;
  /** Most demands. */
  readonly #room: number;
  /** By demand: its expert, dense id. */
  readonly ids: Uint16Array | Int32Array;
  /** By demand: the next one of the same expert, or `limit` + its id. */
  readonly next: Int32Array;
  demands = 0;
  /** By event: its first demand; the entry behind the last one is the number of demands. */
  starts = new Int32Array(1 << 12);
  /** By event: work of one of its experts on the GPU, and of one on the CPU, ns; each is taken to need as much as the others. */
  times: Float64Array = new Float64Array(2 << 12);
  events = 0;
  /** By expert: its first demand, or `limit` + its id. */
  readonly first: Int32Array;
  /** By expert: its last demand, -1: the window has none. */
  readonly #last: Int32Array;

  /** @param experts dense ids are below it */
  constructor(experts: number) {
    // An event has at most as many demands as there are experts.
    const room = 4 * Math.max(LEAST_AHEAD, DEMANDS_AHEAD * experts) + experts;
    this.#room = room;
    this.limit = room + FAR;
    this.ids = experts <= 1 << 16 ? new Uint16Array(room) : new Int32Array(room);
    this.next = new Int32Array(room);
    this.first = new Int32Array(experts);
    for (let id = 0; id < experts; id++) this.first[id] = this.limit + id;
    this.#last = new Int32Array(experts).fill(-1);
  }

  /** True where an event of `size` demands still fits. */
  fits(size: number): boolean {
    return this.demands + size <= this.#room;
  }

  /** Appends an event, see {@link WORK}. */
  append(ids: Int32Array, size: number, work: Float64Array): void {
    if (this.events + 2 > this.starts.length) {
      this.starts = grown(this.starts);
      this.times = grown(this.times);
    }
    const { first, ids: own, limit, next } = this;
    const last = this.#last;
    let at = this.demands;
    for (let i = 0; i < size; i++) {
      const id = ids[i]!;
      const before = last[id]!;
      own[at] = id;
      next[at] = limit + id;
      if (before >= 0) next[before] = at;
      else if (first[id]! >= limit) first[id] = at;
      last[id] = at++;
    }
    this.demands = at;
    const time = 2 * this.events;
    // An event may ask nothing of this GPU.
    this.times[time] = size === 0 ? 0 : work[WORK.gpu]! / size;
    this.times[time + 1] = size === 0 ? 0 : work[WORK.cpu]! / size;
    this.starts[++this.events] = at;
  }

  /** Event up to which a full window is gone through: the last quarter is only looked at. */
  get most(): number {
    const end = 0.75 * this.demands;
    let event = Math.floor(0.75 * this.events);
    while (event > 0 && this.starts[event]! > end) event--;
    while (event < this.events && this.starts[event + 1]! <= end) event++;
    return event;
  }

  /** Makes `first` what is asked for first from an event on. */
  moveTo(event: number): void {
    const { first, ids, next, starts } = this;
    const gone = starts[event]!;
    for (let d = 0; d < gone; d++) {
      const demand = next[d]!;
      if (demand >= gone) first[ids[d]!] = demand;
    }
  }

  /** Forgets events before the one that {@link moveTo} was told. */
  forget(event: number): void {
    const { demands, first, ids, limit, next, starts, times } = this;
    const last = this.#last;
    const gone = starts[event]!;
    ids.copyWithin(0, gone, demands);
    for (let d = gone; d < demands; d++) next[d - gone] = next[d]! < limit ? next[d]! - gone : next[d]!;
    for (let e = event; e <= this.events; e++) starts[e - event] = starts[e]! - gone;
    times.copyWithin(0, 2 * event, 2 * this.events);
    for (let id = 0; id < first.length; id++) {
      if (first[id]! < limit) first[id]! -= gone;
      last[id] = Math.max(-1, last[id]! - gone);
    }
    this.demands = demands - gone;
    this.events -= event;
  }
}
