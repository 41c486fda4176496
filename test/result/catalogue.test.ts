// The catalogue holds every name of the public format, and refuses what it does not know.
import { describe, expect, it } from 'vitest';
import { compareMetricNames, describeMetric, METRICS, metric, metricsOfWord } from '../../src/result/catalogue.js';

describe('metric catalogue', () => {
  it('expands phases and percentiles, and says so in the meaning', () => {
    expect(describeMetric('cache.hit_rate')).toMatchObject({ unit: 'ratio', better: 'higher', kind: 'exact' });
    expect(describeMetric('cache.hit_rate.decode').meaning).toMatch(/only generate\.$/);
    expect(describeMetric('latency.tpot.p99')).toMatchObject({ unit: 'ns', better: 'lower' });
    expect(describeMetric('latency.tpot.p99').meaning).toMatch(/99th percentile\.$/);
    expect(METRICS.has('latency.tpot')).toBe(false);
  });

  it('knows metrics by a word of a report', () => {
    expect(metricsOfWord('TPOT').slice(0, 4)).toEqual(['mean', 'p50', 'p95', 'p99'].map((one) => `latency.tpot.${one}`));
    expect(metricsOfWord('decode')[0]).toBe('speed.decode');
    expect(metricsOfWord('hit rate')[0]).toBe('cache.hit_rate');
    expect(metricsOfWord('latency.tpot')).toEqual([]);
  });

  it('knows every name of the design', () => {
    const names = [
      ...['hit_rate', 'late_rate', 'miss_rate', 'token_hit_rate', 'evictions', 'streamed'].flatMap((n) => [
        `cache.${n}`,
        `cache.${n}.prefill`,
      ]),
      ...['experts.demanded', 'experts.distinct_per_event', 'experts.activations'],
      ...['h2d', 'ssd'].flatMap((n) => ['count', 'bytes', 'bytes_per_token'].map((m) => `transfer.${n}.${m}`)),
      ...['transfer.on_demand.count', 'transfer.prefetch.count', 'prefetch.precision', 'prefetch.recall', 'prefetch.wasted_bytes'],
      ...[
        'predict.recall_at_k',
        'predict.batch_recall',
        'speed.decode',
        'speed.prefill',
        'throughput.generated',
        'throughput.total',
        'share.stall',
      ],
      ...['ttft', 'tpot', 'itl', 'pass', 'request'].flatMap((n) => ['mean', 'p50', 'p95', 'p99'].map((m) => `latency.${n}.${m}`)),
      ...['total', 'compute', 'stall', 'cpu', 'dense'].map((n) => `time.${n}`),
      ...['memory.gpu.peak', 'memory.gpu.allocated', 'memory.gpu.expert_cache', 'memory.gpu.saving', 'memory.dram.peak'],
      ...['bound.all_resident.tpot', 'bound.no_cache.tpot', 'bound.belady.hit_rate', 'bound.compulsory', 'bound.token_cycle'],
      ...['headroom.hit_rate', 'headroom.tpot'],
    ];
    expect(names.filter((name) => !METRICS.has(name))).toEqual([]);
  });

  it('L21 has one speed for each phase, two throughputs of the whole run, and no other name for either', () => {
    expect([...METRICS.keys()].filter((name) => /speed|throughput/.test(name))).toEqual([
      'speed.decode',
      'speed.prefill',
      'throughput.generated',
      'throughput.total',
    ]);
    // @ts-expect-error: no name of a metric.
    expect(() => metric('throughput.decode', 1)).toThrow(/"throughput.decode" any more, .*; write speed.decode, or throughput.generated/);
  });
});

describe('metrics of the catalogue', () => {
  it('gives each metric one plain sentence and a lower-case dotted name without a unit', () => {
    for (const { name, meaning } of METRICS.values()) {
      expect(name).toMatch(/^[a-z0-9_]+(\.[a-z0-9_]+)+$/);
      expect(name).not.toMatch(/(_ns|_ms|_gb|_pct|_percent)$/);
      expect(meaning).toMatch(/^[A-Z].*[^.]\.$/);
    }
  });

  it('builds metrics, and refuses unknown names and values that JSON cannot hold', () => {
    expect(metric('cache.evictions', 12)).toEqual({ value: 12, unit: 'count', better: 'lower', kind: 'exact' });
    // @ts-expect-error: no name of a metric.
    expect(() => metric('cache.hitrate', 0.5)).toThrow(/"cache.hitrate" is not in the metric catalogue; did you mean "cache.hit_rate"/);
    expect(() => metric('cache.hit_rate', Number.NaN)).toThrow(/must be absent/);
    expect(() => metric('cache.hit_rate', Number.POSITIVE_INFINITY)).toThrow(/must be absent/);
  });

  it('orders names as it lists them, unknown ones last', () => {
    const names = ['time.total', 'x.unknown', 'cache.hit_rate', 'a.unknown', 'latency.tpot.p50'];
    expect(names.sort(compareMetricNames)).toEqual(['cache.hit_rate', 'latency.tpot.p50', 'time.total', 'a.unknown', 'x.unknown']);
  });
});
