import type { ExpertCache } from '../../cache/cache.js';
import { PINNED, UNPINNED } from '../../cache/policy.js';
import type { Caches } from '../../cache/scope.js';
import type { CachedTier } from './tier.js';

/** Parts of a {@link CopyPool}; dense ids index arrays. */
interface CopyPoolParts {
  /** From `buildCaches`, for a model of experts as large as copies. */
  readonly caches: Pick<Caches, 'byLayer' | 'caches' | 'rank' | 'split'>;
  /** By copy: bytes, and MoE layer. */
  readonly sizes: Float64Array;
  readonly layerOf: Uint16Array;
  readonly bytesOf: (capacityBytes: number) => number;
  /** True: a copy is a slice of its expert. */
  readonly additive: boolean;
}

/**
 * Low-precision copies on a GPU, in slots from whole experts' bytes (L6, L13). Copies come on demand only: all have
 * arrived.
 */
export class CopyPool {
  /** Each cache once, and by MoE layer. */
  readonly caches: readonly ExpertCache[];
  readonly sizes: Float64Array;
  readonly additive: boolean;
  /** Misses served by resident copies, and transferred copies with bytes. */
  hits = 0;
  brought = 0;
  broughtBytes = 0;
  readonly #parts: CopyPoolParts;
  /** Counts used bytes. */
  #tier: Pick<CachedTier, 'account'> | null = null;
  /** Copies used or brought by the running event. */
  readonly #pinned: number[] = [];

  constructor(parts: CopyPoolParts) {
    this.#parts = parts;
    this.caches = parts.caches.caches;
    this.sizes = parts.sizes;
    this.additive = parts.additive;
  }

  /** Attaches the pool to a tier, with initial copies. */
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

  /** Serves a miss from the resident copy of `id`. */
  serve(id: number): void {
    this.hits++;
    this.touch(id);
  }

  /** Transfers the copy of `id` for the running event. @returns false: no slot */
  bring(id: number): boolean {
    this.brought++;
    this.broughtBytes += this.sizes[id]!;
    return this.admit(id, true);
  }

  /** A use of the resident copy of `id`, for the policy. */
  touch(id: number): void {
    const cache = this.#cacheOf(id);
    cache.touch(id - cache.base);
  }

  /**
   * L5: a slot for the missing copy of `id`. @param used false: a slice of an evicted expert @returns false: no room,
   * or refused
   */
  admit(id: number, used: boolean): boolean {
    const cache = this.#cacheOf(id);
    const before = cache.usedBytes;
    const admitted = cache.admit(id - cache.base, used);
    this.#tier!.account(cache.usedBytes - before);
    return admitted;
  }

  /** The copy of `id` becomes a part of its whole expert. */
  merge(id: number): void {
    const cache = this.#cacheOf(id);
    const before = cache.usedBytes;
    cache.remove(id - cache.base);
    this.#tier!.account(cache.usedBytes - before);
  }

  /** L4: pins the present or coming copy of `id` until the event ends. */
  pin(id: number): void {
    this.#parts.caches.rank[id] = PINNED;
    this.#pinned.push(id);
  }

  unpinAll(): void {
    for (const id of this.#pinned) this.#parts.caches.rank[id] = UNPINNED;
    this.#pinned.length = 0;
  }

  /** Caches of a tier with a pool: a new capacity serves the pool first, which evicts copies without room. */
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
