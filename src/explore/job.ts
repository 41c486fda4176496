// One policy at several capacities: the unit of work of a capacity curve. It is fed the rows of the trace block by block, in this
// thread or in one of its own, and says at the end what it counted.
import type { Parameters } from '../base/parameters.js';
import { resolvePolicy } from '../cache/policies/index.js';
import { type PolicyDefinition, policyNeeds } from '../cache/policy.js';
import type { Scope } from '../cache/scope.js';
import type { ModelSpec } from '../model/spec.js';
import { ForesightJob } from './foresight-job.js';
import { raiseInlining } from './inlining.js';
import { LruJob } from './lru-job.js';
import { ReplayJob } from './replay-job.js';

/** A capacity at which a policy is replayed. */
export interface JobCapacity {
  readonly bytes: number;
  /** Experts of each layer's cache; null: an even split, or one cache for all. */
  readonly quotas: readonly number[] | null;
}

/** What a job replays. It can be sent to a thread. */
export interface JobSpec {
  readonly model: ModelSpec;
  /** Width of a row per layer. */
  readonly topK: number;
  /** As the user wrote it. */
  readonly policy: string;
  /** Folder that a policy module of the user's own is relative to. */
  readonly folder: string;
  readonly capacities: readonly JobCapacity[];
  readonly scope: Scope;
  /** Each activation is judged on its own (L7). */
  readonly sequential: boolean;
  /** Tokens at the start that fill the caches and are not counted. */
  readonly warmup: number;
  readonly seed: number;
  /** Activations by dense id, for policies that need the popularity. */
  readonly popularity: Float64Array | null;
}

/** What one cache did after the warm-up. */
interface CacheCounts {
  readonly insertions: number;
  readonly evictions: number;
}

/** Counts at one capacity. */
export interface JobCounts {
  /** Hits by MoE layer. */
  readonly hits: readonly number[];
  /** One entry per cache: per layer, or one. */
  readonly caches: readonly CacheCounts[];
}

/** A running job. */
export interface Job {
  /** Takes rows `[0, tokens)` of a block, which is overwritten afterwards. */
  rows(experts: Uint16Array, tokens: number): void;
  /**
   * Ends the replay.
   * @param progress called with tokens replayed, where that is still to be done
   * @returns counts in the order of the capacities
   */
  finish(progress: (tokens: number) => void): JobCounts[];
  /** Drops what was recorded. */
  close(): void;
}

/** A job with its policy found. */
export interface ResolvedJob extends JobSpec {
  readonly definition: PolicyDefinition;
  readonly parameters: Parameters;
}

/**
 * Starts a job.
 * @throws UserError where the policy is unknown or lacks what it needs
 */
export async function startJob(spec: JobSpec): Promise<Job> {
  raiseInlining();
  const job: ResolvedJob = { ...spec, ...(await resolvePolicy(spec.policy, spec.folder)) };
  if (policyNeeds(job.definition, job.parameters).includes('future')) return new ForesightJob(job);
  return LruJob.suits(job) ? new LruJob(job) : new ReplayJob(job);
}

/** Splits a block of rows at the end of the warm-up: `part(from, to, counted)`. */
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
