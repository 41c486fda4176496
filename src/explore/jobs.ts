// The kinds of jobs, and which one a policy takes.

import { resolvePolicy } from '../cache/policies/index.js';
import { lru } from '../cache/policies/lru.js';
import { policyNeeds } from '../cache/policy.js';
import { foresightJob } from './foresight-job.js';
import { raiseInlining } from './inlining.js';
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
  raiseInlining();
  const job: ResolvedJob = { ...spec, ...(await resolvePolicy(spec.policy, spec.folder)) };
  if (policyNeeds(job.definition, job.parameters).includes('future')) return foresightJob(job);
  return job.definition === lru && job.capacities.length >= WORTHWHILE ? new LruJob(job) : replayJob(job);
}
