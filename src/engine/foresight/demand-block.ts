import { grown } from '../../base/grown.js';

/**
 * Indices of an event's times, ns: GPU, CPU (Infinity: no CPU), all GPUs with everything resident, and sending back.
 */
export const WORK = { gpu: 0, cpu: 1, resident: 2, back: 3 } as const;

/** Demands per expert. A window is four times as long. Ours. */
const DEMANDS_AHEAD = 16;
/** Least look-ahead, demands. Ours. */
const LEAST_AHEAD = 1 << 14;

/** Offset of experts without a known demand from numbers of demands. */
export const FAR = 1 << 14;

/**
 * Window on a GPU's demand, numbered from the window's start. A full window's first half is replayed, with the second
 * half as known future, then dropped.
 */
export class DemandBlock {
  /** `limit` + id: expert without known next demand. */
  readonly limit: number;
  readonly #room: number;
  /** By demand: expert, dense id. */
  readonly ids: Uint16Array | Int32Array;
  /** After {@link link}, by demand: the expert's next demand, or `limit` + id. */
  readonly next: Int32Array;
  demands = 0;
  /** By event: first demand; the entry after the last event counts demands. */
  starts = new Int32Array(1 << 12);
  /** By event: time per expert on GPU and CPU, ns. */
  times: Float64Array = new Float64Array(2 << 12);
  events = 0;
  /** After {@link link}, by expert: first demand, or `limit` + id. */
  readonly first: Int32Array;
  readonly #firstThen: Int32Array;

  constructor(experts: number) {
    // An event has at most one demand per expert.
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
    this.times[time] = size === 0 ? 0 : work[WORK.gpu]! / size;
    this.times[time + 1] = size === 0 ? 0 : work[WORK.cpu]! / size;
    this.starts[++this.events] = at;
  }

  expertOf(demand: number): number {
    return demand >= this.limit ? demand - this.limit : this.ids[demand]!;
  }

  /** End of a full window's replay: the last quarter is look-ahead. */
  get most(): number {
    const end = 0.75 * this.demands;
    let event = Math.floor(0.75 * this.events);
    while (event > 0 && this.starts[event]! > end) event--;
    while (event < this.events && this.starts[event + 1]! <= end) event++;
    return event;
  }

  /** Last first, for nearby memory. @param until first event after {@link moveOn} */
  link(until: number): void {
    const { demands, first, ids, limit, next, starts } = this;
    const gone = starts[until]!;
    for (let id = 0; id < first.length; id++) first[id] = limit + id;
    linkDown(ids, next, first, demands, gone);
    this.#firstThen.set(first);
    linkDown(ids, next, first, gone, 0);
  }

  moveOn(): void {
    this.first.set(this.#firstThen);
  }

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

function linkDown(ids: DemandBlock['ids'], next: Int32Array, first: Int32Array, from: number, to: number): void {
  for (let d = from - 1; d >= to; d--) {
    const id = ids[d]!;
    next[d] = first[id]!;
    first[id] = d;
  }
}
