// All metrics of a run, from its counters. A metric that a run cannot have (TTFT of a trace without prompts) is absent, not zero.

import { metric } from '../../result/catalogue.js';
import type { Bounds, Metric } from '../../result/result.js';
import { anyMiss, deferring, isLossy } from '../../system/door.js';
import { parallelMetrics } from '../parallel/metrics.js';
import { routingMetrics } from '../watch/routing-metrics.js';
import { boundMetrics } from './bounds.js';
import { bothPhases, cacheMetrics } from './cache-metrics.js';
import type { Finished, Values } from './finished.js';
import { memoryMetrics } from './memory-metrics.js';
import { servingMetrics, timeMetrics } from './serving-metrics.js';
import { switchMetrics } from './switch-metrics.js';
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
  put(routingMetrics(finished.inputs, finished.simulation, finished.serving.rows));
  put(qualityMetrics(finished));
  put(servingMetrics(finished));
  put(timeMetrics(finished));
  put(parallelMetrics(finished.inputs, finished.simulation, finished.meters.tokens));
  put(memoryMetrics(finished));
  // These use other metrics.
  put(switchMetrics(finished.inputs, finished.layout, metrics));
  put(boundMetrics(finished, bounds, metrics));
  return metrics;
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
