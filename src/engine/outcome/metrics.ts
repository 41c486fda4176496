import { sum } from '../../base/statistics.js';
import { usesCpu } from '../../hardware/door.js';
import { expertBytesTotal, expertSizes } from '../../model/door.js';
import { metric } from '../../result/catalogue.js';
import type { MetricName } from '../../result/metrics.js';
import type { Bounds, Metric, Result } from '../../result/result.js';
import { anyMiss, deferring, isLossy } from '../../system/door.js';
import { variantEffect } from '../../trace/variants/effect.js';
import type { SimulatedGpu } from '../compose/simulation.js';
import { promotes } from '../mechanisms/promotions.js';
import { VALUE_BYTES } from '../parallel/pipeline.js';
import type { Link } from '../transfer/link.js';
import { imbalance } from '../vocabulary/recorder.js';
import { restingOn } from '../watch/laws.js';
import { boundMetrics } from './bounds.js';
import { bothPhases, cacheMetrics } from './cache-metrics.js';
import type { Finished, Metrics, Values } from './finished.js';
import { servingMetrics, timeMetrics } from './serving-metrics.js';

/** Metrics by catalogue name. Meaningless metrics (TTFT without prompts) are absent, not zero. */
export function metricsOf(finished: Finished, bounds: Bounds): Result['metrics'] {
  const metrics: Record<string, Metric> = {};
  const put = (values: Values): void => {
    for (const [name, value] of Object.entries(values) as [MetricName, number | null][]) {
      if (value !== null && Number.isFinite(value)) metrics[name] = metric(name, value);
    }
  };
  put(cacheMetrics(finished));
  put(transferMetrics(finished));
  put(variantMetrics(finished));
  put(rerankMetrics(finished));
  put(qualityMetrics(finished));
  put(servingMetrics(finished));
  put(timeMetrics(finished));
  put(parallelMetrics(finished));
  put(memoryMetrics(finished));
  put(switchMetrics(finished, metrics));
  put(boundMetrics(finished, bounds, metrics));
  const withheld = finished.broken.map((law) => restingOn(law).metrics);
  return Object.fromEntries(Object.entries(metrics).filter(([name]) => !withheld.some((rests) => rests.test(name))));
}

function variantMetrics({ inputs: { model, recorded, trace, variants }, serving }: Finished): Values {
  if (!variants) return {};
  const { activationsSaved, changed, flopsSaved, trueK } = variantEffect(recorded, trace, serving.rows, model);
  return {
    'variant.true_k': trueK,
    'variant.activations_saved': activationsSaved,
    'variant.flops_saved': flopsSaved,
    'variant.changed': changed,
  };
}

function rerankMetrics({ simulation: { rerank } }: Finished): Values {
  if (rerank === null) return {};
  const { changed, choices, resident, residentBefore, weight, weightBefore } = rerank.counts;
  return {
    'rerank.changed': changed / choices,
    'rerank.hit_rate_gained': (resident - residentBefore) / choices,
    'rerank.weight_lost': 1 - weight / weightBefore,
  };
}

function qualityMetrics({ inputs, simulation: { recorder } }: Finished): Values {
  if (!isLossy(inputs.system.onMiss)) return {};
  const { activations } = bothPhases(recorder);
  return {
    'quality.degraded_rate': recorder.degradedActivations / activations,
    'quality.substituted_rate': anyMiss(inputs.system.onMiss, 'substitute') ? recorder.substitutedActivations / activations : null,
    'quality.skipped_rate': recorder.skippedActivations / activations,
    'quality.deferred_rate': deferring(inputs.system.onMiss) ? recorder.deferredActivations / activations : null,
  };
}

function parallelMetrics({ inputs: { model, system }, meters, simulation: { engine, parallel } }: Finished): Values {
  if (parallel === null) return {};
  const { activations, crossed, degrees, demanded, eventImbalance, events, exchangeNs, gathered, gatheredBytes, gpus, hits } = parallel;
  const rates = [...demanded].flatMap((count, gpu) => (count === 0 ? [] : [hits[gpu]! / count]));
  const bytes = 2 * crossed * model.hidden * VALUE_BYTES;
  const adaptive = system.parallelism === 'adaptive';
  return {
    'parallel.gpus': gpus,
    'parallel.hit_rate.min': Math.min(...rates),
    'parallel.hit_rate.max': Math.max(...rates),
    'parallel.imbalance': imbalance(activations),
    'parallel.event_imbalance': eventImbalance / events,
    'parallel.crossing_rate': crossed / sum(activations),
    'parallel.overlap_degree': degrees / events,
    'parallel.gathered_rate': adaptive ? gathered / events : null,
    'transfer.all_gather.bytes': adaptive ? gatheredBytes : null,
    'transfer.all_to_all.bytes': bytes,
    'transfer.all_to_all.bytes_per_token': bytes / meters.tokens,
    'time.all_to_all': exchangeNs,
    'share.all_to_all': exchangeNs / engine.nowNs,
  };
}

/** Whole models as experts (Samba-CoE, arXiv 2405.07518): cost of switches, and machines for all models. */
function switchMetrics({ inputs: { hardware, model }, layout: { gpus } }: Finished, metrics: Metrics): Values {
  if (model.wholeModels !== true) return {};
  const value = (name: MetricName): number => metrics[name]?.value ?? 0;
  const largest = Math.max(...expertSizes(model));
  const switches = value('transfer.on_demand.count');
  const [fast, ...lower] = hardware.tiers;
  const held = sum(
    gpus.map(({ memory: { denseBytes, kvBytes } }) => Math.max(0, Math.floor((fast!.bytes - denseBytes - kvBytes) / largest))),
  );
  // The lower memory has every model, the fast memory copies: the larger counts, not the sum.
  const below = lower.filter(({ name }) => name !== 'ssd').map(({ bytes }) => bytes);
  return {
    'switch.count': switches,
    'switch.time': value('time.stall') / switches,
    'switch.per_request': switches / value('workload.requests'),
    'footprint.held': held,
    'footprint.reach': Math.floor(Math.max(gpus.length * fast!.bytes, ...below) / largest),
    'footprint.machines': Math.ceil(model.experts / held),
  };
}

function memoryMetrics({ changing, inputs, layout, meters, passes, simulation }: Finished): Values {
  const { faults, gpus } = simulation;
  const beside = ({ memory: plan }: SimulatedGpu): number => plan.denseBytes + plan.activationBytes + plan.kvBytes + plan.stagingBytes;
  const peak = changing?.peakBytes ?? most(gpus, (gpu) => beside(gpu) + gpu.gpu.peakBytes);
  const { dram, kvBytesPerToken: perToken } = layout.total;
  const kvPeak = passes.kv.peakTokens * perToken;
  const growing = passes.kv.growth !== 'static';
  // Growing KV caches had more room than used.
  const kvTaken = passes.kv.gpus.map(({ peakTokens }) => peakTokens * perToken);
  const whole = most(gpus, ({ expertBytes, memory: plan }, g) => plan.denseBytes + (growing ? kvTaken[g]! : plan.kvBytes) + expertBytes);
  const cached = gpus.flatMap(({ dram }) => (dram === null ? [] : [dram.peakBytes]));
  const expertBytes = cached.length === 0 ? expertBytesTotal(inputs.model) : cached.reduce((bytes, size) => bytes + size, 0);
  const dramKv = passes.kv.peakTokens * dram.kvBytesPerToken;
  return {
    'memory.kv_tokens': passes.kv.peakTokens,
    'memory.gpu.kv_peak': kvPeak,
    'memory.gpu.peak': peak,
    'memory.gpu.allocated': most(gpus, (gpu) => beside(gpu) + gpu.memory.cacheBytes),
    'memory.gpu.expert_cache': most(gpus, ({ memory: plan }) => plan.cacheBytes),
    'memory.gpu.copies': inputs.system.cache.copies === undefined ? null : most(gpus, ({ memory: plan }) => plan.copyBytes),
    'memory.gpu.saving': 1 - peak / whole,
    'memory.gpu.expert_cache_least': changing?.leastCacheBytes ?? null,
    'memory.gpu.expert_cache_mean': changing?.meanCacheBytes ?? null,
    'schedule.preemptions': growing ? passes.kv.preemptions : null,
    'schedule.recomputed': growing ? passes.totalRecomputed : null,
    ...meters.faults?.metrics(),
    'fault.restarts': faults?.restarts ?? null,
    'memory.dram.peak': inputs.hardware.tiers[1]?.name === 'dram' ? expertBytes + dram.weightBytes + dramKv : null,
    'memory.dram.dense': usesCpu(layout.dense) ? dram.weightBytes : null,
    'memory.dram.kv_peak': usesCpu(layout.dense) ? dramKv : null,
  };
}

const most = (gpus: readonly SimulatedGpu[], of: (gpu: SimulatedGpu, number: number) => number): number => Math.max(...gpus.map(of));

function transferMetrics(finished: Finished): Values {
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
    ...(inputs.system.predictor.kind.name === 'none' && !promotes(simulation.gpus[0]!.onMiss) ? {} : prefetchMetrics(finished, hostLinks)),
  };
}

type FiguresOf<Link extends string> = MetricName extends infer Name
  ? Name extends `transfer.${Link}.${infer Figure}`
    ? Figure
    : never
  : never;

/** Figure of every link in the name of a metric. */
type LinkFigure = FiguresOf<'h2d'> & FiguresOf<'ssd'>;

function ofLinks(links: readonly Link[], { meters, simulation }: Finished): Values {
  const [first] = links;
  if (first === undefined) return {};
  const { nowNs } = simulation.engine;
  const bytes = total(links, 'demandBytes') + total(links, 'prefetchBytes');
  // Transfers unfinished at the end occupy the link afterwards.
  const busyNs = links.reduce((sum, link) => sum + link.busyBy(nowNs), 0);
  const figures: Readonly<Record<LinkFigure, number>> = {
    count: total(links, 'demands') + total(links, 'prefetches'),
    bytes,
    bytes_per_token: bytes / meters.tokens,
    utilization: busyNs / total(links, 'lanes') / nowNs,
  };
  return Object.fromEntries(Object.entries(figures).map(([figure, value]) => [`transfer.${first.name}.${figure}`, value]));
}

function prefetchMetrics({ simulation: { gpus, recorder } }: Finished, hostLinks: readonly Link[]): Values {
  const { prefetchLate: late, prefetchUseful: useful, prefetchWasted: wasted } = recorder;
  const prefetches = total(hostLinks, 'prefetches');
  const prefetchBytes = total(hostLinks, 'prefetchBytes');
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
    'prefetch.promoted': promotes(gpus[0]!.onMiss) ? recorder.promoted : null,
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

const total = (links: readonly Link[], counter: 'demands' | 'demandBytes' | 'prefetches' | 'prefetchBytes' | 'lanes'): number =>
  links.reduce((sum, link) => sum + link[counter], 0);
