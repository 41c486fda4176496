// Access to a metric of a result; not every run has every metric.
import type { Result } from '../result/result.js';
import { formatMetric } from './format.js';

/** A metric with its unit, or null if the run does not have it. */
export function metricText({ metrics }: Result, name: string): string | null {
  const metric = metrics[name];
  return metric === undefined ? null : formatMetric(metric);
}

/** A metric in its unit of the catalogue, or null if the run does not have it. */
export function metricValue({ metrics }: Result, name: string): number | null {
  return metrics[name]?.value ?? null;
}
