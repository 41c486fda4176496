import { METRICS } from '../../result/catalogue.js';
import type { SystemSpec } from '../../system/door.js';
import type { Knowing } from '../validate/predict.js';

/** Metrics that scale with time per decoded token, or with the run's time. */
const PER_TOKEN = /^(speed\.decode|latency\.(tpot|itl)\.)/;
const WHOLE = /^(throughput\.|time\.total$)/;

/** The fastest schedule found, or the proven floor (L19). */
export type Limit = 'found' | 'floor';

/** A metric at a limit; null: unknown. @param value of the run */
export function figureAt(limit: Limit, knowing: Knowing, system: SystemSpec, metric: string, value: number | null): number | null {
  if (value === null) return null;
  if (metric.startsWith('cache.hit_rate')) {
    // A timely prefetch is a hit.
    const best = system.predictor.kind.name === 'none' ? knowing.belady : 1;
    return best === undefined ? null : Math.max(best, value);
  }
  const [reached, bound] = timesOf(limit, knowing, metric);
  if (reached === undefined || bound === undefined) return null;
  const faster = Math.max(1, reached / bound);
  return METRICS.get(metric)!.better === 'lower' ? value / faster : value * faster;
}

function timesOf(limit: Limit, knowing: Knowing, metric: string): readonly [own: number | undefined, bound: number | undefined] {
  if (PER_TOKEN.test(metric)) return [knowing.own, knowing[limit]];
  return WHOLE.test(metric) ? [knowing.total, limit === 'found' ? knowing.totalFound : knowing.totalFloor] : [undefined, undefined];
}
