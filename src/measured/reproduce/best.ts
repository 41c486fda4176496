import { METRICS } from '../../result/catalogue.js';
import type { SystemSpec } from '../../system/door.js';
import type { Knowing } from '../validate/predict.js';

/** Metrics that go with the time of a decoded token, and those that go with the time of the whole run. */
const PER_TOKEN = /^(speed\.decode|latency\.(tpot|itl)\.)/;
const WHOLE = /^(throughput\.|time\.total$)/;

/** The fastest schedule found, or the floor that no run is below (L19). */
export type Limit = 'found' | 'floor';

/** The value of a metric at a limit: hits as Belady has them, or all of them if experts are prefetched; null: unknown. @param value of the run */
export function figureAt(limit: Limit, knowing: Knowing, system: SystemSpec, metric: string, value: number | null): number | null {
  if (value === null) return null;
  if (metric.startsWith('cache.hit_rate')) {
    // What is prefetched in time is a hit, however small the cache.
    const best = system.predictor.kind.name === 'none' ? knowing.belady : 1;
    return best === undefined ? null : Math.max(best, value);
  }
  const [reached, bound] = timesOf(limit, knowing, metric);
  if (reached === undefined || bound === undefined) return null;
  const faster = Math.max(1, reached / bound);
  return METRICS.get(metric)!.better === 'lower' ? value / faster : value * faster;
}

/** The time that a metric goes with, in the run and at the limit. */
function timesOf(limit: Limit, knowing: Knowing, metric: string): readonly [own: number | undefined, bound: number | undefined] {
  if (PER_TOKEN.test(metric)) return [knowing.own, knowing[limit]];
  return WHOLE.test(metric) ? [knowing.total, limit === 'found' ? knowing.totalFound : knowing.totalFloor] : [undefined, undefined];
}
