import { formatNs, formatRatio } from '../base/units.js';
import { metricValue } from '../result/catalogue.js';
import type { Result } from '../result/result.js';
import type { DeviceWords } from './words.js';

/** Mean TPOT of a run and its bounds, ns. */
export interface KnownTimes {
  readonly tpot: number;
  readonly allResident: number;
  readonly lru: number;
  readonly belady: number;
  readonly found: number;
  readonly floor: number;
}

/** Computed times; a long run lacks schedules with knowledge unless requested. */
interface CountedTimes extends Partial<KnownTimes> {
  readonly tpot: number;
  readonly allResident: number;
  readonly floor: number;
  /** True: the schedule search excluded the unused CPU. */
  readonly byLoads?: boolean;
}

/** Times of a run and its bounds; null without a floor, or if the bounds exclude the run's faults. */
export function knownTimes(result: Result): CountedTimes | null {
  if (metricValue(result, 'fault.time') !== null) return null;
  const tpot = metricValue(result, 'latency.tpot.mean');
  const [allResident, floor, lru, belady, found] = (['all_resident', 'floor', 'lru', 'belady', 'found'] as const).map((name) =>
    metricValue(result, `bound.${name}.tpot`),
  );
  if (tpot == null || allResident == null || floor == null) return null;
  const times = { tpot, allResident, floor, byLoads: result.bounds.foundBy === 'loads' };
  return lru == null || belady == null || found == null ? times : { ...times, lru, belady, found };
}

const hasFound = (times: CountedTimes): times is CountedTimes & KnownTimes => times.found !== undefined;

type Holdup = 'policy' | 'prediction' | 'link' | 'work';

/** Minimum share of time for a limit. Ours: the difference between two runs on one machine. */
const NOTHING = 0.03;

/** Limit of a run, and time by part, ns. */
interface Limit {
  readonly of: Holdup;
  readonly parts: Readonly<Record<Exclude<Holdup, 'work'>, number>>;
}

/** Divides the time beyond all resident into parts. The largest part is the limit; if all are small, the work. */
export function limitOf({ allResident, belady, found, tpot: time }: KnownTimes): Limit {
  const parts = {
    policy: Math.max(0, time - Math.max(belady, found)),
    prediction: Math.max(0, Math.min(time, belady) - found),
    link: Math.max(0, Math.min(time, found) - allResident),
  };
  const most = Math.max(parts.policy, parts.prediction, parts.link);
  if (most <= NOTHING * time) return { of: 'work', parts };
  const of = (['policy', 'prediction', 'link'] as const).find((part) => parts[part] === most)!;
  return { of, parts };
}

/** Relative difference of equal times: sums in different order. */
const SAME = 1e-9;

/** Times of the best schedules, in a sentence without a full stop. */
export function bestText(times: CountedTimes): string {
  const proven = `no run takes less than ${formatNs(times.floor)} a token`;
  if (!hasFound(times)) return `${proven}; --found all looks for the fastest schedule`;
  const { belady, found, lru, tpot } = times;
  const others = `LRU on demand ${formatNs(lru)}, Belady ${formatNs(belady)}`;
  const how = times.byLoads === true ? ' without the CPU' : '';
  if (tpot <= found * (1 + SAME)) return `nothing that we know is faster${how}, and ${proven}; ${others}`;
  const start = `${formatNs(found)} a token is the fastest that we found${how}, and ${proven}; ${others}`;
  if (lru <= found) return `${start}: nothing is gained by knowing`;
  const way = (ns: number): number => Math.min(1, (lru - ns) / (lru - found));
  if (tpot > lru) return `${start}; this run is slower than LRU`;
  return `${start} (${formatRatio(way(belady), 0)} of the way), this run ${formatRatio(way(tpot), 0)}`;
}

/** Limit of the run; empty without schedules. @param processor of the run's experts */
export function limitText(times: CountedTimes, processor: DeviceWords['processor']): string {
  if (!hasFound(times)) return '';
  const { of, parts } = limitOf(times);
  if (of === 'work') return `the ${processor}'s own work; knowing more, or a faster link, would gain next to nothing`;
  // Differences below 1 ns are rounding.
  const ends = { policy: 'Belady', prediction: 'the best found', link: 'all resident' } as const;
  const others = (['policy', 'prediction', 'link'] as const)
    .filter((part) => part !== of && parts[part] >= 1)
    .map((part) => `${part} ${formatNs(parts[part])}`);
  const name = of === 'policy' ? 'cache policy' : of;
  return [`the ${name}: ${formatNs(parts[of])} of each token beyond ${ends[of]}`, ...others].join('; ');
}
