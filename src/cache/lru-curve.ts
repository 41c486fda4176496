// LRU at many capacities, counted event by event in one pass over the stack instead of a replay per capacity.
//
// This holds event by event too (L2, L4): after an event whose members all fit, an LRU cache of n slots holds the members and the n - |D|
// most recent others, which are the n most recent of all; so a member hits where fewer than n experts were used since, judged before the
// event. A cache leaves the pass at the first event that has more members than it has slots, since which of them are streamed depends on
// what was resident: it is replayed from there on. So are, from the start, caches whose experts differ in size.
import { expertSizes, type ModelSpec } from '../model/spec.js';
import { ExpertCache, isUniform } from './cache.js';
import { type Levels, levelsOf, upTo } from './levels.js';
import { Lru } from './policies/lru.js';
import { Pins, UNPINNED } from './policy.js';
import { DemandReplay } from './replay.js';
import { divide, type Scope } from './scope.js';
import { LruStack } from './stack-distance.js';

/** A capacity at which a policy is replayed. */
export interface SplitCapacity {
  readonly bytes: number;
  /** Experts of each layer's cache; null: an even split, or one cache for all. */
  readonly quotas: readonly number[] | null;
}

/** What one cache did. */
interface CacheCounts {
  readonly insertions: number;
  readonly evictions: number;
}

/** Counts at one capacity. */
export interface CapacityCounts {
  /** Hits by MoE layer. */
  readonly hits: readonly number[];
  /** One entry per cache: per layer, or one. */
  readonly caches: readonly CacheCounts[];
}

/** LRU of one tier at many capacities. */
export class LruCurve {
  /** Each cache once. */
  readonly #caches: readonly OneCache[];
  readonly #byLayer: readonly OneCache[];
  readonly #capacities: number;

  constructor(model: ModelSpec, scope: Scope, capacities: readonly SplitCapacity[]) {
    const shares = capacities.map(({ bytes, quotas }) => divide(model, bytes, scope, quotas).shares);
    const sharesOf = (cache: number): number[] => shares.map((ofCaches) => ofCaches[cache]!);
    this.#capacities = capacities.length;
    if (scope === 'global') {
      this.#caches = [new OneCache(model, 0, model.layers.length, sharesOf(0))];
      this.#byLayer = model.layers.map(() => this.#caches[0]!);
    } else this.#caches = this.#byLayer = model.layers.map((_, l) => new OneCache(model, l, l + 1, sharesOf(l)));
  }

  /**
   * One event.
   * @param ids distinct members by dense id in L3 order, the first `count` entries
   */
  event(layer: number, ids: Int32Array, count: number): void {
    this.#byLayer[layer]!.event(layer, ids, count);
  }

  /** What has been counted, by capacity. */
  counts(): CapacityCounts[] {
    return Array.from({ length: this.#capacities }, (_, capacity) => {
      const caches = this.#caches.map((cache) => cache.counts(capacity));
      return { hits: caches.flatMap(({ hits }) => hits), caches: caches.map(({ insertions, evictions }) => ({ insertions, evictions })) };
    });
  }

  /** Forgets the counts, not the caches: what came before was warm-up. */
  resetCounts(): void {
    for (const cache of this.#caches) cache.resetCounts();
  }
}

/** Counts of one cache; hits by MoE layer of it. */
interface OneCounts extends CacheCounts {
  readonly hits: readonly number[];
}

/** A capacity that has left the pass. */
interface Left {
  readonly cache: ExpertCache;
  readonly replay: DemandReplay;
  /** What the pass had counted, less what the replay counts to begin with. */
  before: OneCounts;
}

/** One cache at all capacities. */
class OneCache {
  readonly #model: ModelSpec;
  readonly #from: number;
  readonly #base: number;
  readonly #sizes: Float64Array;
  /** Bytes by capacity. */
  readonly #bytes: readonly number[];
  readonly #levels: Levels;
  readonly #stack: LruStack;
  /** By MoE layer of the cache: uses by the smallest level that holds them; the last entry: none does. */
  readonly #uses: readonly Float64Array[];
  readonly #left = new Map<number, Left>();
  readonly #replays: DemandReplay[] = [];
  /** Members of the widest event that every capacity on the pass has room for. */
  #widest: number;
  #distinctBefore = 0;

  /** For MoE layers [from, to). */
  constructor(model: ModelSpec, from: number, to: number, bytes: readonly number[]) {
    const layers = model.layers.slice(from, to);
    const { offset, experts } = layers.at(-1)!;
    this.#model = model;
    this.#from = from;
    this.#base = layers[0]!.offset;
    this.#sizes = expertSizes(model).subarray(this.#base, offset + experts);
    this.#bytes = bytes;
    const uniform = isUniform(this.#sizes);
    this.#levels = levelsOf(bytes.map((all) => (uniform ? Math.min(this.#sizes.length, Math.floor(all / this.#sizes[0]!)) : 0)));
    this.#stack = new LruStack(this.#sizes.length, this.#levels.slots);
    this.#uses = layers.map(() => new Float64Array(this.#levels.slots.length + 1));
    this.#widest = this.#levels.slots[0] ?? Number.POSITIVE_INFINITY;
    if (!uniform) for (let capacity = 0; capacity < bytes.length; capacity++) this.#leave(capacity);
  }

  event(layer: number, ids: Int32Array, count: number): void {
    if (count > this.#widest) this.#leaveBelow(count);
    const base = this.#base;
    const stack = this.#stack;
    const uses = this.#uses[layer - this.#from]!;
    for (let i = 0; i < count; i++) uses[stack.level(ids[i]! - base)]! += 1;
    for (let i = 0; i < count; i++) stack.touch(ids[i]! - base);
    for (const replay of this.#replays) replay.event(layer, ids, count);
  }

  counts(capacity: number): OneCounts {
    const left = this.#left.get(capacity);
    if (left === undefined) return this.#passed(capacity);
    const { before, cache, replay } = left;
    return {
      hits: before.hits.map((hits, l) => hits + replay.perLayer.hits[this.#from + l]!),
      insertions: before.insertions + cache.insertions,
      evictions: before.evictions + cache.evictions,
    };
  }

  resetCounts(): void {
    this.#distinctBefore = this.#stack.distinct;
    for (const uses of this.#uses) uses.fill(0);
    for (const left of this.#left.values()) {
      left.replay.resetCounts();
      left.before = { hits: this.#uses.map(() => 0), insertions: -left.cache.insertions, evictions: -left.cache.evictions };
    }
  }

  /** What the pass has counted at a capacity. */
  #passed(capacity: number): OneCounts {
    const level = this.#levels.of[capacity]!;
    const hits = this.#uses.map((uses) => upTo(uses, level));
    if (level < 0) return { hits, insertions: 0, evictions: 0 };
    // Every miss is inserted, as the members of an event fit; what does not add to the residents has evicted.
    const slots = this.#levels.slots[level]!;
    const demanded = this.#uses.reduce((sum, uses) => sum + upTo(uses, uses.length - 1), 0);
    const insertions = demanded - hits.reduce((sum, count) => sum + count, 0);
    const grown = Math.min(slots, this.#stack.distinct) - Math.min(slots, this.#distinctBefore);
    return { hits, insertions, evictions: insertions - grown };
  }

  #leaveBelow(count: number): void {
    const { of, slots } = this.#levels;
    for (const [capacity, level] of of.entries()) if (level >= 0 && slots[level]! < count) this.#leave(capacity);
    this.#widest = slots.find((size) => size >= count) ?? Number.POSITIVE_INFINITY;
  }

  /** Replays a capacity from here on. */
  #leave(capacity: number): void {
    if (this.#left.has(capacity)) return;
    const level = this.#levels.of[capacity]!;
    const model = this.#model;
    const rank = new Int32Array(model.experts).fill(UNPINNED);
    const sizes = this.#sizes;
    const pins = new Pins(rank.subarray(this.#base, this.#base + sizes.length));
    const cache = new ExpertCache(this.#base, sizes, this.#bytes[capacity]!, pins, new Lru(sizes.length));
    const { hits, insertions, evictions } = this.#passed(capacity);
    if (level >= 0) for (const id of this.#stack.held(level)) cache.admit(id);
    const caches = { caches: [cache], byLayer: model.layers.map(() => cache), rank, split: (bytes: number) => [bytes] };
    const replay = new DemandReplay(caches, { event: 0, pass: 0, layer: 0 }, false);
    this.#left.set(capacity, { cache, replay, before: { hits, insertions: insertions - cache.insertions, evictions } });
    this.#replays.push(replay);
  }
}
