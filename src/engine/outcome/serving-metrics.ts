// How requests were served: latencies, what got through, who waited, where the time went.
import { summarize } from '../../base/statistics.js';
import type { Samples } from '../watch/latency.js';
import type { Finished, Values } from './finished.js';

/** Latencies, objectives, scheduling and throughput. */
export function servingMetrics({ meters, passes, run, simulation, workload }: Finished): Values {
  const { decoded, latencies, tokens } = meters;
  const totalNs = simulation.engine.nowNs;
  const perSecond = (count: number): number => (count * 1e9) / totalNs;
  const { routing } = workload;
  return {
    ...summary('latency.ttft', latencies.ttft),
    ...summary('latency.tpot', latencies.tpot),
    ...summary('latency.itl', latencies.itl),
    ...summary('latency.pass', latencies.pass),
    ...summary('latency.request', latencies.request),
    ...summary('latency.queueing', latencies.queueing),
    'workload.requests': latencies.finished,
    'workload.tokens': tokens,
    ...(routing === undefined ? {} : { 'workload.routing_reused': routing.reused / routing.tokens }),
    ...(run.workload.slo === undefined
      ? {}
      : { 'goodput.attained': latencies.metRequests / latencies.finished, 'goodput.tokens': perSecond(latencies.metTokens) }),
    'schedule.longest_wait': passes.longestWait,
    'schedule.overtaken': passes.overtaken,
    'schedule.passed_over': passes.passedOver,
    'schedule.time': passes.totalCostNs,
    ...passes.metrics,
    ...(decoded > 0 ? { 'throughput.decode': perSecond(decoded) } : {}),
    'throughput.total': perSecond(tokens),
  };
}

/** Where the time went: of a GPU on average, so that with all-to-alls the parts still add up to the time that passed. */
export function timeMetrics({ simulation: { engine, gpus, recorder } }: Finished): Values {
  const sum = (column: Float64Array): number => column.reduce((total, value) => total + value, 0);
  const stall = sum(recorder.layers.stallNs) / gpus.length;
  return {
    'time.total': engine.nowNs,
    'time.dense': sum(recorder.layers.denseNs) + recorder.tailNs,
    'time.compute': sum(recorder.layers.computeNs) / gpus.length,
    'time.stall': stall,
    'time.cpu': sum(recorder.layers.cpuNs),
    'share.stall': stall / engine.nowNs,
  };
}

function summary(name: string, samples: Samples): Values {
  if (samples.values().length === 0) return {};
  return Object.fromEntries(Object.entries(summarize(samples.values())).map(([key, value]) => [`${name}.${key}`, value]));
}
