// The kinds of jobs, and the kind that each policy needs.
import { setCompilerFlag } from '../base/host/compiler.js';
import { resolvePolicy } from '../cache/policies/index.js';
import { lru } from '../cache/policies/lru.js';
import { policyNeeds } from '../cache/policy.js';
import { foresightJob } from './foresight-job.js';
import type { Job, JobSpec, ResolvedJob } from './job.js';
import { LruJob } from './lru-job.js';
import { replayJob } from './replay-job.js';

/** Capacities from which a pass over stack distances costs less than replays. Ours, measured with `bench/policies.mjs`. */
const WORTHWHILE = 4;

/**
 * Starts a job.
 * @throws UserError where the policy cannot be loaded or lacks what it needs
 */
export async function startJob(spec: JobSpec): Promise<Job> {
  // One replay step of an elaborate policy is a dozen small methods. V8 stops inlining them into the loop at a total of 920 bytes of
  // bytecode, in the middle of ARC; with room for all, ARC is replayed 1.4 times as fast and S3-FIFO 1.2 times.
  setCompilerFlag('--max-inlined-bytecode-size-cumulative=4000');
  const job: ResolvedJob = { ...spec, ...(await resolvePolicy(spec.policy, spec.folder)) };
  if (policyNeeds(job.definition, job.parameters).includes('future')) return foresightJob(job);
  return job.definition === lru && job.capacities.length >= WORTHWHILE ? new LruJob(job) : replayJob(job);
}
