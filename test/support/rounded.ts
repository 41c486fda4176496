// Metrics of runs that are the same, and whose clocks add the same times in another order.
import type { Metric } from '../../src/result/result.js';

/** What is of LRU: a run that is its own has no clock beside it. */
const OF_LRU = /^(bound\.lru\.tpot|headroom\.found)$/;

/** All metrics as they are, those of LRU to ten digits. */
export function lruRounded(metrics: Readonly<Record<string, Metric>>): Record<string, Metric> {
  return rounded(metrics, OF_LRU);
}

/** All metrics as they are, those that match to ten digits. */
export function rounded(metrics: Readonly<Record<string, Metric>>, names: RegExp): Record<string, Metric> {
  return Object.fromEntries(
    Object.entries(metrics).map(([name, metric]) => [
      name,
      names.test(name) ? { ...metric, value: Number(metric.value.toPrecision(10)) } : metric,
    ]),
  );
}
