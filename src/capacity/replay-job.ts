// A job that replays every capacity as rows come in: for policies that look at the past only.
import type { SplitCapacity } from '../cache/curves/levels.js';
import type { CapacityCounts } from '../cache/curves/lru-curve.js';
import { RowReplay } from '../cache/curves/row-replay.js';
import type { Clock } from '../cache/policy.js';
import { buildCaches, type Caches } from '../cache/scope.js';
import { type Job, type ResolvedJob, splitAtWarmup } from './job.js';

/** One capacity under replay. */
export class CapacityReplay {
  readonly #caches: Caches;
  readonly #replay: RowReplay;
  readonly #warmup: number;
  #done = 0;
  #insertedBefore: number[];
  #evictedBefore: number[];

  /** @param nextUse by dense id, for policies that need the future */
  constructor(job: ResolvedJob, capacity: SplitCapacity, nextUse: Int32Array | null) {
    const clock: Clock = { event: 0, pass: 0, layer: 0 };
    this.#caches = buildCaches({
      model: job.model,
      policy: job.definition,
      parameters: job.parameters,
      capacityBytes: capacity.bytes,
      scope: job.scope,
      quotas: capacity.quotas,
      clock,
      seed: job.seed,
      nextUse,
      popularity: job.popularity,
      // A curve has no predictor.
      predicted: new Float32Array(job.model.experts),
    });
    for (const cache of this.#caches.caches) cache.preload();
    this.#replay = new RowReplay(job.model, this.#caches, clock, job.topK, job.sequential, nextUse ?? undefined);
    this.#warmup = job.warmup;
    this.#insertedBefore = this.#caches.caches.map(() => 0);
    this.#evictedBefore = this.#caches.caches.map(() => 0);
  }

  /** Replays rows `[0, tokens)`; `next` as in {@link RowReplay.run}. */
  rows(experts: Uint16Array, tokens: number, next: Int32Array | null = null): void {
    splitAtWarmup(this.#done, tokens, this.#warmup, (from, to, counted) => {
      this.#replay.run(experts, from, to, next);
      if (!counted) this.#forget();
    });
    this.#done += tokens;
  }

  counts(): CapacityCounts {
    return {
      hits: Array.from(this.#replay.hits),
      caches: this.#caches.caches.map(({ insertions, evictions }, c) => ({
        insertions: insertions - this.#insertedBefore[c]!,
        evictions: evictions - this.#evictedBefore[c]!,
      })),
    };
  }

  #forget(): void {
    this.#replay.hits.fill(0);
    this.#insertedBefore = this.#caches.caches.map((cache) => cache.insertions);
    this.#evictedBefore = this.#caches.caches.map((cache) => cache.evictions);
  }
}

/** Replays each capacity on every block. */
export function replayJob(job: ResolvedJob): Job {
  const replays = job.capacities.map((capacity) => new CapacityReplay(job, capacity, null));
  return {
    rows: (experts, tokens) => {
      for (const replay of replays) replay.rows(experts, tokens);
    },
    finish: () => replays.map((replay) => replay.counts()),
  };
}
