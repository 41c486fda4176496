import { sum, summarize } from '../../base/statistics.js';
import { tokenCycleBytes } from '../../model/door.js';
import type { Bounds } from '../../result/result.js';
import { computesOnCpu, unprovenOf } from '../compose/knowledge.js';
import type { Floor } from '../foresight/floor.js';
import type { Latencies, Samples } from '../watch/latency.js';
import { bothPhases } from './cache-metrics.js';
import type { Finished, Metrics, Values } from './finished.js';

/** Bounds of a result (L15), and the run's headroom. */
export function boundsOf(plan: Finished): Bounds {
  const { inputs, layout, meters, run, simulation } = plan;
  const { gpus, recorder } = simulation;
  const withheld = new Set(plan.broken.map(({ rests }) => rests));
  const floor = withheld.has('floor') ? null : simulation.bounds.floor;
  const { demanded } = bothPhases(recorder);
  const { latencies } = meters;
  const beladyHits = run.bounds ? gpus.reduce((hits, gpu) => hits + gpu.boundHits(), 0) : null;
  const { hardware } = layout;
  const computes = hardware.links.length === 0 || computesOnCpu(plan, gpus[0]!);
  const known = run.bounds ? knownTimes(latencies, floor, hardware.links.length > 0) : {};
  const unproven = run.bounds && hardware.links.length > 0 ? unprovenOf(plan) : null;
  const hitsHold = !withheld.has('belady') && !withheld.has('judgements');
  return {
    allResidentTpotNs: withheld.has('resident') ? null : meanOf(latencies.tpotAllResident),
    noCacheTpotNs: meanOf(latencies.tpotNoCache),
    beladyHitRate: beladyHits === null || demanded === 0 || !hitsHold ? null : beladyHits / demanded,
    compulsoryMisses: recorder.distinct,
    tokenCycleBytes: tokenCycleBytes(inputs.model),
    capacityBytes: layout.total.cacheBytes,
    ...known,
    ...(known.foundTpotNs === undefined || computes || hardware.cpu === null ? {} : { foundBy: 'loads' as const }),
    ...(unproven === null ? {} : { unproven }),
  };
}

/**
 * TPOT of LRU, Belady on demand, best found and floor. @param loads false: nothing is loaded, so knowledge is no help
 */
function knownTimes(latencies: Latencies, floor: Floor | null, loads: boolean): Partial<Bounds> {
  if (!loads) {
    const resident = meanOf(latencies.tpotAllResident);
    return { lruTpotNs: resident, beladyTpotNs: resident, foundTpotNs: resident, floorTpotNs: resident };
  }
  const proven = floor === null ? {} : { floorTpotNs: meanOf(latencies.tpotFloor), floorTotalNs: floor.sinceNs(null) };
  const knowing = latencies.tpotKnowing();
  if (knowing === null) return proven;
  // A run faster than the best found becomes the best found.
  const tpots = [latencies.tpot.values(), ...knowing.knowing].flatMap((values) => meanOfAll(values) ?? []);
  return {
    ...proven,
    lruTpotNs: meanOfAll(knowing.lru),
    beladyTpotNs: meanOfAll(knowing.belady),
    foundTpotNs: tpots.length === 0 ? null : Math.min(...tpots),
    foundTotalNs: Math.min(sum(latencies.pass.values()), knowing.totalNs),
  };
}

const meanOf = (samples: Samples): number | null => meanOfAll(samples.values());

const meanOfAll = (values: Float64Array): number | null => (values.length === 0 ? null : summarize(values).mean);

/** @param metrics of the same run, latencies included */
export function boundMetrics({ simulation }: Finished, bounds: Bounds, metrics: Metrics): Values {
  const { demanded, hits } = bothPhases(simulation.recorder);
  const tpot = metrics['latency.tpot.mean']?.value;
  return {
    'bound.all_resident.tpot': bounds.allResidentTpotNs,
    'bound.no_cache.tpot': bounds.noCacheTpotNs,
    'bound.lru.tpot': bounds.lruTpotNs ?? null,
    'bound.belady.tpot': bounds.beladyTpotNs ?? null,
    'bound.found.tpot': bounds.foundTpotNs ?? null,
    'bound.found.total': bounds.foundTotalNs ?? null,
    'bound.floor.tpot': bounds.floorTpotNs ?? null,
    'bound.floor.total': bounds.floorTotalNs ?? null,
    'bound.belady.hit_rate': bounds.beladyHitRate,
    'bound.compulsory': bounds.compulsoryMisses,
    'bound.token_cycle': bounds.tokenCycleBytes,
    'headroom.hit_rate': bounds.beladyHitRate === null ? null : openPart(0, hits / demanded, bounds.beladyHitRate),
    'headroom.tpot': tpot === undefined ? null : openPart(bounds.noCacheTpotNs!, tpot, bounds.allResidentTpotNs!),
    'headroom.found': tpot === undefined || bounds.foundTpotNs == null ? null : openPart(bounds.lruTpotNs!, tpot, bounds.foundTpotNs),
  };
}

/** Relative rounding error of clocks adding equal times in a different order. Ours. */
const ROUNDING = 1e-9;

/** Part of the gap from `floor` to `bound` left open by `value`, 0..1; 0 without a gap. */
function openPart(floor: number, value: number, bound: number): number {
  if (Math.abs(floor - bound) <= ROUNDING * Math.abs(bound)) return 0;
  return Math.min(1, Math.max(0, (bound - value) / (bound - floor)));
}
