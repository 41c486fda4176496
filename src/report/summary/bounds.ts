// The distance of a run from its bounds.
import { formatRatio } from '../../base/units.js';
import type { Result } from '../../result/result.js';
import { metricText, metricValue } from '../format.js';

/** The share of the gap between no cache and a bound that this run closes. */
export interface BoundRow {
  readonly label: string;
  /** Figures with no expert cache, of this run, and of the bound, as text. */
  readonly worst: string;
  readonly own: string;
  readonly best: string;
  /** Name of the bound. */
  readonly bound: string;
  /** 0..1. */
  readonly closed: number;
}

/** The bounds of a run, as rows; those that were not computed are omitted. */
export function boundRows(result: Result): BoundRow[] {
  const rows: BoundRow[] = [];
  const belady = metricText(result, 'bound.belady.hit_rate');
  const openHits = metricValue(result, 'headroom.hit_rate');
  if (belady !== null && openHits !== null) {
    const own = metricText(result, 'cache.hit_rate') ?? '';
    rows.push({ label: 'hit rate', worst: formatRatio(0), own, best: belady, bound: 'Belady', closed: 1 - openHits });
  }
  const resident = metricText(result, 'bound.all_resident.tpot');
  const openTime = metricValue(result, 'headroom.tpot');
  if (resident !== null && openTime !== null) {
    const own = metricText(result, 'latency.tpot.mean') ?? '';
    const worst = metricText(result, 'bound.no_cache.tpot') ?? '';
    rows.push({ label: 'TPOT', worst, own, best: resident, bound: 'all resident', closed: 1 - openTime });
  }
  return rows;
}
