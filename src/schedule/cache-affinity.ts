// Runs those requests of a pool whose next token finds most of its experts in GPU memory; the others wait, within the pool's bound, until
// their experts come with somebody else's.
import type { Parameters } from '../base/parameters.js';
import { PATH_SOURCES, type PathView, type Residency } from './paths.js';
import { POOL_PARAMETERS, PoolScheduler, poolFairness, poolSize } from './pool.js';
import type { Request } from './request.js';
import type { SchedulerContext, SchedulerDefinition, SchedulerLimits } from './scheduler.js';

class CacheAffinityScheduler extends PoolScheduler {
  readonly #view: PathView;
  readonly #residency: Residency;
  readonly #source: (typeof PATH_SOURCES)[number];

  constructor(limits: SchedulerLimits, parameters: Parameters, context: SchedulerContext) {
    super(limits, parameters, context);
    this.#view = context.paths!;
    this.#residency = context.residency!;
    this.#source = parameters.paths as (typeof PATH_SOURCES)[number];
  }

  protected choose(candidates: readonly Request[], most: number, chosen: Request[]): void {
    if (candidates.length > most) {
      const missing = candidates.map((request) => ({ request, count: this.#view.missing(request, this.#source, this.#residency) }));
      missing.sort((a, b) => a.count - b.count);
      for (let i = 0; i < most; i++) chosen.push(missing[i]!.request);
    } else chosen.push(...candidates);
  }
}

/** Registry entry. */
export const cacheAffinity: SchedulerDefinition = {
  name: 'cache-affinity',
  summary: 'of a pool, the requests whose next token misses the fewest experts',
  cites: 'moeprof; the idea is that of cache-aware request scheduling, SGLang, arXiv 2312.07104, with experts in place of prefixes',
  parameters: {
    ...POOL_PARAMETERS,
    paths: {
      default: 'next',
      values: PATH_SOURCES,
      description: 'predicted path: the one that the token takes (a predictor that is always right), or that of the token before',
    },
  },
  needs: ['paths', 'residency'],
  fairness: poolFairness,
  running: poolSize,
  create: (limits, parameters, context) => new CacheAffinityScheduler(limits, parameters, context),
};
