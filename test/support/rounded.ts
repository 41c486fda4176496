// Metrics of runs that are the same, of which one is its own LRU and the other has a clock beside it: the two add the same times in another order.
import type { Metric } from '../../src/result/result.js';

/** What comes of either clock. */
const OF_LRU = new Set(['bound.lru.tpot', 'headroom.foresight']);

/** All metrics as they are, those of LRU to ten digits. */
export function lruRounded(metrics: Readonly<Record<string, Metric>>): Record<string, Metric> {
  return Object.fromEntries(
    Object.entries(metrics).map(([name, metric]) => [
      name,
      OF_LRU.has(name) ? { ...metric, value: Number(metric.value.toPrecision(10)) } : metric,
    ]),
  );
}
