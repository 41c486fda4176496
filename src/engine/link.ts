// A link between two tiers: a few numbers per lane, no event queue (L10). Demands are placed at once; prefetches wait in their
// plan (prefetch.ts) and are started here whenever a lane is free.
import type { LinkSpec } from '../hardware/spec.js';
import type { Observer } from './observer.js';

/** No prefetch on a lane. */
export const IDLE = -1;

/** A server of transfers with one or more lanes that share its bandwidth evenly. */
export class Link {
  readonly name: string;
  readonly lanes: number;
  readonly latencyNs: number;
  /** ns per byte of one lane. */
  readonly nsPerByte: number;
  /** Expert of the prefetch that a lane carries, {@link IDLE} if none; whoever started it clears it when it has arrived. */
  readonly prefetching: Int32Array;
  /** When that prefetch arrives. */
  readonly prefetchEndNs: Float64Array;
  /** Time during which lanes were busy, summed over lanes, ns. */
  busyNs = 0;
  demands = 0;
  demandBytes = 0;
  prefetches = 0;
  prefetchBytes = 0;
  /** Sees every transfer; null: nobody looks. */
  observer: Observer | null = null;

  /** When each lane has finished everything that was given to it. */
  readonly #freeNs: Float64Array;
  /** ns of one chunk; 0: transfers are never interrupted. */
  readonly #chunkNs: number;
  /** Since when the running prefetch has been moving bytes without interruption. */
  readonly #resumedNs: Float64Array;
  /** Arrival of each expert, by dense id. */
  readonly #arrivalNs: Float64Array;

  /**
   * @param spec bandwidth, latency, lanes
   * @param arrivalNs written at every transfer: when expert `id` is (or will be) one tier up
   */
  constructor(spec: LinkSpec, arrivalNs: Float64Array) {
    this.name = spec.name;
    this.lanes = spec.lanes;
    this.latencyNs = spec.latencyNs;
    this.nsPerByte = (1e9 * spec.lanes) / spec.bandwidth;
    this.#chunkNs = (spec.chunkBytes ?? 0) * this.nsPerByte;
    this.#arrivalNs = arrivalNs;
    this.prefetching = new Int32Array(spec.lanes).fill(IDLE);
    this.prefetchEndNs = new Float64Array(spec.lanes);
    this.#freeNs = new Float64Array(spec.lanes);
    this.#resumedNs = new Float64Array(spec.lanes);
  }

  /** Time that a transfer of `bytes` holds a lane, ns. */
  transferNs(bytes: number): number {
    return this.latencyNs + bytes * this.nsPerByte;
  }

  /** When a demand of `bytes` at `atNs` would arrive; places nothing. */
  peek(bytes: number, atNs: number): number {
    let start = this.#demandStart(0, atNs);
    for (let lane = 1; lane < this.lanes; lane++) start = Math.min(start, this.#demandStart(lane, atNs));
    return start + this.transferNs(bytes);
  }

  /**
   * Places a transfer that something waits for, on the lane where it starts first.
   * @returns its arrival, ns
   */
  demand(id: number, bytes: number, atNs: number): number {
    this.demands++;
    this.demandBytes += bytes;
    return this.#place(id, bytes, this.transferNs(bytes), atNs);
  }

  /**
   * Places the transfers of several members of an event, in order.
   * @param order indices of members, the first `count` entries
   * @param ids dense id by member
   * @param bytes of each
   * @param readyNs by member: when it is asked for; afterwards when it arrives
   */
  demandAll(order: Int32Array, count: number, ids: Int32Array, bytes: number, readyNs: Float64Array): void {
    const durationNs = this.transferNs(bytes);
    for (let k = 0; k < count; k++) {
      const i = order[k]!;
      readyNs[i] = this.#place(ids[i]!, bytes, durationNs, readyNs[i]!);
    }
    this.demands += count;
    this.demandBytes += count * bytes;
  }

  #place(id: number, bytes: number, durationNs: number, atNs: number): number {
    let lane = 0;
    let start = this.#demandStart(0, atNs);
    for (let other = 1; other < this.lanes; other++) {
      const candidate = this.#demandStart(other, atNs);
      if (candidate < start) {
        lane = other;
        start = candidate;
      }
    }
    const end = start + durationNs;
    if (start < this.#freeNs[lane]!) {
      // It goes between two chunks of a prefetch, which arrives so much later.
      const delayed = this.prefetchEndNs[lane]! + durationNs;
      this.#resumedNs[lane] = end;
      this.prefetchEndNs[lane] = delayed;
      this.#freeNs[lane] = delayed;
      this.#arrivalNs[this.prefetching[lane]!] = delayed;
    } else {
      this.#freeNs[lane] = end;
    }
    this.#arrivalNs[id] = end;
    this.busyNs += durationNs;
    if (this.observer !== null) this.observer.transferred(this, lane, id, bytes, start, end, false);
    return end;
  }

  /** The lane that is free first. */
  nextLane(): number {
    let lane = 0;
    for (let other = 1; other < this.lanes; other++) if (this.#freeNs[other]! < this.#freeNs[lane]!) lane = other;
    return lane;
  }

  /** When a lane has finished everything that was given to it, ns. */
  freeNs(lane: number): number {
    return this.#freeNs[lane]!;
  }

  /** Starts a prefetch on a lane that is free at `startNs` and carries no other. */
  prefetch(lane: number, id: number, bytes: number, startNs: number): void {
    const duration = this.transferNs(bytes);
    const end = startNs + duration;
    this.#freeNs[lane] = end;
    this.#resumedNs[lane] = startNs + this.latencyNs;
    this.prefetching[lane] = id;
    this.prefetchEndNs[lane] = end;
    this.#arrivalNs[id] = end;
    this.busyNs += duration;
    this.prefetches++;
    this.prefetchBytes += bytes;
    if (this.observer !== null) this.observer.transferred(this, lane, id, bytes, startNs, end, true);
  }

  /** A running prefetch has become a demand (L12): it is no prefetch any more and yields to nothing. */
  promote(id: number): void {
    for (let lane = 0; lane < this.lanes; lane++) if (this.prefetching[lane] === id) this.prefetching[lane] = IDLE;
  }

  #demandStart(lane: number, atNs: number): number {
    const free = this.#freeNs[lane]!;
    if (free <= atNs) return atNs;
    if (this.#chunkNs === 0 || this.prefetching[lane] === IDLE || this.prefetchEndNs[lane]! < free) return free;
    // Next chunk boundary at or after `atNs`; right behind an earlier demand that went between, which is a boundary too.
    const resumed = this.#resumedNs[lane]!;
    return atNs <= resumed ? resumed : Math.min(free, resumed + Math.ceil((atNs - resumed) / this.#chunkNs) * this.#chunkNs);
  }
}
