import { sum, summarize } from '../../base/statistics.js';
import { usesCpu } from '../../hardware/door.js';
import type { PhasedMetric, SummarizedMetric } from '../../result/metrics.js';
import type { Speculation } from '../../schedule/door.js';
import type { PhaseCounters } from '../vocabulary/recorder.js';
import type { Samples } from '../watch/latency.js';
import { bothPhases } from './cache-metrics.js';
import { ended, type Finished, type Values } from './finished.js';

/** Latencies, speeds, objectives, scheduling and throughput. */
export function servingMetrics({ meters, passes, run, simulation, workload }: Finished): Values {
  const { decoded, latencies, tokens } = meters;
  const totalNs = simulation.engine.nowNs;
  const perSecond = (count: number): number => (count * 1e9) / totalNs;
  const { routing } = workload;
  const judged = run.workload.slo !== undefined;
  return {
    ...summary('latency.ttft', latencies.ttft),
    ...summary('latency.tpot', latencies.tpot),
    ...summary('latency.itl', latencies.itl),
    ...summary('latency.pass', latencies.pass),
    ...summary('latency.request', latencies.request),
    ...summary('latency.queueing', latencies.queueing),
    'speed.decode': latencies.speeds.decode,
    'speed.prefill': latencies.speeds.prefill,
    'throughput.generated': decoded > 0 ? perSecond(decoded) : null,
    'throughput.total': perSecond(tokens),
    'workload.requests': latencies.finished,
    'workload.tokens': tokens,
    'workload.routing_reused': routing === undefined ? null : routing.reused / routing.tokens,
    'goodput.attained': judged ? latencies.metRequests / latencies.finished : null,
    'goodput.tokens': judged && decoded > 0 ? perSecond(latencies.metTokens) : null,
    'schedule.passes': bothPhases(simulation.recorder).passes,
    'schedule.longest_wait': passes.longestWait,
    'schedule.overtaken': passes.overtaken,
    'schedule.passed_over': passes.passedOver,
    'schedule.time': passes.totalCostNs,
    ...passes.metrics,
    ...(passes.speculation === null ? {} : speculationMetrics(passes.speculation, bothPhases(simulation.recorder).activations)),
  };
}

function speculationMetrics(speculation: Speculation, activations: number): Values {
  const { accepted, drafted, redone, totalDraftNs, verified, wastedActivations } = speculation;
  return {
    // Without drafts, no pass verifies a draft.
    'speculation.tokens_per_pass': verified === 0 ? null : (verified + accepted) / verified,
    'speculation.acceptance': verified === 0 ? null : accepted / drafted,
    'speculation.drafted': drafted,
    'speculation.accepted': accepted,
    'speculation.rejected': drafted - accepted,
    'speculation.redone': redone,
    'speculation.wasted_activations': wastedActivations,
    'speculation.wasted_rate': wastedActivations / activations,
    'speculation.draft_time': totalDraftNs,
  };
}

/** A mean over GPUs: parts add up to the total despite all-to-alls. */
export function timeMetrics({ layout, simulation: { engine, gpus, parallel, recorder } }: Finished): Values {
  const stall = sum(recorder.layers.stallNs) / gpus.length;
  const ssd = ssdStallOf(gpus[0]!);
  return {
    'time.total': engine.nowNs,
    'time.dense': sum(recorder.layers.denseNs) + recorder.tailNs,
    'time.dense_cpu': usesCpu(layout.dense) ? recorder.denseCpuNs : null,
    'time.compute': sum(recorder.layers.computeNs) / gpus.length,
    'time.stall': stall,
    'time.stall_cpu': recorder.phases.reduce((total, { cpuStallNs }) => total + cpuStallNs, 0) / gpus.length,
    'time.stall_ssd': ssd === null ? null : recorder.phases.reduce((total, phase) => total + ssd(phase), 0) / gpus.length,
    'time.cpu': sum(recorder.layers.cpuNs),
    'share.stall': stall / engine.nowNs,
    ...byPhase(recorder, (phase) => ({
      'schedule.passes': phase.passes,
      'time.dense': phase.denseNs,
      'time.compute': phase.computeNs / gpus.length,
      'time.stall': phase.stallNs / gpus.length,
      'time.stall_cpu': phase.cpuStallNs / gpus.length,
      'time.stall_ssd': ssd === null ? null : ssd(phase) / gpus.length,
      'time.cpu': phase.cpuNs,
      'time.all_to_all': parallel === null ? null : phase.exchangeNs,
    })),
  };
}

/** SSD wait in a phase's stall, ns: all but the CPU's if the SSD fills the first tier. Null: no SSD. */
function ssdStallOf({ dram, gpu }: Finished['simulation']['gpus'][number]): ((phase: PhaseCounters) => number) | null {
  if (gpu.link.name === 'ssd') return ({ cpuStallNs, stallNs }) => Math.max(0, stallNs - cpuStallNs);
  return dram === null ? null : ({ ssdStallNs }) => ssdStallNs;
}

/** `of` by phase; empty if all passes are of a single phase, equal to the total. */
function byPhase({ phases }: Finished['simulation']['recorder'], of: (phase: PhaseCounters) => Values<PhasedMetric>): Values {
  if (phases.some(({ passes }) => passes === 0)) return {};
  return { ...ended(of(phases[0]), '.prefill'), ...ended(of(phases[1]), '.decode') };
}

function summary(name: SummarizedMetric, samples: Samples): Values {
  if (samples.values().length === 0) return {};
  return Object.fromEntries(Object.entries(summarize(samples.values())).map(([key, value]) => [`${name}.${key}`, value]));
}
