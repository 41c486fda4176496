// A realistic result for tests of reports and gates: qwen3-30b-a3b on an RTX 4090 with an LRU cache of a quarter of the experts.
// The figures are invented but agree with each other.

import { metric } from '../../src/result/catalogue.js';
import type { MetricName } from '../../src/result/metrics.js';
import { type Metric, RESULT_SCHEMA, type Result } from '../../src/result/result.js';

const LAYERS = 48;
const MS = 1e6;
const S = 1e9;

/** Counters of one layer, the same at all layers but for a ripple, so that a heatmap or a table has something to show. */
function layers(value: number, ripple = 0): number[] {
  return Array.from({ length: LAYERS }, (_, layer) => value + ripple * (layer % 5));
}

const FIGURES: Readonly<Record<string, number>> = {
  'cache.hit_rate': 0.839,
  'cache.hit_rate.prefill': 0.712,
  'cache.hit_rate.decode': 0.851,
  'cache.late_rate': 0.021,
  'cache.late_rate.prefill': 0.038,
  'cache.late_rate.decode': 0.019,
  'cache.miss_rate': 0.14,
  'cache.miss_rate.prefill': 0.25,
  'cache.miss_rate.decode': 0.13,
  'cache.evictions': 122_142,
  'experts.demanded': 768_000,
  'transfer.h2d.bytes': 379_000_000_000,
  'transfer.h2d.bytes_per_token': 189_500_000,
  'transfer.on_demand.count': 107_520,
  'transfer.on_demand.count_per_token': 53.76,
  'transfer.on_demand.bytes_per_token': 164_400_000,
  'transfer.prefetch.count': 20_480,
  'prefetch.precision': 0.61,
  'prefetch.wasted_bytes': 24_000_000_000,
  'latency.ttft.mean': 912 * MS,
  'latency.ttft.p50': 880 * MS,
  'latency.ttft.p95': 1310 * MS,
  'latency.ttft.p99': 1490 * MS,
  'latency.tpot.mean': 31.2 * MS,
  'latency.tpot.p50': 30.8 * MS,
  'latency.tpot.p95': 38.1 * MS,
  'latency.tpot.p99': 41.7 * MS,
  'latency.itl.mean': 31.2 * MS,
  'latency.itl.p50': 29.9 * MS,
  'latency.itl.p95': 48.3 * MS,
  'latency.itl.p99': 61.0 * MS,
  'speed.decode': 32.05,
  'speed.prefill': 46.1,
  'throughput.generated': 29.4,
  'throughput.total': 32.1,
  'time.total': 62.3 * S,
  'time.dense': 8.1 * S,
  'time.compute': 6.2 * S,
  'time.stall': 47.4 * S,
  'time.cpu': 0,
  'share.stall': 0.761,
  'memory.gpu.peak': 7_520_000_000,
  'memory.gpu.allocated': 7_520_000_000,
  'memory.gpu.expert_cache': 4_296_000_000,
  'memory.gpu.saving': 0.63,
  'memory.dram.peak': 17_184_000_000,
  'bound.all_resident.tpot': 6.9 * MS,
  'bound.no_cache.tpot': 128 * MS,
  'bound.belady.hit_rate': 0.907,
  'bound.compulsory': 6_144,
  'bound.token_cycle': 1_074_000_000,
  'headroom.hit_rate': 0.075,
  'headroom.tpot': 0.201,
};

/** What a test may change of the sample. */
export interface SampleChanges {
  /** Other values; null drops the metric. */
  readonly metrics?: Readonly<Record<string, number | null>>;
  readonly synthetic?: boolean;
  readonly fingerprint?: string;
  readonly inputs?: Partial<Result['inputs']>;
  readonly warnings?: Result['warnings'];
  readonly config?: Result['config'];
}

/** The sample, with changes. */
export function sampleResult(changes: SampleChanges = {}): Result {
  const metrics: Record<string, Metric> = {};
  for (const [name, value] of Object.entries({ ...FIGURES, ...changes.metrics })) {
    if (value !== null) metrics[name] = metric(name as MetricName, value);
  }
  return {
    schema: RESULT_SCHEMA,
    tool: { name: 'moeprof', version: '0.1.0' },
    inputs: {
      model: 'qwen3-30b-a3b',
      quantization: 'q4_k_m',
      hardware: 'rtx-4090',
      system: 'on-demand-lru',
      traces: [
        {
          path: changes.synthetic ? 'synthetic' : 'traces/qwen3-30b-a3b.code.safetensors',
          sha256: '6f1e'.repeat(16),
          tokens: 2_000,
          requests: 4,
          synthetic: changes.synthetic ?? false,
        },
      ],
      ...changes.inputs,
    },
    fingerprint: changes.fingerprint ?? 'c0ffee'.repeat(8),
    seed: 1,
    config: changes.config ?? { cache: { policy: 'lru', scope: 'layer', capacity: '25%' }, workload: { batch: 1, tokens: 2000 } },
    metrics,
    perLayer: {
      demanded: layers(16_000),
      hits: layers(13_300, 60),
      late: layers(336),
      misses: layers(2_364, -60),
      evictions: layers(2_500, 20),
      streamed: layers(0),
      events: layers(2_000),
      onDemandBytes: layers(7_000_000_000, -150_000_000),
      prefetchBytes: layers(900_000_000),
      stallNs: layers(0.98 * S, 5 * MS),
      computeNs: layers(0.129 * S),
      cpuNs: layers(0),
      denseNs: layers(0.168 * S),
    },
    bounds: {
      allResidentTpotNs: 6.9 * MS,
      noCacheTpotNs: 128 * MS,
      beladyHitRate: 0.907,
      compulsoryMisses: 6_144,
      tokenCycleBytes: 1_074_000_000,
      capacityBytes: 4_296_000_000,
    },
    warnings: changes.warnings ?? [],
    environment: { node: 'v20.20.2', wallMs: 153 },
  };
}
