// Changes of the routing between recording and run, as metrics of the result.
import { variantEffect } from '../../trace/variants/effect.js';
import type { Simulation } from '../compose/simulation.js';
import type { Inputs } from '../inputs/inputs.js';

/**
 * Metrics of variants and of re-ranking; none for a run without them.
 * @param rows rows of the trace that the run may walk
 */
export function routingMetrics(
  { model, recorded, trace, variants }: Inputs,
  { rerank }: Pick<Simulation, 'rerank'>,
  rows: number,
): Record<string, number> {
  const metrics: Record<string, number> = {};
  if (variants) {
    const effect = variantEffect(recorded, trace, rows, model);
    metrics['variant.true_k'] = effect.trueK;
    metrics['variant.activations_saved'] = effect.activationsSaved;
    metrics['variant.flops_saved'] = effect.flopsSaved;
    metrics['variant.changed'] = effect.changed;
  }
  if (rerank !== null) {
    const { changed, choices, resident, residentBefore, weight, weightBefore } = rerank.counts;
    metrics['rerank.changed'] = changed / choices;
    metrics['rerank.hit_rate_gained'] = (resident - residentBefore) / choices;
    metrics['rerank.weight_lost'] = 1 - weight / weightBefore;
  }
  return metrics;
}
