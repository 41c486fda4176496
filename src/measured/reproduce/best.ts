import { METRICS } from '../../result/catalogue.js';
import { isWord, type SystemSpec } from '../../system/door.js';
import type { Knowing } from '../validate/predict.js';

/** Metrics that go with the time of a decoded token, and those that go with the time of the whole run. */
const PER_TOKEN = /^(speed\.decode|latency\.(tpot|itl)\.)/;
const WHOLE = /^(throughput\.|time\.total$)/;

/** The best value of a metric with foresight (L19): the floor's if the CPU computes experts, else foresight's; null: unknown. @param value own */
export function bestUnderFuture(knowing: Knowing, system: SystemSpec, metric: string, value: number | null): number | null {
  if (value === null) return null;
  if (metric.startsWith('cache.hit_rate')) {
    // What is prefetched in time is a hit, however small the cache.
    const best = system.predictor.kind.name === 'none' ? knowing.belady : 1;
    return best === undefined ? null : Math.max(best, value);
  }
  const [time, bound] = timesOf(knowing, isWord(system.onMiss, 'load'), metric);
  if (time === undefined || bound === undefined) return null;
  const faster = Math.max(1, time / bound);
  return METRICS.get(metric)!.better === 'lower' ? value / faster : value * faster;
}

/** The time that a metric goes with, in the run and at best. @param loads true: the CPU computes no expert */
function timesOf(knowing: Knowing, loads: boolean, metric: string): readonly [own: number | undefined, bound: number | undefined] {
  if (PER_TOKEN.test(metric)) return [knowing.own, loads ? knowing.foresight : knowing.floor];
  return WHOLE.test(metric) && loads ? [knowing.total, knowing.totalForesight] : [undefined, undefined];
}
