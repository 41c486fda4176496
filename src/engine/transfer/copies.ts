import type { ExpertCache } from '../../cache/cache.js';
import { PINNED, UNPINNED } from '../../cache/policy.js';
import type { Caches } from '../../cache/scope.js';
import type { CachedTier } from './tier.js';

/** Arrays are indexed by dense expert id. */
interface CopyPoolParts {
  /** Of `buildCaches`, for a model with copy-sized experts. */
  readonly caches: Pick<Caches, 'byLayer' | 'caches' | 'rank' | 'split'>;
  /** Bytes of each copy, and MoE layer of its expert. */
  readonly sizes: Float64Array;
  readonly layerOf: Uint16Array;
  readonly bytesOf: (capacityBytes: number) => number;
  /** True: a copy is a slice of its expert. */
  readonly additive: boolean;
}

/**
 * L6, L13: low-precision copies on a GPU, in slots taken from whole experts' bytes. Copies come on demand only: pooled
 * copies have arrived.
 */
export class CopyPool {
  readonly caches: readonly ExpertCache[];
  readonly sizes: Float64Array;
  readonly additive: boolean;
  /** Misses served from copies; transferred copies and bytes. */
  hits = 0;
  brought = 0;
  broughtBytes = 0;
  readonly #parts: CopyPoolParts;
  #tier: Pick<CachedTier, 'account'> | null = null;
  readonly #pinned: number[] = [];

  constructor(parts: CopyPoolParts) {
    this.#parts = parts;
    this.caches = parts.caches.caches;
    this.sizes = parts.sizes;
    this.additive = parts.additive;
  }

  /** Attaches the pool to a tier, with its initial copies. */
  lieIn(tier: Pick<CachedTier, 'account'>): void {
    this.#tier = tier;
    tier.account(this.usedBytes);
  }

  get usedBytes(): number {
    return this.caches.reduce((bytes, cache) => bytes + cache.usedBytes, 0);
  }

  get evictions(): number {
    return this.caches.reduce((count, cache) => count + cache.evictions, 0);
  }

  holds(id: number): boolean {
    const cache = this.#cacheOf(id);
    return cache.resident[id - cache.base] === 1;
  }

  serve(id: number): void {
    this.hits++;
    this.touch(id);
  }

  /** @returns false: no slot */
  bring(id: number): boolean {
    this.brought++;
    this.broughtBytes += this.sizes[id]!;
    return this.admit(id, true);
  }

  touch(id: number): void {
    const cache = this.#cacheOf(id);
    cache.touch(id - cache.base);
  }

  /**
   * Gives the missing copy of `id` a slot (L5). @param used false: slice of an evicted expert @returns false: no room,
   * or refused by the policy
   */
  admit(id: number, used: boolean): boolean {
    const cache = this.#cacheOf(id);
    const before = cache.usedBytes;
    const admitted = cache.admit(id - cache.base, used);
    this.#tier!.account(cache.usedBytes - before);
    return admitted;
  }

  merge(id: number): void {
    const cache = this.#cacheOf(id);
    const before = cache.usedBytes;
    cache.remove(id - cache.base);
    this.#tier!.account(cache.usedBytes - before);
  }

  /** Pins a present or coming copy until the running event's end (L4). */
  pin(id: number): void {
    this.#parts.caches.rank[id] = PINNED;
    this.#pinned.push(id);
  }

  unpinAll(): void {
    for (const id of this.#pinned) this.#parts.caches.rank[id] = UNPINNED;
    this.#pinned.length = 0;
  }

  /** Caches with the pool in their split: a capacity change serves the pool first. */
  beside<C extends Pick<Caches, 'split'>>(caches: C): C {
    return { ...caches, split: (capacityBytes) => caches.split(capacityBytes - this.#resize(capacityBytes)) };
  }

  /** @returns bytes of the pool's part */
  #resize(capacityBytes: number): number {
    const bytes = this.#parts.bytesOf(capacityBytes);
    const shares = this.#parts.caches.split(bytes);
    const before = this.usedBytes;
    for (const [c, cache] of this.caches.entries()) cache.resize(shares[c]!);
    this.#tier!.account(this.usedBytes - before);
    return bytes;
  }

  #cacheOf(id: number): ExpertCache {
    return this.#parts.caches.byLayer[this.#parts.layerOf[id]!]!;
  }
}
