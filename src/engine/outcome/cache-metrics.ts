import type { CopyPool } from '../mechanisms/copies.js';
import type { PhaseCounters, Recorder } from '../vocabulary/recorder.js';
import type { Finished, Values } from './finished.js';

/** Hits, misses and demand of caches, in total and by phase. */
export function cacheMetrics({ inputs, simulation: { copies, recorder } }: Finished): Values {
  const [prefill, decode] = recorder.phases;
  // With a single phase, phase metrics would repeat the total.
  const both = prefill.events > 0 && decode.events > 0;
  return {
    ...ofPhase('', bothPhases(recorder)),
    ...(both ? { ...ofPhase('.prefill', prefill), ...ofPhase('.decode', decode) } : {}),
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

function ofPhase(variant: string, phase: PhaseCounters): Values {
  return {
    [`cache.hit_rate${variant}`]: phase.hits / phase.demanded,
    [`cache.hit_rate_counting_late${variant}`]: (phase.hits + phase.late) / phase.demanded,
    [`cache.late_rate${variant}`]: phase.late / phase.demanded,
    [`cache.miss_rate${variant}`]: phase.misses / phase.demanded,
    [`cache.token_hit_rate${variant}`]: phase.hitActivations / phase.activations,
    [`cache.hits${variant}`]: phase.hits,
    [`cache.late${variant}`]: phase.late,
    [`cache.misses${variant}`]: phase.misses,
    [`cache.evictions${variant}`]: phase.evictions,
    [`cache.streamed${variant}`]: phase.streamed,
    [`experts.demanded${variant}`]: phase.demanded,
    [`experts.activations${variant}`]: phase.activations,
    [`experts.distinct_per_event${variant}`]: phase.demanded / phase.events,
  };
}

/** Sums of prefill and decode. */
export function bothPhases({ phases: [a, b] }: Recorder): PhaseCounters {
  const names = Object.keys(a) as (keyof PhaseCounters)[];
  return Object.fromEntries(names.map((name) => [name, a[name] + b[name]])) as unknown as PhaseCounters;
}
