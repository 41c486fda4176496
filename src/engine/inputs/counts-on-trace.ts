import { resolvePolicy } from '../../cache/policies/index.js';
import { policyNeeds } from '../../cache/policy.js';
import { findPlacement, type RunSpec } from '../../system/door.js';

/** Decided by the system alone, so every run replays the same rows. @throws UserError if a module is unusable */
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
