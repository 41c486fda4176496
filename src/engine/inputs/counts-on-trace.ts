// Whether a run counts popularity, or warms caches, on its own trace: by the system alone, so that a system replays the
// same rows everywhere.
import { resolvePolicy } from '../../cache/policies/index.js';
import { policyNeeds } from '../../cache/policy.js';
import { findPlacement, type RunSpec } from '../../system/door.js';

/** True if a placement, policy, split or warm cache uses tokens of the trace. @throws UserError for a bad module */
export async function countsOnTrace({ folder, system }: Pick<RunSpec, 'folder' | 'system'>): Promise<boolean> {
  const { copies, policy, popularity, quotas, scope, warm } = system.cache;
  if (typeof warm === 'number') return true;
  if (typeof popularity === 'string') return false;
  if (scope === 'layer' && (quotas === 'proportional' || quotas === 'optimal')) return true;
  if (system.placement !== undefined && findPlacement(system.placement.kind.name).needsPopularity) return true;
  for (const choice of [policy, system.dram.policy, ...(copies === undefined ? [] : [copies.policy])]) {
    const { definition, parameters } = await resolvePolicy(choice, folder);
    if (policyNeeds(definition, parameters).includes('popularity')) return true;
  }
  return false;
}
