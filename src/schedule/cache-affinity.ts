import { PATHS, type PathSource } from './paths.js';
import { type Choose, POOL_PARAMETERS, PoolScheduler, poolFairness, poolSize } from './pool.js';
import { type SchedulerContext, scheduler } from './scheduler.js';

function fewestMisses({ paths }: { readonly paths: PathSource }, context: SchedulerContext): Choose {
  const view = context.paths!;
  const residency = context.residency!;
  return (candidates, most, chosen) => {
    if (candidates.length > most) {
      const missing = candidates.map((request) => ({ request, count: view.missing(request, paths, residency) }));
      missing.sort((a, b) => a.count - b.count);
      for (let i = 0; i < most; i++) chosen.push(missing[i]!.request);
    } else chosen.push(...candidates);
  };
}

/** Runs the pool's requests with the fewest missing experts; a bound limits the wait. */
export const cacheAffinity = scheduler({
  name: 'cache-affinity',
  summary: 'of a pool, the requests whose next token misses the fewest experts',
  cites: 'moeprof; the idea is that of cache-aware request scheduling, SGLang, arXiv 2312.07104, with experts in place of prefixes',
  parameters: { ...POOL_PARAMETERS, paths: PATHS },
  needs: ['paths', 'residency'],
  fairness: poolFairness,
  running: poolSize,
  create: (limits, parameters, context) => new PoolScheduler(limits, parameters, context, fewestMisses(parameters, context)),
});
