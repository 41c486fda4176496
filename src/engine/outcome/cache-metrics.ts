import type { PhasedMetric } from '../../result/metrics.js';
import type { CopyPool } from '../mechanisms/copies.js';
import type { PhaseCounters, Recorder } from '../vocabulary/recorder.js';
import { ended, type Finished, type Values } from './finished.js';

/** Hits, misses and demand of caches, in total and by phase. */
export function cacheMetrics({ inputs, simulation: { copies, recorder } }: Finished): Values {
  const [prefill, decode] = recorder.phases;
  // With a single phase, phase metrics would repeat the total.
  const both = prefill.events > 0 && decode.events > 0;
  return {
    ...ofPhase(bothPhases(recorder)),
    ...(both ? { ...ended(ofPhase(prefill), '.prefill'), ...ended(ofPhase(decode), '.decode') } : {}),
    ...(inputs.system.cache.copies === undefined ? {} : copyMetrics(copies, bothPhases(recorder))),
    'experts.distinct': recorder.distinct,
  };
}

/** 0 without room for copies. */
function copyMetrics(pools: readonly CopyPool[], { demanded }: PhaseCounters): Values {
  const of = (count: (copies: CopyPool) => number): number => pools.reduce((sum, pool) => sum + count(pool), 0);
  const hits = of((copies) => copies.hits);
  return {
    'cache.copy_hit_rate': hits / demanded,
    'cache.copy_hits': hits,
    'cache.copy_evictions': of(({ evictions }) => evictions),
    'transfer.copies.count': of(({ brought }) => brought),
    'transfer.copies.bytes': of(({ broughtBytes }) => broughtBytes),
  };
}

function ofPhase(phase: PhaseCounters): Values<PhasedMetric> {
  return {
    'cache.hit_rate': phase.hits / phase.demanded,
    'cache.hit_rate_counting_late': (phase.hits + phase.late) / phase.demanded,
    'cache.late_rate': phase.late / phase.demanded,
    'cache.miss_rate': phase.misses / phase.demanded,
    'cache.token_hit_rate': phase.hitActivations / phase.activations,
    'cache.hits': phase.hits,
    'cache.late': phase.late,
    'cache.misses': phase.misses,
    'cache.evictions': phase.evictions,
    'cache.streamed': phase.streamed,
    'experts.demanded': phase.demanded,
    'experts.activations': phase.activations,
    'experts.distinct_per_event': phase.demanded / phase.events,
  };
}

/** Sums of prefill and decode. */
export function bothPhases({ phases: [a, b] }: Recorder): PhaseCounters {
  const names = Object.keys(a) as (keyof PhaseCounters)[];
  return Object.fromEntries(names.map((name) => [name, a[name] + b[name]])) as unknown as PhaseCounters;
}
