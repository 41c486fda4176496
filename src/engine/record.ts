// Records the schedule in a first run, for policies that know the future, where the schedule depends on the times of passes. The first run
// uses LRU, so the schedule is one that a machine could have had; the run itself then replays exactly these passes.

import { parsePolicy, resolvePolicy } from '../cache/policies/index.js';
import { policyNeeds } from '../cache/policy.js';
import { PassRecord } from '../schedule/door.js';
import { buildSimulation } from './build.js';
import type { RunPlan } from './compose/plan.js';
import { buildPasses } from './passes.js';
import { changingMemoryOf } from './serve/changing-memory.js';
import { runPasses } from './serve/serve.js';

/**
 * Records the passes of a run under LRU, where its policy knows the future and its schedule depends on time or on residency.
 * @returns null: the policy does not need it, or a dry run without a clock composes the same passes
 * @throws UserError where the run cannot be composed
 */
export async function recordPasses(proper: RunPlan, breathe: (() => Promise<void>) | undefined): Promise<PassRecord | null> {
  const { inputs, run, serving } = proper;
  const { definition, parameters } = await resolvePolicy(inputs.system.cache.policy, run.folder);
  if (!serving.timed || !policyNeeds(definition, parameters).includes('future')) return null;
  const system = { ...inputs.system, cache: { ...inputs.system.cache, policy: parsePolicy('lru') } };
  const plan = { ...proper, inputs: { ...inputs, system }, run: { ...run, bounds: false }, workload: serving.workload() };
  const record = new PassRecord();
  const simulation = await buildSimulation(plan);
  try {
    const passes = buildPasses(plan, plan.workload, simulation.residency, simulation.paths);
    passes.kv.admitted = [];
    await runPasses(passes, simulation, changingMemoryOf(plan, passes, simulation), {
      ended() {
        // The tokens that run again follow from the passes of the record.
        if (passes.again) return;
        record.append(passes.shares, passes.costNs, passes.kv.admitted!);
        passes.kv.admitted = [];
      },
      breathe,
    });
    record.metrics = passes.metrics;
  } finally {
    simulation.close();
  }
  return record;
}
