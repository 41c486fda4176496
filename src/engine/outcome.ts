// From counters to the public result: every metric that this run can have, the bounds, and what the reader must be warned of.
import { createHash } from 'node:crypto';
import { cpus } from 'node:os';
import { type Summary, summarize } from '../base/statistics.js';
import { formatBytes, formatCount, formatRatio } from '../base/units.js';
import { expertBytesTotal, tokenCycleBytes } from '../model/spec.js';
import { metric } from '../result/catalogue.js';
import { sealed } from '../result/digest.js';
import { type Bounds, type Metric, type PerLayer, RESULT_SCHEMA, type Result, type Warning } from '../result/result.js';
import { VERSION } from '../result/version.js';
import type { Passes } from '../schedule/passes.js';
import type { Workload } from '../schedule/workload.js';
import type { RunSpec } from '../system/run.js';
import type { FaultMeter } from './fault-meter.js';
import type { GpuMemory } from './gpu-memory.js';
import type { Inputs } from './inputs.js';
import type { Latencies, Samples } from './latency.js';
import type { Link } from './link.js';
import type { MemoryPlan } from './memory.js';
import { parallelMetrics } from './parallel/metrics.js';
import type { PhaseCounters } from './recorder.js';
import type { Serving } from './serving.js';
import type { SimulatedGpu, Simulation } from './simulation.js';
import { switchMetrics } from './switch-metrics.js';

/** Everything that a finished run leaves behind. */
export interface Finished {
  readonly run: RunSpec;
  readonly inputs: Inputs;
  readonly memory: MemoryPlan;
  readonly simulation: Simulation;
  readonly latencies: Latencies;
  /** Tokens run, each counted once, and those of them that were generated. */
  readonly tokens: number;
  readonly decoded: number;
  readonly serving: Serving;
  readonly workload: Workload;
  readonly passes: Passes;
  /** The division of GPU memory, where it changed during the run; null: it stayed as planned. */
  readonly changing: GpuMemory | null;
  /** What faults cost; null: nothing went wrong. */
  readonly meter: FaultMeter | null;
  /** What the audit of the traces found. */
  readonly auditWarnings: readonly Warning[];
  /** What variants and re-ranking did, by name of the catalogue. */
  readonly routingMetrics: Readonly<Record<string, number>>;
  /** Hits of Belady on the same events; null where bounds are off. */
  readonly beladyHitCount: number | null;
  /** `performance.now()` when the run started. */
  readonly startedAt: number;
}

/** Builds the result. */
export function outcome(finished: Finished): Result {
  const { inputs, run } = finished;
  const { hardware, model, system, traces } = inputs;
  const bounds = boundsOf(finished);
  const { arrivalsSha256, rows } = finished.serving;
  let left = rows;
  // A variant may draw what was recorded anew.
  const drawn = inputs.trace.meta.synthetic && !inputs.recorded.meta.synthetic;
  const traceInputs = traces.map((trace, i) => {
    const tokens = Math.min(trace.tokens, left);
    left -= tokens;
    const requests = trace.requests.filter((request) => request.start < tokens).length;
    return { path: run.trace[i]!, sha256: trace.sha256(), tokens, requests, synthetic: trace.meta.synthetic || drawn };
  });
  // What two results must share to be comparable; the system, its cache and its predictor are what one compares.
  const common = {
    model: { layers: model.layers, dense: model.dense },
    hardware: { ...hardware, name: undefined },
    traces: traceInputs.map(({ sha256 }) => sha256),
    variants: run.variants,
    workload: { ...run.workload, arrivals: arrivalsSha256 ?? undefined, slo: undefined },
    replay: run.replay,
    seed: run.seed,
    faults: run.faults,
  };
  const { folder: _folder, label: _label, overrides, system: _system, ...config } = run;
  const wallMs = performance.now() - finished.startedAt;
  return sealed({
    schema: RESULT_SCHEMA,
    tool: { name: 'moeprof', version: VERSION },
    inputs: {
      model: model.name,
      quantization: model.quantization,
      hardware: hardware.name,
      system: system.name,
      traces: traceInputs,
      ...(run.variants === undefined ? {} : { variants: run.variants }),
    },
    fingerprint: createHash('sha256').update(JSON.stringify(common)).digest('hex'),
    seed: run.seed,
    config: {
      ...config,
      workload: { ...run.workload, slo: run.workload.slo?.text },
      system,
      overrides: { model: overrides.model.map(plain), hardware: overrides.hardware.map(plain) },
    },
    metrics: metricsOf(finished, bounds),
    perLayer: perLayerOf(finished),
    bounds,
    warnings: warningsOf(finished, bounds),
    environment: {
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      wallMs: Math.round(wallMs * 1000) / 1000,
      ...finished.simulation.predictor?.measured?.(),
    },
  });
}

const plain = ({ path, value }: { path: readonly string[]; value: unknown }) => ({ path: path.join('.'), value });

function boundsOf({ beladyHitCount, inputs, latencies, memory, simulation }: Finished): Bounds {
  const demanded = simulation.recorder.phases[0].demanded + simulation.recorder.phases[1].demanded;
  const meanOf = (samples: Samples): number | null => (samples.values().length === 0 ? null : summarize(samples.values()).mean);
  return {
    allResidentTpotNs: meanOf(latencies.tpotAllResident),
    noCacheTpotNs: meanOf(latencies.tpotNoCache),
    beladyHitRate: beladyHitCount === null || demanded === 0 ? null : beladyHitCount / demanded,
    compulsoryMisses: simulation.recorder.distinct,
    tokenCycleBytes: tokenCycleBytes(inputs.model),
    capacityBytes: memory.cacheBytes,
  };
}

function metricsOf(finished: Finished, bounds: Bounds): Record<string, Metric> {
  const { decoded, inputs, latencies, simulation, tokens } = finished;
  const { engine, gpus, recorder } = simulation;
  const metrics: Record<string, Metric> = {};
  const put = (name: string, value: number | null): void => {
    if (value !== null && Number.isFinite(value)) metrics[name] = metric(name, value);
  };
  const summary = (name: string, samples: Samples): void => {
    if (samples.values().length === 0) return;
    for (const [key, value] of Object.entries(summarize(samples.values()) satisfies Summary)) put(`${name}.${key}`, value);
  };
  const [prefill, decode] = recorder.phases;
  const all = addPhases(prefill, decode);
  for (const [variant, phase] of [
    ['', all],
    ['.prefill', prefill],
    ['.decode', decode],
  ] as const) {
    // With passes of one kind only, the variants would repeat the total.
    if (variant !== '' && (prefill.events === 0 || decode.events === 0)) continue;
    put(`cache.hit_rate${variant}`, phase.hits / phase.demanded);
    put(`cache.late_rate${variant}`, phase.late / phase.demanded);
    put(`cache.miss_rate${variant}`, phase.misses / phase.demanded);
    put(`cache.token_hit_rate${variant}`, phase.hitActivations / phase.activations);
    put(`cache.hits${variant}`, phase.hits);
    put(`cache.late${variant}`, phase.late);
    put(`cache.misses${variant}`, phase.misses);
    put(`cache.evictions${variant}`, phase.evictions);
    put(`cache.streamed${variant}`, phase.streamed);
    put(`experts.demanded${variant}`, phase.demanded);
    put(`experts.activations${variant}`, phase.activations);
    put(`experts.distinct_per_event${variant}`, phase.demanded / phase.events);
  }
  put('experts.distinct', recorder.distinct);

  // Links of the same name count together.
  const transfers = (links: readonly Link[]): void => {
    const [first] = links;
    if (first === undefined) return;
    const bytes = total(links, 'demandBytes') + total(links, 'prefetchBytes');
    put(`transfer.${first.name}.count`, total(links, 'demands') + total(links, 'prefetches'));
    put(`transfer.${first.name}.bytes`, bytes);
    put(`transfer.${first.name}.bytes_per_token`, bytes / tokens);
    put(`transfer.${first.name}.utilization`, total(links, 'busyNs') / total(links, 'lanes') / engine.nowNs);
  };
  const hostLinks = gpus.map(({ gpu }) => gpu.link);
  transfers(hostLinks);
  transfers(gpus.flatMap(({ dram }) => (dram === null ? [] : [dram.link])));
  const demands = total(hostLinks, 'demands');
  const demandBytes = total(hostLinks, 'demandBytes');
  put('transfer.on_demand.count', demands);
  put('transfer.on_demand.count_per_token', demands / tokens);
  put('transfer.on_demand.bytes', demandBytes);
  put('transfer.on_demand.bytes_per_token', demandBytes / tokens);
  if (inputs.system.predictor.kind !== 'none') {
    const { prefetchLate: late, prefetchUseful: useful, prefetchWasted: wasted } = recorder;
    const prefetches = total(hostLinks, 'prefetches');
    const prefetchBytes = total(hostLinks, 'prefetchBytes');
    put('transfer.prefetch.count', prefetches);
    put('transfer.prefetch.bytes', prefetchBytes);
    put('prefetch.useful', useful);
    put('prefetch.late', late);
    put('prefetch.wasted', wasted);
    put('prefetch.pending', prefetches - useful - late - wasted);
    put('prefetch.wasted_bytes', recorder.prefetchWastedBytes);
    put('prefetch.stall_avoided', recorder.prefetchAvoidedNs);
    put('prefetch.stall_avoided_per_byte', recorder.prefetchAvoidedNs / prefetchBytes);
    put('prefetch.dropped', recorder.prefetchDropped);
    put('prefetch.cancelled', recorder.prefetchCancelled);
    const horizons = gpus.flatMap(({ adaptive }) => (adaptive === null ? [] : [adaptive.layers]));
    put('prefetch.horizon', horizons.reduce((sum, layers) => sum + layers, 0) / horizons.length);
    put('prefetch.precision', (useful + late) / (useful + late + wasted));
    put('prefetch.recall', (useful + late) / (useful + late + all.misses));
    put('predict.recall_at_k', recorder.recalledAtK / recorder.predictedMembers);
    put('predict.batch_recall', recorder.recalledUnion / recorder.predictedMembers);
  }

  for (const [name, value] of Object.entries(finished.routingMetrics)) put(name, value);
  if (inputs.system.precision !== undefined) {
    put('quality.degraded_rate', recorder.degradedActivations / all.activations);
    put('quality.skipped_rate', recorder.skippedActivations / all.activations);
  }

  summary('latency.ttft', latencies.ttft);
  summary('latency.tpot', latencies.tpot);
  summary('latency.itl', latencies.itl);
  summary('latency.pass', latencies.pass);
  summary('latency.request', latencies.request);
  summary('latency.queueing', latencies.queueing);
  put('workload.requests', latencies.finished);
  put('workload.tokens', tokens);
  if (finished.workload.routing !== undefined) {
    const { reused, tokens: walked } = finished.workload.routing;
    put('workload.routing_reused', reused / walked);
  }
  if (finished.run.workload.slo !== undefined) {
    put('goodput.attained', latencies.metRequests / latencies.finished);
    put('goodput.tokens', (latencies.metTokens * 1e9) / engine.nowNs);
  }
  put('schedule.longest_wait', finished.passes.longestWait);
  put('schedule.overtaken', finished.passes.overtaken);
  put('schedule.passed_over', finished.passes.passedOver);
  put('schedule.time', finished.passes.totalCostNs);
  for (const [name, value] of Object.entries(finished.passes.metrics)) put(name, value);
  if (decoded > 0) put('throughput.decode', (decoded * 1e9) / engine.nowNs);
  put('throughput.total', (tokens * 1e9) / engine.nowNs);

  const sum = (column: Float64Array): number => column.reduce((total, value) => total + value, 0);
  // Of a GPU on average, so that with all-to-alls the parts still add up to the time that passed.
  const stall = sum(recorder.layers.stallNs) / gpus.length;
  put('time.total', engine.nowNs);
  put('time.dense', sum(recorder.layers.denseNs) + recorder.tailNs);
  put('time.compute', sum(recorder.layers.computeNs) / gpus.length);
  put('time.stall', stall);
  put('time.cpu', sum(recorder.layers.cpuNs));
  put('share.stall', stall / engine.nowNs);

  for (const [name, value] of Object.entries(parallelMetrics(finished))) put(name, value);

  const planned = most(gpus, ({ gpu, memory: own }) => own.denseBytes + own.kvBytes + own.stagingBytes + gpu.peakBytes);
  const peak = finished.changing?.peakBytes ?? planned;
  const experts = expertBytesTotal(inputs.model);
  const wholeBytes = most(gpus, ({ expertBytes, memory: own }) => own.denseBytes + own.kvBytes + expertBytes);
  put('memory.gpu.kv_peak', finished.passes.kv.peakTokens * inputs.model.dense.kvBytesPerToken);
  put('memory.gpu.peak', peak);
  put(
    'memory.gpu.expert_cache',
    most(gpus, ({ memory: own }) => own.cacheBytes),
  );
  const { changing, meter, passes } = finished;
  // KV caches that grow were given room for more than they took.
  const unused = passes.kv.growth === 'static' ? 0 : finished.memory.kvBytes - metrics['memory.gpu.kv_peak']!.value;
  put('memory.gpu.saving', 1 - peak / (wholeBytes - unused));
  if (changing !== null) {
    put('memory.gpu.expert_cache_least', changing.leastCacheBytes);
    put('memory.gpu.expert_cache_mean', changing.meanCacheBytes);
  }
  if (passes.kv.growth !== 'static') {
    put('schedule.preemptions', passes.kv.preemptions);
    put('schedule.recomputed', passes.totalRecomputed);
  }
  for (const [name, value] of Object.entries(meter?.metrics() ?? {})) put(name, value);
  if (simulation.faults !== null) put('fault.restarts', simulation.faults.restarts);
  const cached = gpus.flatMap(({ dram }) => (dram === null ? [] : [dram.peakBytes]));
  const dramBytes = cached.length === 0 ? experts : cached.reduce((bytes, own) => bytes + own, 0);
  if (inputs.hardware.tiers[1]?.name === 'dram') put('memory.dram.peak', dramBytes);

  for (const [name, value] of Object.entries(switchMetrics(inputs, finished.memory, metrics))) put(name, value);

  put('bound.all_resident.tpot', bounds.allResidentTpotNs);
  put('bound.no_cache.tpot', bounds.noCacheTpotNs);
  put('bound.belady.hit_rate', bounds.beladyHitRate);
  put('bound.compulsory', bounds.compulsoryMisses);
  put('bound.token_cycle', bounds.tokenCycleBytes);
  if (bounds.beladyHitRate !== null) put('headroom.hit_rate', openPart(0, all.hits / all.demanded, bounds.beladyHitRate));
  const tpot = metrics['latency.tpot.mean']?.value;
  if (tpot !== undefined) put('headroom.tpot', openPart(bounds.noCacheTpotNs!, tpot, bounds.allResidentTpotNs!));
  return metrics;
}

/** Sum of a counter over links. */
function total(links: readonly Link[], counter: 'demands' | 'demandBytes' | 'prefetches' | 'prefetchBytes' | 'busyNs' | 'lanes'): number {
  return links.reduce((sum, link) => sum + link[counter], 0);
}

/** What the GPU with the most of it has. */
function most(gpus: readonly SimulatedGpu[], of: (gpu: SimulatedGpu) => number): number {
  return Math.max(...gpus.map(of));
}

/** Part of the way from `floor` to `bound` that `value` has still to go, kept within 0..1; 0 where there is no way to go. */
function openPart(floor: number, value: number, bound: number): number {
  if (floor === bound) return 0;
  return Math.min(1, Math.max(0, (bound - value) / (bound - floor)));
}

function addPhases(a: PhaseCounters, b: PhaseCounters): PhaseCounters {
  return {
    events: a.events + b.events,
    demanded: a.demanded + b.demanded,
    hits: a.hits + b.hits,
    late: a.late + b.late,
    misses: a.misses + b.misses,
    activations: a.activations + b.activations,
    hitActivations: a.hitActivations + b.hitActivations,
    evictions: a.evictions + b.evictions,
    streamed: a.streamed + b.streamed,
  };
}

function perLayerOf({ simulation }: Finished): PerLayer {
  const { gpus, recorder } = simulation;
  const perGpu = new Set(['computeNs', 'stallNs']);
  return Object.fromEntries(
    Object.entries(recorder.layers).map(([name, column]) => [
      name,
      Array.from(column as Float64Array, (value) => (perGpu.has(name) ? value / gpus.length : value)),
    ]),
  ) as unknown as PerLayer;
}

/** Bytes of the distinct experts that one decode pass touches, on average (any pass, where none decodes): at batch 1 the token cycle. */
function meanPassBytes({ inputs, simulation }: Finished): number {
  const { layers, phases } = simulation.recorder;
  const phase = phases[1].events > 0 ? phases[1] : phases[0];
  let bytes = 0;
  let demanded = 0;
  for (const layer of inputs.model.layers) {
    bytes += layers.demanded[layer.index]! * layer.expertBytes;
    demanded += layers.demanded[layer.index]!;
  }
  const passes = phase.events / inputs.model.layers.length;
  return (phase.demanded / passes) * (bytes / demanded);
}

function warningsOf(finished: Finished, bounds: Bounds): Warning[] {
  const { auditWarnings, inputs, memory, serving, simulation, workload } = finished;
  const { model, system, trace } = inputs;
  const warnings: Warning[] = [...auditWarnings, ...memory.warnings, ...(simulation.predictor?.warnings?.() ?? [])];
  warnings.push(...(finished.meter?.warnings() ?? []));
  if (trace.meta.synthetic) {
    warnings.push({
      code: 'synthetic-routing',
      message:
        'The routing is synthetic: drawn by a generator, not recorded from the model. Give a recorded trace with --trace for figures to rely on.',
    });
  }
  const partial = bounds.capacityBytes > 0 && bounds.capacityBytes < expertBytesTotal(model) && system.onMiss !== 'cpu';
  const passBytes = meanPassBytes(finished);
  if (partial && system.cache.scope === 'global' && bounds.capacityBytes < passBytes) {
    warnings.push({
      code: 'below-token-cycle',
      message:
        `The expert cache (${formatBytes(bounds.capacityBytes)}) is smaller than what one pass touches (${formatBytes(passBytes)} on average): ` +
        'LRU, FIFO, CLOCK and other policies that keep what was used last hit next to nothing. Take a larger cache, a smaller batch, or a static placement.',
    });
  }
  if (partial && system.cache.scope === 'layer') {
    const [only] = simulation.gpus.length === 1 ? simulation.gpus : [];
    const starved = model.layers.filter(
      ({ expertBytes, index, topK }) => only !== undefined && only.gpu.byLayer[index]!.capacityBytes < topK * expertBytes,
    );
    if (starved.length > 0) {
      warnings.push({
        code: 'below-token-cycle',
        message:
          `In ${formatCount(starved.length)} of ${formatCount(model.layers.length)} layers the cache holds fewer experts than one token uses there: ` +
          'part of every token is streamed. Take a larger cache.',
      });
    }
  }
  const fromPrefix = simulation.policy.definition.needsWith?.(simulation.policy.parameters) ?? simulation.policy.definition.needs;
  const { quotas } = system.cache;
  const profiled =
    fromPrefix.includes('popularity') || quotas === 'proportional' || quotas === 'optimal' || memory.parallel?.profiled === true;
  if (profiled && typeof system.cache.popularity === 'number') {
    warnings.push({
      code: 'profiled-on-itself',
      message:
        `Placement was profiled on the first ${formatCount(Math.min(system.cache.popularity, trace.tokens))} tokens of the trace that is replayed. ` +
        'For a placement fixed beforehand, name another trace: --set system.cache.popularity=FILE.',
    });
  }
  const { routing } = workload;
  if (routing !== undefined && routing.reused > 0) {
    warnings.push({
      code: 'routing-reused',
      message:
        `The trace is shorter than the workload: ${formatRatio(routing.reused / routing.tokens)} of ${formatCount(routing.tokens)} tokens took routing ` +
        'that an earlier token had taken. Join more traces (--trace is repeatable), or take fewer requests (--requests).',
    });
  }
  if (routing !== undefined && routing.borrowed !== null) {
    const [lacks, has] = routing.borrowed === 'prompt' ? ['prompt', 'generated'] : ['generated', 'prompt'];
    warnings.push({
      code: 'routing-borrowed',
      message: `The trace has no ${lacks} tokens: those of the workload took the routing of ${has} ones, one row a token.`,
    });
  }
  if (serving.cut) {
    warnings.push({
      code: 'streams-cut',
      message: `The trace has fewer requests than the batch: long ones were cut, ${formatCount(workload.requests)} streams start at even offsets.`,
    });
  }
  return warnings;
}
