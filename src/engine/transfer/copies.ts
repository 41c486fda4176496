import type { ExpertCache } from '../../cache/cache.js';
import { PINNED, UNPINNED } from '../../cache/policy.js';
import type { Caches } from '../../cache/scope.js';
import type { CachedTier } from './tier.js';

/** Parts of a {@link CopyPool}. Arrays are indexed by dense expert id. */
interface CopyPoolParts {
  /** From `buildCaches`, of a model whose experts are as large as copies. */
  readonly caches: Pick<Caches, 'byLayer' | 'caches' | 'rank' | 'split'>;
  /** Bytes of each copy, and the MoE layer of its expert. */
  readonly sizes: Float64Array;
  readonly layerOf: Uint16Array;
  readonly bytesOf: (capacityBytes: number) => number;
  /** True: a copy is a slice of its expert. */
  readonly additive: boolean;
}

/** Low-precision copies on a GPU: slots out of the bytes of whole experts (L6, L13). They come on demand only, so one in the pool has arrived. */
export class CopyPool {
  /** Each cache once, and that of each MoE layer. */
  readonly caches: readonly ExpertCache[];
  readonly sizes: Float64Array;
  readonly additive: boolean;
  /** Misses served from resident copies, and transferred copies with their bytes. */
  hits = 0;
  brought = 0;
  broughtBytes = 0;
  readonly #parts: CopyPoolParts;
  /** Counts the bytes that are in use. */
  #tier: Pick<CachedTier, 'account'> | null = null;
  /** Copies that the running event uses, or brings. */
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

  /** Serves a miss from the resident copy of `id`. */
  serve(id: number): void {
    this.hits++;
    this.touch(id);
  }

  /** Transfers the copy of `id` for the running event; @returns false: it finds no slot */
  bring(id: number): boolean {
    this.brought++;
    this.broughtBytes += this.sizes[id]!;
    return this.admit(id, true);
  }

  /** Passes a use on to the policy, of the resident copy of `id`. */
  touch(id: number): void {
    const cache = this.#cacheOf(id);
    cache.touch(id - cache.base);
  }

  /** Gives the missing copy of `id` a slot (L5). @param used false: the slice of an evicted expert @returns false: no room, or the policy refuses */
  admit(id: number, used: boolean): boolean {
    const cache = this.#cacheOf(id);
    const before = cache.usedBytes;
    const admitted = cache.admit(id - cache.base, used);
    this.#tier!.account(cache.usedBytes - before);
    return admitted;
  }

  /** Makes the resident copy of `id` a part of its whole expert. */
  merge(id: number): void {
    const cache = this.#cacheOf(id);
    const before = cache.usedBytes;
    cache.remove(id - cache.base);
    this.#tier!.account(cache.usedBytes - before);
  }

  /** Pins the copy of `id`, if there is or will be one, until the running event has ended (L4). */
  pin(id: number): void {
    this.#parts.caches.rank[id] = PINNED;
    this.#pinned.push(id);
  }

  unpinAll(): void {
    for (const id of this.#pinned) this.#parts.caches.rank[id] = UNPINNED;
    this.#pinned.length = 0;
  }

  /** The caches of a tier that has a pool: on a change of capacity the pool gets its part first, and evicts copies without room. */
  beside<C extends Pick<Caches, 'split'>>(caches: C): C {
    return { ...caches, split: (capacityBytes) => caches.split(capacityBytes - this.#resize(capacityBytes)) };
  }

  /** @returns bytes of its part of a capacity */
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
