// A window on the demand of a run on one GPU. When it is full, its first half is replayed, with the second as the known future, and dropped.
import { grown } from '../../base/grown.js';

/** Indices of an event's times, ns: on the GPU, on the CPU (Infinity: not there), on all GPUs if all is resident, and of sending back. */
export const WORK = { gpu: 0, cpu: 1, resident: 2, back: 3 } as const;

/** Look-ahead of a clock: demands per expert, and the least number of demands. The window is four times as long. */
const DEMANDS_AHEAD = 16;
const LEAST_AHEAD = 1 << 14;

/** Distance between the numbers of demands and those of experts without a known demand. */
export const FAR = 1 << 14;

/** Demands and events, numbered from the beginning of the window. */
export class DemandBlock {
  /** `limit` + id stands for the next demand of an expert without a known one. */
  readonly limit: number;
  readonly #room: number;
  /** By demand: its expert, dense id. */
  readonly ids: Uint16Array | Int32Array;
  /** By demand, once {@link link} has run: the next one of the same expert, or `limit` + its id. */
  readonly next: Int32Array;
  demands = 0;
  /** By event: its first demand; the entry after the last is the number of demands. */
  starts = new Int32Array(1 << 12);
  /** By event: time of one of its experts on the GPU, and on the CPU, ns; all are taken to need the same. */
  times: Float64Array = new Float64Array(2 << 12);
  events = 0;
  /** By expert, once {@link link} has run: its first demand, or `limit` + its id. */
  readonly first: Int32Array;
  /** The same from the event on that was named then. */
  readonly #firstThen: Int32Array;

  /** @param experts dense ids are below it */
  constructor(experts: number) {
    // An event has at most as many demands as there are experts.
    const room = 4 * Math.max(LEAST_AHEAD, DEMANDS_AHEAD * experts) + experts;
    this.#room = room;
    this.limit = room + FAR;
    this.ids = experts <= 1 << 16 ? new Uint16Array(room) : new Int32Array(room);
    this.next = new Int32Array(room);
    this.first = new Int32Array(experts);
    this.#firstThen = new Int32Array(experts);
  }

  fits(size: number): boolean {
    return this.demands + size <= this.#room;
  }

  /** Appends an event, see {@link WORK}. */
  append(ids: Int32Array, size: number, work: Float64Array): void {
    if (this.events + 2 > this.starts.length) {
      this.starts = grown(this.starts);
      this.times = grown(this.times);
    }
    const old = this.ids;
    let at = this.demands;
    for (let i = 0; i < size; i++) old[at++] = ids[i]!;
    this.demands = at;
    const time = 2 * this.events;
    // An event may have no demand on this GPU.
    this.times[time] = size === 0 ? 0 : work[WORK.gpu]! / size;
    this.times[time + 1] = size === 0 ? 0 : work[WORK.cpu]! / size;
    this.starts[++this.events] = at;
  }

  expertOf(demand: number): number {
    return demand >= this.limit ? demand - this.limit : this.ids[demand]!;
  }

  /** Event up to which a full window is replayed: the last quarter is only looked at. */
  get most(): number {
    const end = 0.75 * this.demands;
    let event = Math.floor(0.75 * this.events);
    while (event > 0 && this.starts[event]! > end) event--;
    while (event < this.events && this.starts[event + 1]! <= end) event++;
    return event;
  }

  /** Links each demand to the next one of its expert, last first, for nearby memory accesses. @param until {@link moveOn} makes it the first */
  link(until: number): void {
    const { demands, first, ids, limit, next, starts } = this;
    const gone = starts[until]!;
    for (let id = 0; id < first.length; id++) first[id] = limit + id;
    linkDown(ids, next, first, demands, gone);
    this.#firstThen.set(first);
    linkDown(ids, next, first, gone, 0);
  }

  /** Moves `first` to the first demands from the event on that {@link link} was given. */
  moveOn(): void {
    this.first.set(this.#firstThen);
  }

  /** Forgets events before the one that {@link link} was given. */
  forget(event: number): void {
    const { demands, ids, starts, times } = this;
    const gone = starts[event]!;
    ids.copyWithin(0, gone, demands);
    for (let e = event; e <= this.events; e++) starts[e - event] = starts[e]! - gone;
    times.copyWithin(0, 2 * event, 2 * this.events);
    this.demands = demands - gone;
    this.events -= event;
  }
}

/** Links the demands of [to, from), last first: each gets the next demand of its expert. */
function linkDown(ids: DemandBlock['ids'], next: Int32Array, first: Int32Array, from: number, to: number): void {
  for (let d = from - 1; d >= to; d--) {
    const id = ids[d]!;
    next[d] = first[id]!;
    first[id] = d;
  }
}
