// All metrics of a run, from its counters. A metric that a run cannot have (TTFT of a trace without prompts) is absent, not zero.
import { sum } from '../../base/statistics.js';
import { expertSizes } from '../../model/door.js';
import { metric } from '../../result/catalogue.js';
import type { Bounds, Metric } from '../../result/result.js';
import { anyMiss, deferring, isLossy } from '../../system/door.js';
import { variantEffect } from '../../trace/variants/effect.js';
import { VALUE_BYTES } from '../parallel/pipeline.js';
import { imbalance } from '../vocabulary/recorder.js';
import { boundMetrics } from './bounds.js';
import { bothPhases, cacheMetrics } from './cache-metrics.js';
import type { Finished, Values } from './finished.js';
import { memoryMetrics } from './memory-metrics.js';
import { servingMetrics, timeMetrics } from './serving-metrics.js';
import { transferMetrics } from './transfer-metrics.js';

/** The metrics of a finished run, by name of the catalogue. */
export function metricsOf(finished: Finished, bounds: Bounds): Record<string, Metric> {
  const metrics: Record<string, Metric> = {};
  const put = (values: Values): void => {
    for (const [name, value] of Object.entries(values)) {
      if (value !== null && Number.isFinite(value)) metrics[name] = metric(name, value);
    }
  };
  put(cacheMetrics(finished));
  put(transferMetrics(finished));
  put(variantMetrics(finished));
  put(rerankMetrics(finished));
  put(qualityMetrics(finished));
  put(servingMetrics(finished));
  put(timeMetrics(finished));
  put(parallelMetrics(finished));
  put(memoryMetrics(finished));
  // These use other metrics.
  put(switchMetrics(finished, metrics));
  put(boundMetrics(finished, bounds, metrics));
  return metrics;
}

/** Changes of the routing between recording and run. */
function variantMetrics({ inputs: { model, recorded, trace, variants }, serving }: Finished): Values {
  if (!variants) return {};
  const { activationsSaved, changed, flopsSaved, trueK } = variantEffect(recorded, trace, serving.rows, model);
  return {
    'variant.true_k': trueK,
    'variant.activations_saved': activationsSaved,
    'variant.flops_saved': flopsSaved,
    'variant.changed': changed,
  };
}

function rerankMetrics({ simulation: { rerank } }: Finished): Values {
  if (rerank === null) return {};
  const { changed, choices, resident, residentBefore, weight, weightBefore } = rerank.counts;
  return {
    'rerank.changed': changed / choices,
    'rerank.hit_rate_gained': (resident - residentBefore) / choices,
    'rerank.weight_lost': 1 - weight / weightBefore,
  };
}

/** Activations that were served from copies of lower precision, by another expert, one layer late, or not at all. */
function qualityMetrics({ inputs, simulation: { recorder } }: Finished): Values {
  if (!isLossy(inputs.system.onMiss)) return {};
  const { activations } = bothPhases(recorder);
  return {
    'quality.degraded_rate': recorder.degradedActivations / activations,
    ...(anyMiss(inputs.system.onMiss, 'substitute') ? { 'quality.substituted_rate': recorder.substitutedActivations / activations } : {}),
    'quality.skipped_rate': recorder.skippedActivations / activations,
    ...(deferring(inputs.system.onMiss) ? { 'quality.deferred_rate': recorder.deferredActivations / activations } : {}),
  };
}

/** What only a run on several GPUs has. */
function parallelMetrics({ inputs: { model, system }, meters, simulation: { engine, parallel } }: Finished): Values {
  if (parallel === null) return {};
  const { activations, crossed, degrees, demanded, eventImbalance, events, exchangeNs, gathered, gatheredBytes, gpus, hits } = parallel;
  const rates = [...demanded].flatMap((count, gpu) => (count === 0 ? [] : [hits[gpu]! / count]));
  // There and back.
  const bytes = 2 * crossed * model.hidden * VALUE_BYTES;
  return {
    'parallel.gpus': gpus,
    'parallel.hit_rate.min': Math.min(...rates),
    'parallel.hit_rate.max': Math.max(...rates),
    'parallel.imbalance': imbalance(activations),
    'parallel.event_imbalance': eventImbalance / events,
    'parallel.crossing_rate': crossed / sum(activations),
    'parallel.overlap_degree': degrees / events,
    ...(system.parallelism !== 'adaptive'
      ? {}
      : { 'parallel.gathered_rate': gathered / events, 'transfer.all_gather.bytes': gatheredBytes }),
    'transfer.all_to_all.bytes': bytes,
    'transfer.all_to_all.bytes_per_token': bytes / meters.tokens,
    'time.all_to_all': exchangeNs,
    'share.all_to_all': exchangeNs / engine.nowNs,
  };
}

/** What a composition of whole models as experts has (Samba-CoE, arXiv 2405.07518): the cost of switches, and the machines that hold all. */
function switchMetrics({ inputs: { hardware, model }, layout: { gpus } }: Finished, metrics: Readonly<Record<string, Metric>>): Values {
  if (model.wholeModels !== true) return {};
  const value = (name: string): number => metrics[name]?.value ?? 0;
  const largest = Math.max(...expertSizes(model));
  const switches = value('transfer.on_demand.count');
  const [fast, ...lower] = hardware.tiers;
  const held = sum(
    gpus.map(({ memory: { denseBytes, kvBytes } }) => Math.max(0, Math.floor((fast!.bytes - denseBytes - kvBytes) / largest))),
  );
  // Every model lies in the lower memory, the fast one holds copies: the larger of the two counts, not their sum.
  const below = lower.filter(({ name }) => name !== 'ssd').map(({ bytes }) => bytes);
  return {
    'switch.count': switches,
    'switch.time': value('time.stall') / switches,
    'switch.per_request': switches / value('workload.requests'),
    'footprint.held': held,
    'footprint.reach': Math.floor(Math.max(gpus.length * fast!.bytes, ...below) / largest),
    'footprint.machines': Math.ceil(model.experts / held),
  };
}
