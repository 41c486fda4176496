import type { ExpertCache } from '../../cache/cache.js';
import { NONE, PINNED, UNPINNED } from '../../cache/policy.js';
import type { Caches } from '../../cache/scope.js';
import type { LinkSpec } from '../../hardware/door.js';
import { IDLE, Link } from './link.js';
import type { Staging } from './staging.js';

/** Caches with the filling link, by dense expert id. Capacity may change between passes. */
export class CachedTier {
  /** In global scope, the same object for all layers. */
  readonly byLayer: readonly ExpertCache[];
  readonly caches: readonly ExpertCache[];
  readonly link: Link;
  /** Arrival of residents, ns. */
  readonly arrivalNs: Float64Array;
  /** Pin ranks, viewed by the caches. */
  readonly rank: Int32Array;
  /** 1 for prefetched experts not demanded yet. */
  readonly unused: Uint8Array;
  /** True: caches held experts before the run. */
  preloaded: boolean;
  /** Buffers beside the caches; null: prefetches take cache slots. */
  staging: Pick<Staging, 'arrived' | 'held'> | null = null;
  usedBytes = 0;
  peakBytes = 0;
  /** Victims of the last `admit` or `serve`, dense ids: the first `victimCount` entries. */
  readonly victims: Int32Array;
  victimCount = 0;

  readonly #planRank: Int32Array;
  /** Members of the running event promoted during the event: pinned beyond arrival. */
  readonly #members = new Set<number>();
  #split: Caches['split'];

  /** @param rank array viewed by the caches' pins */
  constructor(caches: Pick<Caches, 'caches' | 'byLayer' | 'split'>, rank: Int32Array, link: LinkSpec) {
    this.caches = caches.caches;
    this.#split = caches.split;
    this.byLayer = caches.byLayer;
    this.rank = rank;
    this.#planRank = new Int32Array(rank.length).fill(UNPINNED);
    this.arrivalNs = new Float64Array(rank.length);
    this.unused = new Uint8Array(rank.length);
    this.victims = new Int32Array(rank.length);
    this.link = new Link(link, this.arrivalNs);
    this.usedBytes = this.caches.reduce((used, cache) => used + cache.usedBytes, 0);
    this.peakBytes = this.usedBytes;
    this.preloaded = this.usedBytes > 0;
  }

  /** Leaves bytes of each capacity to others, who take them first. @returns of `others`: their bytes */
  leave(others: (capacityBytes: number) => number): void {
    const split = this.#split;
    this.#split = (capacityBytes) => split(capacityBytes - others(capacityBytes));
  }

  /** Contents after earlier text count as initial. */
  warmed(): void {
    this.victimCount = 0;
    this.peakBytes = this.usedBytes;
    this.preloaded = this.usedBytes > 0;
  }

  /** True for experts with slot or buffer, arrived or in flight. */
  holds(id: number, layer: number): boolean {
    const cache = this.byLayer[layer]!;
    return cache.resident[id - cache.base] === 1 || (this.staging !== null && this.staging.held[id] === 1);
  }

  /**
   * Gives expert `id` a slot (L5). @param used false: a prefetch @param limit lower pin ranks stay @param always never
   * refused @returns false: no room
   */
  admit(id: number, layer: number, used: boolean, limit: number, always = false): boolean {
    const cache = this.byLayer[layer]!;
    cache.pins.limit = limit;
    this.victimCount = 0;
    return this.#admitTo(cache, id, used, always);
  }

  /** Victim of a prefetch of `id`; NONE: room, or no possible victim. */
  victimFor(id: number, layer: number, bytes: number): number {
    const { base, capacityBytes, pins, policy, usedBytes } = this.byLayer[layer]!;
    if (usedBytes + bytes <= capacityBytes) return NONE;
    pins.limit = this.planRank(id);
    const victim = policy.victim(id - base, pins);
    return victim === NONE ? NONE : victim + base;
  }

  /**
   * L3, L5: touches held members and admits the rest, in order. @param ids the first `count`, all pinned
   * @returns number of failures
   */
  serve(ids: Int32Array, count: number, layer: number): number {
    const cache = this.byLayer[layer]!;
    const { base, resident } = cache;
    cache.pins.limit = 0;
    this.victimCount = 0;
    if (!cache.uniform) return this.#serveBySize(cache, ids, count);
    const { victims } = this;
    const before = cache.usedBytes;
    let victimCount = 0;
    let streamed = 0;
    for (let i = 0; i < count; i++) {
      const id = ids[i]! - base;
      if (resident[id] === 1) {
        cache.touch(id);
        continue;
      }
      if (!cache.admit(id, true)) streamed++;
      if (cache.victimCount === 1) victims[victimCount++] = cache.victims[0]! + base;
    }
    this.victimCount = victimCount;
    this.account(cache.usedBytes - before);
    return streamed;
  }

  /** Experts of different sizes: used bytes may peak between two admissions. */
  #serveBySize(cache: ExpertCache, ids: Int32Array, count: number): number {
    const { base, resident } = cache;
    let streamed = 0;
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      if (resident[id - base] === 1) cache.touch(id - base);
      else if (!this.#admitTo(cache, id, true)) streamed++;
    }
    return streamed;
  }

  /**
   * Changes the capacity between passes (L6), up to the initial capacity. @returns time at which everything fits, ns:
   * `nowNs`, or a prefetch's arrival
   */
  resize(capacityBytes: number, nowNs: number): number {
    const shares = this.#split(capacityBytes);
    this.victimCount = 0;
    for (let atNs = nowNs; ; atNs = this.#nextArrivalNs()) {
      this.settle(atNs);
      let fits = true;
      for (let c = 0; c < this.caches.length; c++) {
        const cache = this.caches[c]!;
        const before = cache.usedBytes;
        cache.pins.limit = 0;
        if (!cache.resize(shares[c]!)) fits = false;
        this.#collect(cache, before);
      }
      if (fits) return atNs;
    }
  }

  #nextArrivalNs(): number {
    const { link } = this;
    let soonest = Number.POSITIVE_INFINITY;
    for (let lane = 0; lane < link.lanes; lane++) {
      if (link.prefetching[lane] !== IDLE) soonest = Math.min(soonest, link.prefetchEndNs[lane]!);
    }
    for (const { endNs } of link.placed.all) soonest = Math.min(soonest, endNs);
    if (soonest === Number.POSITIVE_INFINITY) throw new Error('an expert is pinned between two passes, and nothing is under way');
    return soonest;
  }

  #admitTo(cache: ExpertCache, id: number, used: boolean, always = false): boolean {
    const before = cache.usedBytes;
    const admitted = cache.admit(id - cache.base, used, always);
    this.#collect(cache, before);
    return admitted;
  }

  #collect(cache: ExpertCache, beforeBytes: number): void {
    for (let k = 0; k < cache.victimCount; k++) this.victims[this.victimCount++] = cache.victims[k]! + cache.base;
    this.account(cache.usedBytes - beforeBytes);
  }

  /** @param bytes added to the use (negative: freed), also outside the caches */
  account(bytes: number): void {
    this.usedBytes += bytes;
    if (this.usedBytes > this.peakBytes) this.peakBytes = this.usedBytes;
  }

  pin(id: number): void {
    this.rank[id] = PINNED;
  }

  /** Pins an expert in flight until arrival, or a member until the event's end (L4). */
  pinPromoted(id: number): void {
    if (this.rank[id] === PINNED) this.#members.add(id);
    this.rank[id] = PINNED;
  }

  /** Ends a pin, except the plan's. */
  unpin(id: number): void {
    this.rank[id] = this.#planRank[id]!;
  }

  /** Ends pins of the first `count` experts, except in flight. */
  unpinAll(ids: Int32Array, count: number): void {
    const { link, rank } = this;
    const planRank = this.#planRank;
    for (let i = 0; i < count; i++) rank[ids[i]!] = planRank[ids[i]!]!;
    if (link.prefetches > 0) this.#pinInFlight(link);
  }

  #pinInFlight(link: Link): void {
    this.#members.clear();
    for (const id of link.prefetching) if (id !== IDLE) this.rank[id] = PINNED;
    for (const { id } of link.placed.all) this.rank[id] = PINNED;
  }

  /** Sets a plan rank, UNPINNED outside the plan; a pin stays until its end. */
  planned(id: number, rank: number): void {
    this.#planRank[id] = rank;
    if (this.rank[id] !== PINNED) this.rank[id] = rank;
  }

  /** Lower-ranked experts are never evicted for a prefetch of this rank (L11). */
  planRank(id: number): number {
    return this.#planRank[id]!;
  }

  settle(nowNs: number): void {
    const { link } = this;
    for (let lane = 0; lane < link.lanes; lane++) {
      const id = link.prefetching[lane]!;
      if (id === IDLE || link.prefetchEndNs[lane]! > nowNs) continue;
      link.prefetching[lane] = IDLE;
      this.#arrived(id, nowNs);
    }
    if (link.placed.all.length > 0) for (const id of link.placed.landed(nowNs)) this.#arrived(id, nowNs);
  }

  #arrived(id: number, nowNs: number): void {
    if (!this.#members.has(id)) this.unpin(id);
    this.staging?.arrived(id, nowNs);
  }
}
