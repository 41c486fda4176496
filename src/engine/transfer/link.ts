import { within } from '../../base/errors.js';
import type { LinkSpec, PathSpec } from '../../hardware/door.js';
import { splitNs } from './paths.js';
import { PlacedPrefetches } from './placed.js';

/** No prefetch on a lane. */
export const IDLE = -1;

/** Sees the transfers of a link. */
export interface LinkObserver {
  /** Reports a placed transfer. A later demand may delay the end of a prefetch (L10). */
  transferred(link: Link, lane: number, id: number, bytes: number, startNs: number, endNs: number, prefetch: boolean): void;
}

/** L10: with equal lanes or separate paths. Demands are placed at once, prefetches start on free lanes. */
export class Link {
  readonly name: string;
  /** Number of lanes, then total bandwidth without faults, bytes/s. */
  readonly lanes: number;
  readonly bandwidth: number;
  /** Prefetched expert by lane, {@link IDLE} if absent; the starter clears the entry on arrival. */
  readonly prefetching: Int32Array;
  readonly prefetchEndNs: Float64Array;
  /** Uninterruptible prefetches not yet arrived. */
  readonly placed = new PlacedPrefetches();
  /** Transfers run again after the loss of a lane. */
  restarts = 0;
  /** Busy time summed over lanes, ns, of all placed transfers, arrived or not. */
  busyNs = 0;
  demands = 0;
  demandBytes = 0;
  prefetches = 0;
  prefetchBytes = 0;
  observer: LinkObserver | null = null;
  /** Further fixed time of each transfer, ns. */
  laterNs = 0;

  readonly #alike: boolean;
  /** Lanes in use now: the first `#live`. */
  #live: number;
  /** Latency of each lane, ns, and ns per byte: without faults, and now. */
  readonly #latencyNs: Float64Array;
  readonly #soundNsPerByte: Float64Array;
  readonly #nsPerByte: Float64Array;
  /** Paths sharing every transfer, by latency; null: a transfer uses a single lane. */
  readonly #split: readonly PathSpec[] | null;
  /** Current share of the bandwidth, (0, 1]. */
  #rate = 1;
  /** End of all transfers by lane, ns. */
  readonly #freeNs: Float64Array;
  /** Start of the last busy period by lane, ns. */
  readonly #sinceNs: Float64Array;
  /** Bytes of a chunk; 0: transfers are never interrupted. */
  readonly chunkBytes: number;
  /** Running prefetch by lane: start, ns per chunk, bytes. */
  readonly #startNs: Float64Array;
  readonly #chunkNs: Float64Array;
  readonly #runningBytes: Float64Array;
  readonly #resumedNs: Float64Array;
  /** Lane of the last placed transfer. */
  #placedOn = 0;
  /** Arrival by dense expert id, ns. */
  readonly #arrivalNs: Float64Array;

  /** @param arrivalNs arrival in the upper tier by expert id, written at every transfer */
  constructor(spec: LinkSpec, arrivalNs: Float64Array) {
    const { bandwidth, chunkBytes, flows, lanes, latencyNs, name, paths } = spec;
    within('L10', `lanes of ${name}`, lanes, 1);
    within('L10', `latency of ${name}, ns,`, latencyNs);
    within('L10', `bandwidth of ${name}, bytes/s,`, bandwidth, Number.MIN_VALUE);
    this.name = name;
    this.lanes = this.#live = lanes;
    this.bandwidth = paths?.reduce((sum, path) => sum + path.bandwidth, 0) ?? bandwidth;
    this.#split = paths !== undefined && flows === 'split' ? paths.toSorted((a, b) => a.latencyNs - b.latencyNs) : null;
    const single = this.#split === null ? paths : undefined;
    this.#alike = single === undefined;
    this.#latencyNs = Float64Array.from({ length: lanes }, (_, lane) => (single === undefined ? latencyNs : single[lane]!.latencyNs));
    this.#soundNsPerByte = Float64Array.from({ length: lanes }, (_, lane) =>
      single === undefined ? (1e9 * lanes) / bandwidth : 1e9 / single[lane]!.bandwidth,
    );
    this.#nsPerByte = this.#soundNsPerByte.slice();
    this.chunkBytes = chunkBytes ?? 0;
    this.#arrivalNs = arrivalNs;
    this.prefetching = new Int32Array(lanes).fill(IDLE);
    this.prefetchEndNs = new Float64Array(lanes);
    this.#freeNs = new Float64Array(lanes);
    this.#sinceNs = new Float64Array(lanes);
    this.#startNs = new Float64Array(lanes);
    this.#chunkNs = new Float64Array(lanes);
    this.#runningBytes = new Float64Array(lanes);
    this.#resumedNs = new Float64Array(lanes);
  }

  /** True if every transfer is divided over all paths. */
  get divides(): boolean {
    return this.#split !== null;
  }

  /** Transfer time of `bytes` over the idle link, ns; the fastest lane counts. */
  transferNs(bytes: number): number {
    if (this.#split !== null) return splitNs(this.#split, bytes, this.#rate);
    let soonest = this.laneNs(0, bytes);
    if (!this.#alike) for (let lane = 1; lane < this.#live; lane++) soonest = Math.min(soonest, this.laneNs(lane, bytes));
    return soonest;
  }

  /** Time that a transfer of `bytes` holds `lane`, ns. */
  laneNs(lane: number, bytes: number): number {
    if (this.#split !== null) return this.laterNs + splitNs(this.#split, bytes, this.#rate);
    return this.laterNs + this.#latencyNs[lane]! + bytes * this.#nsPerByte[lane]!;
  }

  /** Arrival of a demand of `bytes` at `atNs`, if it were placed. */
  peek(bytes: number, atNs: number): number {
    let end = this.#demandStart(0, atNs) + this.laneNs(0, bytes);
    for (let lane = 1; lane < this.#live; lane++) end = Math.min(end, this.#demandStart(lane, atNs) + this.laneNs(lane, bytes));
    return end;
  }

  /** Lane of earliest start; of earliest end if lanes differ. @returns arrival, ns */
  demand(id: number, bytes: number, atNs: number): number {
    this.demands++;
    this.demandBytes += bytes;
    this.#place(id, bytes, this.laneNs(0, bytes), atNs, false);
    return this.#arrivalNs[id]!;
  }

  /** In order. @param order indices, the first `count` @param readyNs by member: demand, then arrival */
  demandAll(order: Int32Array, count: number, ids: Int32Array, bytes: number, readyNs: Float64Array): void {
    const durationNs = this.laneNs(0, bytes);
    for (let k = 0; k < count; k++) {
      const i = order[k]!;
      this.#place(ids[i]!, bytes, durationNs, readyNs[i]!, false);
      readyNs[i] = this.#arrivalNs[ids[i]!]!;
    }
    this.demands += count;
    this.demandBytes += count * bytes;
  }

  /** Places a transfer and writes the arrival. @param durationNs duration on lane 0 and equal lanes */
  #place(id: number, bytes: number, durationNs: number, atNs: number, prefetch: boolean): void {
    let lane = 0;
    let start = this.#demandStart(0, atNs);
    for (let other = 1; other < this.#live; other++) {
      const candidate = this.#demandStart(other, atNs);
      if (this.#alike) {
        if (candidate >= start) continue;
      } else {
        const ns = this.laneNs(other, bytes);
        if (candidate + ns >= start + durationNs) continue;
        durationNs = ns;
      }
      lane = other;
      start = candidate;
    }
    const end = start + durationNs;
    if (start < this.#freeNs[lane]!) {
      // The transfer runs between two chunks of a prefetch and delays the prefetch.
      const delayed = this.prefetchEndNs[lane]! + durationNs;
      this.#resumedNs[lane] = end;
      this.prefetchEndNs[lane] = delayed;
      this.#freeNs[lane] = delayed;
      this.#arrivalNs[this.prefetching[lane]!] = delayed;
    } else {
      if (start > this.#freeNs[lane]!) this.#sinceNs[lane] = start;
      this.#freeNs[lane] = end;
    }
    this.#arrivalNs[id] = end;
    this.#placedOn = lane;
    this.busyNs += durationNs;
    if (this.observer !== null) this.observer.transferred(this, lane, id, bytes, start, end, prefetch);
  }

  nextLane(): number {
    let lane = 0;
    for (let other = 1; other < this.#live; other++) if (this.#freeNs[other]! < this.#freeNs[lane]!) lane = other;
    return lane;
  }

  /** End of all transfers on a lane, ns. */
  freeNs(lane: number): number {
    return this.#freeNs[lane]!;
  }

  /** Start of the busy period ending at {@link freeNs}, ns. */
  sinceNs(lane: number): number {
    return this.#sinceNs[lane]!;
  }

  /** Busy time summed over lanes until `nowNs`, when every demand has arrived, ns. */
  busyBy(nowNs: number): number {
    let ns = this.busyNs;
    for (let lane = 0; lane < this.lanes; lane++) ns -= this.#busyAfter(lane, nowNs);
    return ns;
  }

  /** Busy time of a lane after `nowNs`, ns. Placed prefetches may leave idle gaps. */
  #busyAfter(lane: number, nowNs: number): number {
    const { placed } = this;
    if (placed.lastNs(lane, nowNs) === nowNs) return Math.max(0, this.#freeNs[lane]! - Math.max(nowNs, this.#sinceNs[lane]!));
    const startNs = this.#startNs[lane]!;
    const endNs = this.prefetchEndNs[lane]!;
    const running = this.prefetching[lane] !== IDLE && endNs > nowNs;
    const runningNs = running ? endNs - Math.max(nowNs, startNs) - placed.afterNs(lane, nowNs, startNs, endNs) : 0;
    return placed.afterNs(lane, nowNs) + runningNs;
  }

  /** Starts a prefetch on a lane free at `startNs`; if lanes differ, on the free lane of earliest end. */
  prefetch(lane: number, id: number, bytes: number, startNs: number): void {
    if (!this.#alike) lane = this.#soonestFree(lane, bytes, startNs);
    const duration = this.laneNs(lane, bytes);
    const end = startNs + duration;
    if (startNs > this.#freeNs[lane]!) this.#sinceNs[lane] = startNs;
    this.#freeNs[lane] = end;
    this.#startNs[lane] = startNs;
    this.#resumedNs[lane] = startNs + this.#latencyNs[lane]!;
    this.#chunkNs[lane] = this.chunkBytes * this.#nsPerByte[lane]!;
    this.#runningBytes[lane] = bytes;
    this.prefetching[lane] = id;
    this.prefetchEndNs[lane] = end;
    this.#arrivalNs[id] = end;
    this.busyNs += duration;
    this.prefetches++;
    this.prefetchBytes += bytes;
    if (this.observer !== null) this.observer.transferred(this, lane, id, bytes, startNs, end, true);
  }

  /** Places a prefetch like a demand: after earlier transfers, without interruption. */
  place(id: number, bytes: number, atNs: number): void {
    this.prefetches++;
    this.prefetchBytes += bytes;
    this.#placePrefetch(id, bytes, atNs);
  }

  #placePrefetch(id: number, bytes: number, atNs: number): void {
    this.#place(id, bytes, this.laneNs(0, bytes), atNs, true);
    this.placed.add(id, this.#placedOn, this.#arrivalNs[id]!, this.laneNs(this.#placedOn, bytes));
  }

  /** Promotes a running prefetch to an uninterruptible demand (L12). */
  promote(id: number): void {
    for (let lane = 0; lane < this.lanes; lane++) if (this.prefetching[lane] === id) this.prefetching[lane] = IDLE;
    this.placed.remove(id);
  }

  /** Sets the bandwidth share of later transfers, (0, 1]; started transfers keep their speed. */
  throttle(share: number): void {
    this.#rate = share;
    for (let lane = 0; lane < this.lanes; lane++) this.#nsPerByte[lane] = this.#soundNsPerByte[lane]! / share;
  }

  /**
   * Keeps the first `lanes` lanes from `nowNs` on. An interruptible prefetch on a lost lane runs again on a live lane.
   */
  keepLanes(lanes: number, nowNs: number): void {
    const before = this.#live;
    this.#live = lanes;
    for (let lane = before; lane < lanes; lane++) this.#freeNs[lane] = Math.max(this.#freeNs[lane]!, nowNs);
    for (let lane = lanes; lane < before; lane++) {
      if (this.prefetching[lane] !== IDLE && this.prefetchEndNs[lane]! > nowNs) this.#move(lane, nowNs);
    }
  }

  /** Places the prefetch of a lost lane again. Transfers moved to the lane earlier still end on the lane. */
  #move(lane: number, nowNs: number): void {
    const id = this.prefetching[lane]!;
    const bytes = this.#runningBytes[lane]!;
    // The prefetch may still wait for a slot.
    const atNs = Math.max(nowNs, this.#startNs[lane]!);
    const endsNs = this.prefetchEndNs[lane]!;
    const othersNs = this.placed.lastNs(lane, nowNs);
    this.busyNs -= endsNs - atNs - this.placed.afterNs(lane, nowNs, this.#startNs[lane], endsNs);
    this.prefetching[lane] = IDLE;
    this.#freeNs[lane] = atNs;
    this.#placePrefetch(id, bytes, atNs);
    this.restarts++;
    this.#freeNs[lane] = othersNs;
  }

  /** Lane of earliest end among lanes free at `startNs` and without a prefetch, including `lane`. */
  #soonestFree(lane: number, bytes: number, startNs: number): number {
    let soonest = lane;
    for (let other = 0; other < this.#live; other++) {
      if (this.#freeNs[other]! > startNs || this.prefetching[other] !== IDLE) continue;
      if (this.laneNs(other, bytes) < this.laneNs(soonest, bytes)) soonest = other;
    }
    return soonest;
  }

  #demandStart(lane: number, atNs: number): number {
    const free = this.#freeNs[lane]!;
    if (free <= atNs) return atNs;
    if (this.chunkBytes === 0 || this.prefetching[lane] === IDLE || this.prefetchEndNs[lane]! < free) return free;
    // Next chunk boundary at or after `atNs`; the end of an earlier interrupting demand is a boundary too.
    const resumed = this.#resumedNs[lane]!;
    const chunkNs = this.#chunkNs[lane]!;
    return atNs <= resumed ? resumed : Math.min(free, resumed + Math.ceil((atNs - resumed) / chunkNs) * chunkNs);
  }
}
