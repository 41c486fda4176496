// Replay without time: laws L1-L7, with every miss inserted at once. The engine adds transfers and predictions to the same caches; laws of
// policies and comparisons with cache simulators need no more than this replay.
import { sum } from '../../src/base/statistics.js';
import type { DemandCursor } from '../../src/cache/demand.js';
import type { Future } from '../../src/cache/future.js';
import { type Clock, UNPINNED } from '../../src/cache/policy.js';
import type { Caches } from '../../src/cache/scope.js';

/** Counters by MoE layer of the event that caused them. */
type LayerCounts = Readonly<Record<'events' | 'demanded' | 'hits' | 'streamed' | 'evictions', Float64Array>>;

/** Counts of a replay. */
export interface ReplayCounts {
  readonly events: number;
  readonly demanded: number;
  readonly hits: number;
  readonly misses: number;
  /** Misses that were not inserted. */
  readonly streamed: number;
  readonly insertions: number;
  readonly evictions: number;
}

/** Judges events against caches (L2-L5) and counts. */
export class DemandReplay {
  readonly perLayer: LayerCounts;
  readonly #caches: Caches;
  readonly #clock: Clock;
  readonly #sequential: boolean;
  readonly #future: Future | null;
  readonly #nextUse: Int32Array;
  #lastLayer = Number.POSITIVE_INFINITY;

  /**
   * @param caches of one tier, built with the same `clock` and `nextUse`
   * @param sequential each activation is judged on its own (L7), nothing is pinned
   * @param future of this very run, where the policy needs it; written into `nextUse` event by event
   */
  constructor(caches: Caches, clock: Clock, sequential: boolean, future: Future | null = null, nextUse: Int32Array = new Int32Array(0)) {
    this.#caches = caches;
    this.#clock = clock;
    this.#sequential = sequential;
    this.#future = future;
    this.#nextUse = nextUse;
    const layers = caches.byLayer.length;
    this.perLayer = {
      events: new Float64Array(layers),
      demanded: new Float64Array(layers),
      hits: new Float64Array(layers),
      streamed: new Float64Array(layers),
      evictions: new Float64Array(layers),
    };
  }

  /** Replays one event. @param ids members by dense id, in L3 order; sequential: the activations in order, which may repeat an expert */
  event(layer: number, ids: Int32Array, count: number): void {
    const clock = this.#clock;
    clock.layer = layer;
    if (layer <= this.#lastLayer) clock.pass++;
    this.#lastLayer = layer;
    const cache = this.#caches.byLayer[layer]!;
    const evictedBefore = cache.evictions;
    const { learned } = this.#caches;
    const { perLayer } = this;
    if (learned !== null) {
      const members = this.#sequential ? Int32Array.from(new Set(ids.subarray(0, count))) : ids;
      learned.demanded(layer, members, this.#sequential ? members.length : count);
    }
    if (this.#sequential) this.#oneByOne(layer, ids, count);
    else this.#atOnce(layer, ids, count);
    perLayer.events[layer]! += 1;
    perLayer.demanded[layer]! += count;
    perLayer.evictions[layer]! += cache.evictions - evictedBefore;
  }

  /** Replays all events of a cursor. */
  run(cursor: DemandCursor): void {
    while (cursor.next()) this.event(cursor.layer, cursor.ids, cursor.count);
  }

  /** Members are pinned, so none leaves before it is judged: judging them one after another is judging them at once (L2). */
  #atOnce(layer: number, ids: Int32Array, count: number): void {
    const cache = this.#caches.byLayer[layer]!;
    const { rank } = this.#caches;
    const { resident, base } = cache;
    if (this.#future !== null) this.#future.advance(this.#nextUse);
    for (let i = 0; i < count; i++) rank[ids[i]!] = -1;
    let hits = 0;
    let streamed = 0;
    for (let i = 0; i < count; i++) {
      const id = ids[i]! - base;
      if (resident[id] === 1) {
        hits++;
        cache.touch(id);
      } else if (!cache.admit(id)) streamed++;
    }
    for (let i = 0; i < count; i++) rank[ids[i]!] = UNPINNED;
    this.perLayer.hits[layer]! += hits;
    this.perLayer.streamed[layer]! += streamed;
    this.#clock.event++;
  }

  #oneByOne(layer: number, ids: Int32Array, count: number): void {
    const cache = this.#caches.byLayer[layer]!;
    const { resident, base } = cache;
    const clock = this.#clock;
    let hits = 0;
    let streamed = 0;
    for (let i = 0; i < count; i++) {
      const id = ids[i]! - base;
      if (this.#future !== null) this.#future.advance(this.#nextUse);
      if (resident[id] === 1) {
        hits++;
        cache.touch(id);
      } else if (!cache.admit(id)) streamed++;
      clock.event++;
    }
    this.perLayer.hits[layer]! += hits;
    this.perLayer.streamed[layer]! += streamed;
  }

  /** Sums over layers. */
  counts(): ReplayCounts {
    const { perLayer } = this;
    const demanded = sum(perLayer.demanded);
    const hits = sum(perLayer.hits);
    const streamed = sum(perLayer.streamed);
    const misses = demanded - hits;
    return {
      events: sum(perLayer.events),
      demanded,
      hits,
      misses,
      streamed,
      insertions: misses - streamed,
      evictions: sum(perLayer.evictions),
    };
  }

  /** Resets the counts but not the caches, after a warm-up. */
  resetCounts(): void {
    for (const values of Object.values(this.perLayer)) values.fill(0);
  }
}
