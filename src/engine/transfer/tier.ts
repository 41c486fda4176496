import type { ExpertCache } from '../../cache/cache.js';
import { NONE, PINNED, UNPINNED } from '../../cache/policy.js';
import type { Caches } from '../../cache/scope.js';
import type { LinkSpec } from '../../hardware/door.js';
import { IDLE, Link } from './link.js';
import type { Staging } from './staging.js';

/** A tier with caches, and the link that fills it. Arrays are indexed by dense expert id. Its capacity may change between passes. */
export class CachedTier {
  /** Cache of each MoE layer; the same object for all layers in global scope. */
  readonly byLayer: readonly ExpertCache[];
  readonly caches: readonly ExpertCache[];
  readonly link: Link;
  /** Arrival of each resident expert, ns. */
  readonly arrivalNs: Float64Array;
  /** Pin rank of each expert, which the caches' pins are views of. */
  readonly rank: Int32Array;
  /** 1 while a prefetched expert has not been demanded yet. */
  readonly unused: Uint8Array;
  /** True if experts lay in the caches before the run. */
  preloaded: boolean;
  /** Buffers that prefetches land in; null: they take slots of the caches. */
  readonly staging: Staging | null;
  /** Bytes in use now, and at most so far. */
  usedBytes = 0;
  peakBytes = 0;
  /** Experts that the last `admit` or `serve` evicted, by dense id: the first `victimCount` entries. */
  readonly victims: Int32Array;
  victimCount = 0;

  /** Rank that the current plan gives each expert; UNPINNED if it is not planned. */
  readonly #planRank: Int32Array;
  /** Members of the running event that were promoted during it: they stay pinned when they have arrived. */
  readonly #members = new Set<number>();
  readonly #split: Caches['split'];

  /** @param rank the array that the caches' pins view @param link fills this tier @param staging of prefetches; null: they take slots */
  constructor(caches: Pick<Caches, 'caches' | 'byLayer' | 'split'>, rank: Int32Array, link: LinkSpec, staging: Staging | null = null) {
    this.caches = caches.caches;
    this.staging = staging;
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

  /** Earlier text has been served, before the run: what it left here lay here from the start. */
  warmed(): void {
    this.victimCount = 0;
    this.peakBytes = this.usedBytes;
    this.preloaded = this.usedBytes > 0;
  }

  /** True if the expert owns a slot or a buffer, arrived or in flight. */
  holds(id: number, layer: number): boolean {
    const cache = this.byLayer[layer]!;
    return cache.resident[id - cache.base] === 1 || (this.staging !== null && this.staging.held[id] === 1);
  }

  /** Gives expert `id` a slot (L5). @param used false: a prefetch @param limit pin ranks below stay @param always admitted @returns false: no room */
  admit(id: number, layer: number, used: boolean, limit: number, always = false): boolean {
    const cache = this.byLayer[layer]!;
    cache.pins.limit = limit;
    this.victimCount = 0;
    return this.#admitTo(cache, id, used, always);
  }

  /** Expert that would leave for `id`, which comes ahead of its demand, by dense id; NONE: there is room, or none can leave. */
  victimFor(id: number, layer: number, bytes: number): number {
    const { base, capacityBytes, pins, policy, usedBytes } = this.byLayer[layer]!;
    if (usedBytes + bytes <= capacityBytes) return NONE;
    pins.limit = this.planRank(id);
    const victim = policy.victim(id - base, pins);
    return victim === NONE ? NONE : victim + base;
  }

  /** L3, L5: touches members that are held and admits the others, in order. @param ids the first `count`, all pinned @returns how many fail */
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

  /** Experts differ in size: the most bytes may have been used between two admissions. */
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

  /** Changes the capacity between passes (L6), at most to the initial one. @returns when everything fits, ns: `nowNs`, or a prefetch's arrival */
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

  /** Takes over the victims of a cache that held `beforeBytes` before. */
  #collect(cache: ExpertCache, beforeBytes: number): void {
    for (let k = 0; k < cache.victimCount; k++) this.victims[this.victimCount++] = cache.victims[k]! + cache.base;
    this.account(cache.usedBytes - beforeBytes);
  }

  /** Adds to the bytes in use (a negative number takes off); for bytes outside the caches, too. */
  account(bytes: number): void {
    this.usedBytes += bytes;
    if (this.usedBytes > this.peakBytes) this.peakBytes = this.usedBytes;
  }

  /** Protects an expert until {@link unpin}. */
  pin(id: number): void {
    this.rank[id] = PINNED;
  }

  /** Protects an expert that is on its way until it has arrived, or until the running event has ended, of which it may be a member (L4). */
  pinPromoted(id: number): void {
    if (this.rank[id] === PINNED) this.#members.add(id);
    this.rank[id] = PINNED;
  }

  /** Ends a pin: from now on only the current plan protects the expert. */
  unpin(id: number): void {
    this.rank[id] = this.#planRank[id]!;
  }

  /** Ends the pins of the first `count` experts; those that are in flight all the same keep theirs. */
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

  /** Gives an expert its rank in the plan of prefetches, UNPINNED if it leaves the plan; a pin stays until it ends. */
  planned(id: number, rank: number): void {
    this.#planRank[id] = rank;
    if (this.rank[id] !== PINNED) this.rank[id] = rank;
  }

  /** Rank of an expert in the plan: experts of a lower rank are never evicted for it (L11). */
  planRank(id: number): number {
    return this.#planRank[id]!;
  }

  /** Unpins the prefetches that have arrived by `nowNs`. */
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
