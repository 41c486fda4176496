import { member } from '../base/members.js';
import type { Parameters } from '../base/parameters.js';
import { PATHS, type PathSource } from './paths.js';
import { type Choose, POOL_PARAMETERS, PoolScheduler, poolFairness, poolSize } from './pool.js';
import type { SchedulerContext, SchedulerDefinition } from './scheduler.js';

function fewestMisses({ paths }: Parameters, context: SchedulerContext): Choose {
  const view = context.paths!;
  const residency = context.residency!;
  return (candidates, most, chosen) => {
    if (candidates.length > most) {
      const missing = candidates.map((request) => ({ request, count: view.missing(request, paths as PathSource, residency) }));
      missing.sort((a, b) => a.count - b.count);
      for (let i = 0; i < most; i++) chosen.push(missing[i]!.request);
    } else chosen.push(...candidates);
  };
}

/** Runs the pool's requests with the fewest missing experts; a bound limits the wait. */
export const cacheAffinity: SchedulerDefinition = {
  ...member('scheduler', 'cache-affinity', { ...POOL_PARAMETERS, paths: PATHS }),
  needs: ['paths', 'residency'],
  fairness: poolFairness,
  running: poolSize,
  create: (limits, parameters, context) => new PoolScheduler(limits, parameters, context, fewestMisses(parameters, context)),
};
