// Replay without time: laws L1-L7 with every miss inserted at once. The engine adds transfers and predictions to the same caches;
// curves, bounds and comparisons with cache simulators need only this.
import type { ModelSpec } from '../model/spec.js';
import { NULL_EXPERT, type TraceChunk } from '../trace/trace.js';
import { type DemandCursor, type DemandLog, LogCursor } from './demand.js';
import { Future } from './future.js';
import { belady } from './policies/belady.js';
import { type Clock, UNPINNED } from './policy.js';
import { buildCaches, type Caches, type Scope } from './scope.js';

/** Counters by MoE layer of the event that caused them. */
export interface LayerCounts {
  readonly events: Float64Array;
  readonly demanded: Float64Array;
  readonly hits: Float64Array;
  readonly streamed: Float64Array;
  readonly evictions: Float64Array;
}

/** What a replay counted. `misses` includes those streamed. */
export interface ReplayCounts {
  readonly events: number;
  readonly demanded: number;
  readonly hits: number;
  readonly misses: number;
  readonly streamed: number;
  readonly insertions: number;
  readonly evictions: number;
}

/** Judges events against caches (L2-L5) and counts. */
export class Replay {
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

  /**
   * Replays one event.
   * @param ids members by dense id, in L3 order; sequential: the activations in order, which may repeat an expert
   */
  event(layer: number, ids: Int32Array, count: number): void {
    const clock = this.#clock;
    clock.layer = layer;
    if (layer <= this.#lastLayer) clock.pass++;
    this.#lastLayer = layer;
    const cache = this.#caches.byLayer[layer]!;
    const evictedBefore = cache.evictions;
    const { perLayer } = this;
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
    const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);
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

  /** Forgets the counts, not the caches: what came before was warm-up. */
  resetCounts(): void {
    for (const values of Object.values(this.perLayer)) values.fill(0);
  }
}

/** Walks the rows of a trace chunk as events of one token each, layer by layer. */
export class RowCursor implements DemandCursor {
  layer = 0;
  count = 0;
  readonly ids: Int32Array;
  readonly #offsets: Int32Array;
  readonly #layers: number;
  readonly #topK: number;
  #experts = new Uint16Array(0);
  #at = 0;
  #end = 0;
  #nextLayer = 0;

  /** @param topK width of a row per layer */
  constructor(model: ModelSpec, topK: number) {
    this.#offsets = Int32Array.from(model.layers, (layer) => layer.offset);
    this.#layers = model.layers.length;
    this.#topK = topK;
    this.ids = new Int32Array(topK);
  }

  /** Starts on rows `[from, to)` of a chunk. */
  open(chunk: Pick<TraceChunk, 'experts'>, from: number, to: number): void {
    this.#experts = chunk.experts as Uint16Array<ArrayBuffer>;
    this.#at = from * this.#layers * this.#topK;
    this.#end = to * this.#layers * this.#topK;
    this.#nextLayer = 0;
  }

  next(): boolean {
    const { ids } = this;
    const experts = this.#experts;
    const topK = this.#topK;
    let at = this.#at;
    while (at < this.#end) {
      const layer = this.#nextLayer;
      this.#nextLayer = layer + 1 === this.#layers ? 0 : layer + 1;
      const offset = this.#offsets[layer]!;
      let count = 0;
      for (const end = at + topK; at < end; at++) {
        const expert = experts[at]!;
        if (expert !== NULL_EXPERT) ids[count++] = offset + expert;
      }
      if (count === 0) continue;
      this.layer = layer;
      this.count = count;
      this.#at = at;
      return true;
    }
    this.#at = at;
    return false;
  }
}

/**
 * Hits of Belady with bypass on a recorded run, without prefetch: the bound in every result (L15). Exact for equal expert sizes; where
 * sizes differ within a cache it is a strong heuristic, not a bound.
 */
export function beladyHits(log: DemandLog, scope: Scope, capacityBytes: number, quotas: readonly number[] | null = null): number {
  const { model } = log;
  const clock: Clock = { event: 0, pass: 0, layer: 0 };
  const nextUse = new Int32Array(model.experts);
  const future = new Future(log);
  try {
    const caches = buildCaches({ model, policy: belady, parameters: {}, capacityBytes, scope, quotas, clock, seed: 0, nextUse });
    const replay = new Replay(caches, clock, log.sequential, future, nextUse);
    replay.run(new LogCursor(log));
    return replay.counts().hits;
  } finally {
    future.close();
  }
}
