// The best that a run could reach if it knew the future, from its bounds (L19): what "cannot be under these facts" is judged by.
import { METRICS } from '../../result/catalogue.js';
import { isWord, type SystemSpec } from '../../system/door.js';
import type { Knowing } from '../validate/predict.js';

/** Metrics that go with the time of a decoded token. */
const PER_TOKEN = /^(speed\.decode|latency\.(tpot|itl)\.)/;

/**
 * The best value of a metric under a known future, on the same machine under the same runtime; null: no bound is known of it. Where the CPU may
 * compute experts, the floor of all runs bounds it, else foresight, which loads every expert in time as far as the link can.
 * @param value of the metric in the run itself, which a bound never falls behind
 */
export function bestUnderFuture(knowing: Knowing, system: SystemSpec, metric: string, value: number | null): number | null {
  if (value === null) return null;
  if (metric.startsWith('cache.hit_rate')) {
    // What is prefetched in time is a hit, however small the cache.
    const best = system.predictor.kind.name === 'none' ? knowing.belady : 1;
    return best === undefined ? null : Math.max(best, value);
  }
  const { own } = knowing;
  const bound = isWord(system.onMiss, 'load') ? knowing.foresight : knowing.floor;
  if (bound === undefined || own === undefined || !PER_TOKEN.test(metric)) return null;
  const faster = Math.max(1, own / bound);
  return METRICS.get(metric)!.better === 'lower' ? value / faster : value * faster;
}
