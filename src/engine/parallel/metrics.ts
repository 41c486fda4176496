// Metrics that only a run on several GPUs has.

import type { Simulation } from '../compose/simulation.js';
import type { Inputs } from '../inputs/inputs.js';
import { ParallelCounters } from '../vocabulary/counters.js';
import { VALUE_BYTES } from './pipeline.js';

/** @param tokens that were run */
export function parallelMetrics(
  { model }: Pick<Inputs, 'model'>,
  simulation: Pick<Simulation, 'engine' | 'parallel'>,
  tokens: number,
): Record<string, number> {
  const { engine, parallel } = simulation;
  if (parallel === null) return {};
  const { activations, crossed, degrees, demanded, eventImbalance, events, exchangeNs, gpus, hits } = parallel;
  const rates = [...demanded].flatMap((count, gpu) => (count === 0 ? [] : [hits[gpu]! / count]));
  // There and back.
  const bytes = 2 * crossed * model.hidden * VALUE_BYTES;
  return {
    'parallel.gpus': gpus,
    'parallel.hit_rate.min': Math.min(...rates),
    'parallel.hit_rate.max': Math.max(...rates),
    'parallel.imbalance': ParallelCounters.imbalance(activations),
    'parallel.event_imbalance': eventImbalance / events,
    'parallel.crossing_rate': crossed / activations.reduce((sum, count) => sum + count, 0),
    'parallel.overlap_degree': degrees / events,
    'transfer.all_to_all.bytes': bytes,
    'transfer.all_to_all.bytes_per_token': bytes / tokens,
    'time.all_to_all': exchangeNs,
    'share.all_to_all': exchangeNs / engine.nowNs,
  };
}
