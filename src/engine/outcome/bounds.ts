import { summarize } from '../../base/statistics.js';
import { tokenCycleBytes } from '../../model/door.js';
import type { Bounds, Metric } from '../../result/result.js';
import type { Latencies, Samples } from '../watch/latency.js';
import { bothPhases } from './cache-metrics.js';
import type { Finished, Values } from './finished.js';

/** The bounds in every result (L15), and the headroom of the run below them. */
export function boundsOf({ inputs, layout, meters, run, simulation: { gpus, recorder } }: Finished): Bounds {
  const { demanded } = bothPhases(recorder);
  const { latencies } = meters;
  const beladyHits = run.bounds ? gpus.reduce((hits, gpu) => hits + gpu.boundHits(), 0) : null;
  const knowing = run.bounds && run.foresight ? knowingOf(latencies, layout.hardware.links.length > 0) : {};
  return {
    allResidentTpotNs: meanOf(latencies.tpotAllResident),
    noCacheTpotNs: meanOf(latencies.tpotNoCache),
    beladyHitRate: beladyHits === null || demanded === 0 ? null : beladyHits / demanded,
    compulsoryMisses: recorder.distinct,
    tokenCycleBytes: tokenCycleBytes(inputs.model),
    capacityBytes: layout.total.cacheBytes,
    ...knowing,
  };
}

/** TPOT of LRU, Belady on demand, foresight and floor. @param loads false: every expert is where it executes, and no knowledge helps */
function knowingOf(latencies: Latencies, loads: boolean): Partial<Bounds> {
  if (!loads) {
    const resident = meanOf(latencies.tpotAllResident);
    return { lruTpotNs: resident, beladyTpotNs: resident, foresightTpotNs: resident, floorTpotNs: resident };
  }
  const knowing = latencies.tpotKnowing();
  if (knowing === null) return {};
  return {
    lruTpotNs: meanOfAll(knowing.lru),
    beladyTpotNs: meanOfAll(knowing.belady),
    foresightTpotNs: meanOfAll(knowing.foresight),
    floorTpotNs: meanOf(latencies.tpotFloor),
    foresightTotalNs: knowing.totalNs,
  };
}

const meanOf = (samples: Samples): number | null => meanOfAll(samples.values());

const meanOfAll = (values: Float64Array): number | null => (values.length === 0 ? null : summarize(values).mean);

/** @param metrics of the same run, latencies among them */
export function boundMetrics({ simulation }: Finished, bounds: Bounds, metrics: Readonly<Record<string, Metric>>): Values {
  const { demanded, hits } = bothPhases(simulation.recorder);
  const tpot = metrics['latency.tpot.mean']?.value;
  return {
    'bound.all_resident.tpot': bounds.allResidentTpotNs,
    'bound.no_cache.tpot': bounds.noCacheTpotNs,
    'bound.lru.tpot': bounds.lruTpotNs ?? null,
    'bound.belady.tpot': bounds.beladyTpotNs ?? null,
    'bound.foresight.tpot': bounds.foresightTpotNs ?? null,
    'bound.floor.tpot': bounds.floorTpotNs ?? null,
    'bound.foresight.total': bounds.foresightTotalNs ?? null,
    'bound.belady.hit_rate': bounds.beladyHitRate,
    'bound.compulsory': bounds.compulsoryMisses,
    'bound.token_cycle': bounds.tokenCycleBytes,
    'headroom.hit_rate': bounds.beladyHitRate === null ? null : openPart(0, hits / demanded, bounds.beladyHitRate),
    'headroom.tpot': tpot === undefined ? null : openPart(bounds.noCacheTpotNs!, tpot, bounds.allResidentTpotNs!),
    'headroom.foresight':
      tpot === undefined || bounds.foresightTpotNs == null ? null : openPart(bounds.lruTpotNs!, tpot, bounds.foresightTpotNs),
  };
}

/** Relative rounding error of clocks that add the same times in another order: smaller gaps count as none. */
const ROUNDING = 1e-9;

/** Share of the gap from `floor` to `bound` that `value` leaves open, within 0..1; 0 if there is no gap. */
function openPart(floor: number, value: number, bound: number): number {
  if (Math.abs(floor - bound) <= ROUNDING * Math.abs(bound)) return 0;
  return Math.min(1, Math.max(0, (bound - value) / (bound - floor)));
}
