// Metrics of links: transfers on demand and ahead of demand, and the fates of prefetches.
import type { Link } from '../transfer/link.js';
import { promotes } from '../vocabulary/rules.js';
import { bothPhases } from './cache-metrics.js';
import type { Finished, Values } from './finished.js';

/** Transfers and prefetches; links of the same name count together. */
export function transferMetrics(finished: Finished): Values {
  const { inputs, layout, meters, simulation } = finished;
  const { tokens } = meters;
  const hostLinks = simulation.gpus.map(({ gpu }) => gpu.link);
  const demands = total(hostLinks, 'demands');
  const demandBytes = total(hostLinks, 'demandBytes');
  return {
    ...(layout.hardware.links.length === 0 ? {} : ofLinks(hostLinks, finished)),
    ...ofLinks(
      simulation.gpus.flatMap(({ dram }) => (dram === null ? [] : [dram.link])),
      finished,
    ),
    'transfer.on_demand.count': demands,
    'transfer.on_demand.count_per_token': demands / tokens,
    'transfer.on_demand.bytes': demandBytes,
    'transfer.on_demand.bytes_per_token': demandBytes / tokens,
    ...(inputs.system.predictor.kind.name === 'none' && !promotes(simulation.gpus[0]!) ? {} : prefetchMetrics(finished, hostLinks)),
  };
}

function ofLinks(links: readonly Link[], { meters, simulation }: Finished): Values {
  const [first] = links;
  if (first === undefined) return {};
  const { nowNs } = simulation.engine;
  const bytes = total(links, 'demandBytes') + total(links, 'prefetchBytes');
  // Transfers that are still under way at the end of the run occupy the link afterwards.
  const busyNs = links.reduce((sum, link) => sum + link.busyBy(nowNs), 0);
  return {
    [`transfer.${first.name}.count`]: total(links, 'demands') + total(links, 'prefetches'),
    [`transfer.${first.name}.bytes`]: bytes,
    [`transfer.${first.name}.bytes_per_token`]: bytes / meters.tokens,
    [`transfer.${first.name}.utilization`]: busyNs / total(links, 'lanes') / nowNs,
  };
}

function prefetchMetrics({ simulation: { gpus, recorder } }: Finished, hostLinks: readonly Link[]): Values {
  const { prefetchLate: late, prefetchUseful: useful, prefetchWasted: wasted } = recorder;
  const prefetches = total(hostLinks, 'prefetches');
  const prefetchBytes = total(hostLinks, 'prefetchBytes');
  const promoted: Values = promotes(gpus[0]!) ? { 'prefetch.promoted': recorder.promoted } : {};
  const budgets = gpus.flatMap(({ prefetch }) => prefetch?.budget ?? []);
  const horizons = gpus.flatMap(({ prefetch }) => (prefetch?.adaptive == null ? [] : [prefetch.adaptive.layers]));
  return {
    'transfer.prefetch.count': prefetches,
    'transfer.prefetch.bytes': prefetchBytes,
    'prefetch.useful': useful,
    'prefetch.late': late,
    'prefetch.wasted': wasted,
    'prefetch.pending': prefetches - useful - late - wasted,
    'prefetch.wasted_bytes': recorder.prefetchWastedBytes,
    'prefetch.stall_avoided': recorder.prefetchAvoidedNs,
    'prefetch.stall_avoided_per_byte': recorder.prefetchAvoidedNs / prefetchBytes,
    ...promoted,
    'prefetch.dropped': recorder.prefetchDropped,
    'prefetch.cancelled': recorder.prefetchCancelled,
    'prefetch.paused': budgets.length === 0 ? null : budgets.reduce((sum, { paused }) => sum + paused, 0),
    'prefetch.horizon': horizons.reduce((sum, layers) => sum + layers, 0) / horizons.length,
    'prefetch.precision': (useful + late) / (useful + late + wasted),
    'prefetch.recall': (useful + late) / (useful + late + bothPhases(recorder).misses),
    'predict.time': recorder.predictionNs / recorder.predictions,
    'predict.recall_at_k': recorder.recalledAtK / recorder.predictedMembers,
    'predict.batch_recall': recorder.recalledUnion / recorder.predictedMembers,
  };
}

/** Sum of a counter over links. */
const total = (links: readonly Link[], counter: 'demands' | 'demandBytes' | 'prefetches' | 'prefetchBytes' | 'lanes'): number =>
  links.reduce((sum, link) => sum + link[counter], 0);
