import { formatNs, formatRatio } from '../base/units.js';
import type { Result } from '../result/result.js';
import { metricValue } from './format.js';
import type { DeviceWords } from './words.js';

/** Mean TPOT of a run and of its bounds, ns. */
export interface KnownTimes {
  readonly own: number;
  readonly allResident: number;
  readonly lru: number;
  readonly belady: number;
  readonly foresight: number;
  readonly floor: number;
}

/** Times of a run and of its bounds; null if they were not computed, or are of a different machine (one without the run's faults). */
export function knownTimes(result: Result): KnownTimes | null {
  if (metricValue(result, 'fault.time') !== null) return null;
  const [time, allResident, lru, belady, foresight, floor] = [
    'latency.tpot.mean',
    ...['all_resident', 'lru', 'belady', 'foresight', 'floor'].map((name) => `bound.${name}.tpot`),
  ].map((name) => metricValue(result, name));
  if (time == null || allResident == null || lru == null || belady == null || foresight == null || floor == null) return null;
  return { own: time, allResident, lru, belady, foresight, floor };
}

/** Parts that may limit a run. */
type Holdup = 'policy' | 'prediction' | 'link' | 'work';

/** Minimum share of the run's time that a limit must have. Our choice: the difference between two runs on one machine. */
const NOTHING = 0.03;

/** The limit of a run, and ns of its time by part. */
interface Limit {
  readonly of: Holdup;
  readonly parts: Readonly<Record<Exclude<Holdup, 'work'>, number>>;
}

/** Divides the time beyond all resident among policy, prediction and link. The largest is the limit; if all are small, the processor. */
export function limitOf({ allResident, belady, foresight, own: time }: KnownTimes): Limit {
  const parts = {
    policy: Math.max(0, time - Math.max(belady, foresight)),
    prediction: Math.max(0, Math.min(time, belady) - foresight),
    link: Math.max(0, Math.min(time, foresight) - allResident),
  };
  const most = Math.max(parts.policy, parts.prediction, parts.link);
  if (most <= NOTHING * time) return { of: 'work', parts };
  const of = (['policy', 'prediction', 'link'] as const).find((part) => parts[part] === most)!;
  return { of, parts };
}

/** The time under foresight, and the run's share of the gain, in one sentence without its full stop. */
export function foresightText(times: KnownTimes): string {
  const { belady, floor, foresight, lru, own: time } = times;
  const least = formatNs(floor);
  const range = least === formatNs(foresight) ? least : `${least} to ${formatNs(foresight)}`;
  const start = `${range} TPOT at best, knowing all demand; LRU on demand ${formatNs(lru)}, Belady ${formatNs(belady)}`;
  if (lru <= foresight) return `${start}: nothing is gained by knowing`;
  const way = (ns: number): number => Math.min(1, (lru - ns) / (lru - foresight));
  if (time > lru) return `${start}; this run is slower than LRU`;
  return `${start} (${formatRatio(way(belady), 0)} of the way), this run ${formatRatio(way(time), 0)}`;
}

/** The limit of the run, in one sentence without its full stop. @param processor of the run's experts, see {@link DeviceWords} */
export function limitText(times: KnownTimes, processor: DeviceWords['processor']): string {
  const { of, parts } = limitOf(times);
  if (of === 'work') return `the ${processor}'s own work; knowing more, or a faster link, would gain next to nothing`;
  // Differences below a nanosecond are rounding.
  const ends = { policy: 'Belady', prediction: 'foresight', link: 'all resident' } as const;
  const others = (['policy', 'prediction', 'link'] as const)
    .filter((part) => part !== of && parts[part] >= 1)
    .map((part) => `${part} ${formatNs(parts[part])}`);
  const name = of === 'policy' ? 'cache policy' : of;
  return [`the ${name}: ${formatNs(parts[of])} of each token beyond ${ends[of]}`, ...others].join('; ');
}
