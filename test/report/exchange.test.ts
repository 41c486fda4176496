// Results for other people's tools: OpenMetrics, github-action-benchmark, Bencher. Each is read back by a strict reader.
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ReportOptions } from '../../src/report/format.js';
import { reports } from '../../src/report/formats/index.js';
import { sampledMetric } from '../../src/result/catalogue.js';
import type { Result } from '../../src/result/result.js';
import { sampleResult } from '../result/sample.js';

const plain: ReportOptions = { color: false, width: 80, unicode: true, verbose: false };
const render = (name: string, result: Result): string => reports.find((format) => format.name === name)!.render(result, plain);

const timed: Result = {
  ...sampleResult(),
  metrics: { ...sampleResult().metrics, 'wall.run': sampledMetric('wall.run', [2e9, 1e9, 4e9]) },
};

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Family {
  readonly type: string;
  readonly unit: string | null;
  readonly samples: readonly Sample[];
}

/**
 * A reader of OpenMetrics 1.0 text: metadata before samples, no family twice, a unit that ends the name, escaped labels, `# EOF` last.
 * @throws Error where the text is not well-formed
 */
function parseOpenMetrics(text: string): Map<string, Family> {
  if (!text.endsWith('\n# EOF\n')) throw new Error('no # EOF at the end');
  const families = new Map<string, { type: string; unit: string | null; samples: Sample[] }>();
  let [current, family] = ['', null as { type: string; unit: string | null; samples: Sample[] } | null];
  for (const line of text.split('\n').slice(0, -2)) {
    const meta = /^# (TYPE|UNIT|HELP) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line);
    if (meta !== null) {
      const [, kind, name, rest] = meta;
      if (kind === 'TYPE') {
        if (families.has(name!)) throw new Error(`${name}: twice`);
        if (!['gauge', 'info'].includes(rest!)) throw new Error(`${name}: type ${rest}`);
        family = { type: rest!, unit: null, samples: [] };
        current = name!;
        families.set(current, family);
      }
      if (name !== current || family === null || family.samples.length > 0) throw new Error(`${line}: out of place`);
      if (kind === 'UNIT' && !name!.endsWith(`_${rest}`)) throw new Error(`${name} does not end with its unit ${rest}`);
      if (kind === 'UNIT') family.unit = rest!;
      if (kind === 'HELP' && /\\(?![\\n"])/.test(rest!)) throw new Error(`${line}: bad escape`);
      continue;
    }
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)+)\} (\S+)$/.exec(line);
    if (sample === null || family === null) throw new Error(`${line}: is no sample`);
    if (sample[1] !== (family.type === 'info' ? `${current}_info` : current)) throw new Error(`${line}: is not of ${current}`);
    if (!/^-?\d+(\.\d+)?(e[+-]\d+)?$/.test(sample[3]!)) throw new Error(`${line}: bad value`);
    const labels = [...sample[2]!.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]): [string, string] => [
      name!,
      value!.replace(/\\(.)/g, (_, after: string) => (after === 'n' ? '\n' : after)),
    ]);
    family.samples.push({ name: sample[1]!, labels: Object.fromEntries(labels), value: Number(sample[3]) });
  }
  return families;
}

describe('OpenMetrics', () => {
  it('has a gauge for each metric, in base units', () => {
    const families = parseOpenMetrics(render('openmetrics', timed));
    expect(families.size).toBe(1 + Object.keys(timed.metrics).length);
    const value = (name: string): number => families.get(name)!.samples[0]!.value;
    expect(value('moeprof_latency_tpot_p50_seconds')).toBe(0.0308);
    expect(value('moeprof_cache_hit_rate_ratio')).toBe(0.839);
    expect(value('moeprof_transfer_h2d_bytes')).toBe(379_000_000_000);
    expect(value('moeprof_speed_decode_tokens_per_second')).toBe(32.05);
    expect(value('moeprof_cache_evictions')).toBe(122_142);
    expect(families.get('moeprof_run')!.samples[0]).toMatchObject({ value: 1, labels: { model: 'qwen3-30b-a3b', seed: '1' } });
  });

  it('escapes names', () => {
    const model = 'a "quoted"\\ name,\nwith="everything"} 1';
    const families = parseOpenMetrics(render('openmetrics', sampleResult({ inputs: { model } })));
    expect(families.get('moeprof_cache_evictions')!.samples[0]!.labels.model).toBe(model.replace('\n', ' '));
  });
});

describe('github-action-benchmark', () => {
  const schema = z.array(
    z.strictObject({ name: z.string(), unit: z.string(), value: z.number(), range: z.string().optional(), extra: z.string() }),
  );
  const names = (format: string): string[] => schema.parse(JSON.parse(render(format, timed))).map(({ name }) => name);

  it('has each direction in its own file, and nothing without a direction in either', () => {
    const [smaller, bigger] = [names('benchmark-smaller'), names('benchmark-bigger')];
    for (const name of smaller) expect(timed.metrics[name]!.better).toBe('lower');
    for (const name of bigger) expect(timed.metrics[name]!.better).toBe('higher');
    expect(smaller).toContain('latency.tpot.p50');
    expect(bigger).toContain('cache.hit_rate');
    const none = Object.values(timed.metrics).filter(({ better }) => better === 'none').length;
    expect(smaller.length + bigger.length + none).toBe(Object.keys(timed.metrics).length);
  });

  it('gives the range of what was measured', () => {
    const entries = schema.parse(JSON.parse(render('benchmark-smaller', timed)));
    expect(entries.find(({ name }) => name === 'wall.run')).toMatchObject({ value: 2e9, range: '3000000000' });
    expect(entries.find(({ name }) => name === 'latency.tpot.p50')!.range).toBeUndefined();
  });
});

describe('Bencher Metric Format', () => {
  it('has one benchmark with a measure for each metric, and bounds for what was measured', () => {
    const measure = z.strictObject({ value: z.number(), lower_value: z.number().optional(), upper_value: z.number().optional() });
    const parsed = z.record(z.string(), z.record(z.string(), measure)).parse(JSON.parse(render('bencher', timed)));
    const [[name, measures]] = Object.entries(parsed) as [[string, Record<string, unknown>]];
    expect(name).toBe('qwen3-30b-a3b q4_k_m on rtx-4090, on-demand-lru');
    expect(Object.keys(measures)).toHaveLength(Object.keys(timed.metrics).length);
    expect(measures['wall.run']).toEqual({ value: 2e9, lower_value: 1e9, upper_value: 4e9 });
    expect(measures['latency.tpot.p50']).toEqual({ value: 30.8e6 });
  });
});
