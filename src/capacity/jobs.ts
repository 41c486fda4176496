// One policy at several capacities: online policies replay on arrival, foresight at the end, LRU counts all at once.
import { setCompilerFlag } from '../base/host/machine.js';
import type { Parameters } from '../base/parameters.js';
import { type CapacityCounts, LruCurve } from '../cache/curves/lru-curve.js';
import { RowLog } from '../cache/curves/row-log.js';
import { RowReplay } from '../cache/curves/row-replay.js';
import { type PolicyChoice, resolvePolicy } from '../cache/policies/index.js';
import { lru } from '../cache/policies/lru.js';
import { type Clock, type PolicyDefinition, policyNeeds } from '../cache/policy.js';
import { buildCaches, type Caches, type Scope, type SplitCapacity } from '../cache/scope.js';
import type { ModelSpec } from '../model/door.js';
import { NULL_EXPERT } from '../trace/trace.js';

/** Replay settings common to all policies and capacities. */
export interface ReplayOptions {
  readonly model: ModelSpec;
  readonly folder: string;
  readonly scope: Scope;
  /** Uncounted tokens at the start, to fill caches. */
  readonly warmup: number;
  readonly seed: number;
}

/** Job of runs; can be sent to a thread. */
export interface JobSpec extends ReplayOptions {
  /** Row width per layer. */
  readonly topK: number;
  readonly policy: PolicyChoice;
  readonly capacities: readonly SplitCapacity[];
  /** True: each activation is an event (L7). */
  readonly sequential: boolean;
  /** Activations by dense id, for policies based on popularity. */
  readonly popularity: Float64Array | null;
}

/** A running job. */
export interface Job {
  /** Takes rows `[0, tokens)` of a block, later overwritten. */
  rows(experts: Uint16Array, tokens: number): void;
  /** Ends the replay. @param progress gets tokens replayed @returns counts by capacity */
  finish(progress: (tokens: number) => void): CapacityCounts[];
  close?(): void;
}

interface ResolvedJob extends JobSpec {
  readonly definition: PolicyDefinition;
  readonly parameters: Parameters;
}

/** Splits a block at the end of the warm-up: `part(from, to, counted)`. */
export function splitAtWarmup(
  done: number,
  tokens: number,
  warmup: number,
  part: (from: number, to: number, counted: boolean) => void,
): void {
  const cut = Math.min(Math.max(warmup - done, 0), tokens);
  if (cut > 0) part(0, cut, false);
  if (cut < tokens) part(cut, tokens, true);
}

/** Capacities from which a stack-distance pass beats replays. Ours, measured with `bench/policies.mjs`. */
const WORTHWHILE = 4;

/** @throws UserError if the policy cannot be loaded or lacks inputs */
export async function startJob(spec: JobSpec): Promise<Job> {
  // V8 stops inlining at 920 bytes of bytecode, inside ARC; a higher limit makes ARC 1.4 and S3-FIFO 1.2 times as fast.
  setCompilerFlag('--max-inlined-bytecode-size-cumulative=4000');
  const job: ResolvedJob = { ...spec, ...(await resolvePolicy(spec.policy, spec.folder)) };
  if (policyNeeds(job.definition, job.parameters).includes('future')) return foresightJob(job);
  return job.definition === lru && job.capacities.length >= WORTHWHILE ? new LruJob(job) : replayJob(job);
}

class CapacityReplay {
  readonly #caches: Caches;
  readonly #replay: RowReplay;
  readonly #warmup: number;
  #done = 0;
  #insertedBefore: number[];
  #evictedBefore: number[];

  /** @param nextUse by dense id, for policies with foresight */
  constructor(job: ResolvedJob, capacity: SplitCapacity, nextUse: Int32Array | null) {
    const clock: Clock = { event: 0, pass: 0, layer: 0 };
    this.#caches = buildCaches({
      model: job.model,
      policy: job.definition,
      parameters: job.parameters,
      capacityBytes: capacity.bytes,
      scope: job.scope,
      quotas: capacity.quotas ?? undefined,
      clock,
      seed: job.seed,
      nextUse: nextUse ?? undefined,
      popularity: job.popularity ?? undefined,
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

function replayJob(job: ResolvedJob): Job {
  const replays = job.capacities.map((capacity) => new CapacityReplay(job, capacity, null));
  return {
    rows: (experts, tokens) => {
      for (const replay of replays) replay.rows(experts, tokens);
    },
    finish: () => replays.map((replay) => replay.counts()),
  };
}

/** Records rows, finds next uses backwards, then replays. */
function foresightJob(job: ResolvedJob): Job {
  const log = new RowLog(job.model, job.topK, job.sequential);
  return {
    rows: (experts, tokens) => log.append(experts, tokens),
    finish: (progress) => {
      log.lookBack();
      const replays = job.capacities.map((capacity) => new CapacityReplay(job, capacity, new Int32Array(job.model.experts)));
      let done = 0;
      log.walk((experts, next, rows) => {
        for (const replay of replays) replay.rows(experts, rows, next);
        progress((done += rows));
      });
      return replays.map((replay) => replay.counts());
    },
    close: () => log.close(),
  };
}

class LruJob implements Job {
  readonly #job: ResolvedJob;
  readonly #curve: LruCurve;
  readonly #members: Int32Array;
  #done = 0;

  constructor(job: ResolvedJob) {
    this.#job = job;
    this.#curve = new LruCurve(job.model, job.scope, job.capacities);
    this.#members = new Int32Array(job.topK);
  }

  rows(experts: Uint16Array, tokens: number): void {
    splitAtWarmup(this.#done, tokens, this.#job.warmup, (from, to, counted) => {
      this.#events(experts, from, to);
      if (!counted) this.#curve.resetCounts();
    });
    this.#done += tokens;
  }

  finish(): CapacityCounts[] {
    return this.#curve.counts();
  }

  #events(experts: Uint16Array, from: number, to: number): void {
    const { model, sequential, topK } = this.#job;
    const members = this.#members;
    let at = from * model.layers.length * topK;
    for (let row = from; row < to; row++) {
      for (let layer = 0; layer < model.layers.length; layer++) {
        const { offset } = model.layers[layer]!;
        let count = 0;
        for (const end = at + topK; at < end; at++) {
          if (experts[at] === NULL_EXPERT) continue;
          members[count++] = offset + experts[at]!;
          if (!sequential) continue;
          this.#curve.event(layer, members, 1);
          count = 0;
        }
        if (count > 0) this.#curve.event(layer, members, count);
      }
    }
  }
}
