// LRU at many capacities, by event, in one pass over the stack. With events too (L2, L4), n slots hold the members and
// the most recent other experts. A cache leaves the pass, for a replay, at the first event with more members than
// slots, since streaming depends on residents. Caches of unequal sizes are always replayed.
import type { ModelSpec } from '../../model/door.js';
import { ExpertCache } from '../cache.js';
import { Lru } from '../policies/lru.js';
import { PINNED, Pins, UNPINNED } from '../policy.js';
import type { Scope, SplitCapacity } from '../scope.js';
import { type CacheLevels, cacheLevels } from './levels.js';
import { LruStack, upTo } from './stack-distance.js';

interface CacheCounts {
  readonly insertions: number;
  readonly evictions: number;
}

/** Counts at one capacity. */
export interface CapacityCounts {
  /** By MoE layer. */
  readonly hits: readonly number[];
  readonly caches: readonly CacheCounts[];
}

/** LRU of one tier at many capacities. */
export class LruCurve {
  readonly #caches: readonly OneCache[];
  readonly #byLayer: readonly OneCache[];
  readonly #capacities: number;

  constructor(model: ModelSpec, scope: Scope, capacities: readonly SplitCapacity[]) {
    this.#capacities = capacities.length;
    this.#caches = cacheLevels(model, scope, capacities).map((levels) => new OneCache(levels));
    this.#byLayer = model.layers.map((_, l) => this.#caches[scope === 'layer' ? l : 0]!);
  }

  /** Counts an event. @param ids distinct members by dense id in L3 order, the first `count` entries */
  event(layer: number, ids: Int32Array, count: number): void {
    this.#byLayer[layer]!.event(layer, ids, count);
  }

  counts(): CapacityCounts[] {
    return Array.from({ length: this.#capacities }, (_, capacity) => {
      const caches = this.#caches.map((cache) => cache.counts(capacity));
      return { hits: caches.flatMap(({ hits }) => hits), caches: caches.map(({ insertions, evictions }) => ({ insertions, evictions })) };
    });
  }

  /** Resets counts but not caches, after a warm-up. */
  resetCounts(): void {
    for (const cache of this.#caches) cache.resetCounts();
  }
}

interface OneCounts extends CacheCounts {
  readonly hits: readonly number[];
}

interface Left {
  readonly cache: ExpertCache;
  readonly hits: Float64Array;
  /** Counts of the pass, minus the cache's initial counts. */
  before: OneCounts;
}

class OneCache {
  readonly #levels: CacheLevels;
  readonly #stack: LruStack;
  /** By MoE layer of the cache: uses by smallest level with the expert; last entry: misses. */
  readonly #uses: readonly Float64Array[];
  readonly #left = new Map<number, Left>();
  readonly #replayed: Left[] = [];
  #widest: number;
  #distinctBefore = 0;

  constructor(levels: CacheLevels) {
    const { bytes, from, sizes, slots, to, uniform } = levels;
    this.#levels = levels;
    this.#stack = new LruStack(sizes.length, slots);
    this.#uses = Array.from({ length: to - from }, () => new Float64Array(slots.length + 1));
    this.#widest = slots[0] ?? Number.POSITIVE_INFINITY;
    if (!uniform) for (let capacity = 0; capacity < bytes.length; capacity++) this.#leave(capacity);
  }

  event(layer: number, ids: Int32Array, count: number): void {
    if (count > this.#widest) this.#leaveBelow(count);
    const { base, from } = this.#levels;
    this.#stack.event(ids, count, base, this.#uses[layer - from]!);
    for (let at = 0; at < this.#replayed.length; at++) replay(this.#replayed[at]!, layer - from, ids, count);
  }

  counts(capacity: number): OneCounts {
    const left = this.#left.get(capacity);
    if (left === undefined) return this.#passed(capacity);
    const { before, cache, hits } = left;
    return {
      hits: before.hits.map((passed, l) => passed + hits[l]!),
      insertions: before.insertions + cache.insertions,
      evictions: before.evictions + cache.evictions,
    };
  }

  resetCounts(): void {
    this.#distinctBefore = this.#stack.distinct;
    for (const uses of this.#uses) uses.fill(0);
    for (const left of this.#replayed) {
      left.hits.fill(0);
      left.before = { hits: this.#uses.map(() => 0), insertions: -left.cache.insertions, evictions: -left.cache.evictions };
    }
  }

  #passed(capacity: number): OneCounts {
    const level = this.#levels.levelOf[capacity]!;
    const hits = this.#uses.map((uses) => upTo(uses, level));
    if (level < 0) return { hits, insertions: 0, evictions: 0 };
    // Every miss is inserted, since an event's members fit; insertions beyond the slots evict.
    const slots = this.#levels.slots[level]!;
    const demanded = this.#uses.reduce((sum, uses) => sum + upTo(uses, uses.length - 1), 0);
    const insertions = demanded - hits.reduce((sum, count) => sum + count, 0);
    const grown = Math.min(slots, this.#stack.distinct) - Math.min(slots, this.#distinctBefore);
    return { hits, insertions, evictions: insertions - grown };
  }

  #leaveBelow(count: number): void {
    const { levelOf, slots } = this.#levels;
    for (const [capacity, level] of levelOf.entries()) if (level >= 0 && slots[level]! < count) this.#leave(capacity);
    this.#widest = slots.find((size) => size >= count) ?? Number.POSITIVE_INFINITY;
  }

  #leave(capacity: number): void {
    if (this.#left.has(capacity)) return;
    const { base, bytes, levelOf, sizes } = this.#levels;
    const pins = new Pins(new Int32Array(sizes.length).fill(UNPINNED));
    const cache = new ExpertCache(base, sizes, bytes[capacity]!, pins, new Lru(sizes.length));
    const { hits, insertions, evictions } = this.#passed(capacity);
    if (levelOf[capacity]! >= 0) for (const id of this.#stack.held(levelOf[capacity]!)) cache.admit(id);
    const before = { hits, insertions: insertions - cache.insertions, evictions };
    const left = { cache, hits: new Float64Array(hits.length), before };
    this.#left.set(capacity, left);
    this.#replayed.push(left);
  }
}

/** Replays an event. Members are pinned, so judging in sequence equals judging at once (L2). */
function replay({ cache, hits }: Left, layer: number, ids: Int32Array, count: number): void {
  const { base, resident } = cache;
  const { rank } = cache.pins;
  for (let i = 0; i < count; i++) rank[ids[i]! - base] = PINNED;
  for (let i = 0; i < count; i++) {
    const id = ids[i]! - base;
    if (resident[id] === 1) {
      hits[layer]! += 1;
      cache.touch(id);
    } else cache.admit(id);
  }
  for (let i = 0; i < count; i++) rank[ids[i]! - base] = UNPINNED;
}
