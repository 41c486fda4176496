// Law L21: decode and prefill speed by hand, in a world where every pass has a time that can be written down, and the same figures in
// every command's report.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { CapacitySearch, placingOf, planOf } from '../../src/advise/plan/plan.js';
import { planReports } from '../../src/advise/plan/plan-report.js';
import type { Override } from '../../src/base/yaml.js';
import { simulateRun } from '../../src/engine/simulate.js';
import type { OutputFormat } from '../../src/report/format.js';
import { reports } from '../../src/report/formats/index.js';
import { rankingReports } from '../../src/report/ranking/ranking.js';
import type { Result } from '../../src/result/result.js';
import { sweepOf } from '../../src/study/sweep/sweep.js';
import { sweepReports } from '../../src/study/sweep/sweep-report.js';
import { checkRun } from '../../src/system/load-run.js';
import type { RunInput } from '../../src/system/run.js';
import { calibrated } from '../support/calibrated.js';
import { temporaryFolder } from '../support/folder.js';

// Long enough for a machine that is busy with something else.
vi.setConfig({ testTimeout: 60_000 });

const folder = temporaryFolder();
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

/** Two layers of four experts of 3 x 16 x 32 bf16 weights: 3,072 bytes each, of which a token takes one. */
const model = file(
  'two-layers.yaml',
  `name: two-layers
layers: 2
hidden: 16
vocab: 8
attention: { kind: gqa, heads: 1, kvHeads: 1, headDim: 16 }
moe: { experts: 4, topK: 1, intermediate: 32 }
quantization: bf16
`,
);

/** Nothing takes time but the link, which needs 1 ms for an expert, and a pass, which costs 2 ms beside. */
const MACHINE: Readonly<Record<string, unknown>> = {
  'hardware.links.0': { name: 'h2d', bandwidth: 3_072_000, latency: 0 },
  'hardware.gpu': { peak: 1e30, memoryBandwidth: 1e30, computeFraction: 1, bandwidthFraction: 1, perPass: '2ms' },
};

const row = (request: number, position: number, phase: string, first: number, second: number): string =>
  JSON.stringify({ request, position, phase, experts: [[first], [second]] });

async function simulate(rows: readonly string[], workload: RunInput['workload'] = {}): Promise<Result> {
  const trace = file('trace.jsonl', `${rows.join('\n')}\n`);
  const overrides = Object.entries(MACHINE).map(([path, value]): Override => ({ path: path.split('.'), value, label: path }));
  return simulateRun(checkRun({ model, trace, hardware: calibrated('rtx-4090'), system: 'no-cache', workload }, 'test', overrides), {
    details: true,
  });
}

const SPEEDS = ['speed.decode', 'speed.prefill', 'throughput.generated', 'throughput.total'];
const speedsOf = ({ metrics }: Result): (number | null)[] => SPEEDS.map((name) => metrics[name]?.value ?? null);
const closeTo = (expected: readonly (number | null)[]) => expected.map((value) => (value === null ? null : expect.closeTo(value, 6)));

/** Three prompt tokens that choose two experts at the first layer and one at the second: 3 loads. Two generated ones of 2 loads each. */
const REQUEST = [
  row(0, 0, 'prefill', 0, 2),
  row(0, 1, 'prefill', 1, 2),
  row(0, 2, 'prefill', 0, 2),
  row(0, 3, 'decode', 3, 1),
  row(0, 4, 'decode', 0, 0),
];

describe('L21 Two phases', () => {
  it('L21 one request: 3 prompt tokens in 3 + 2 ms, then 2 tokens in 2 + 2 ms each', async () => {
    const result = await simulate(REQUEST);
    expect(result.metrics['time.total']!.value).toBeCloseTo(13e6, 3);
    expect(speedsOf(result)).toEqual(closeTo([250, 600, 2 / 0.013, 5 / 0.013]));
    // The same quantity as the latencies tell it: a token in 4 ms, the first after 5.
    const { metrics } = result;
    expect(1e9 / metrics['latency.tpot.mean']!.value).toBe(metrics['speed.decode']!.value);
    expect(metrics['latency.itl.mean']!.value).toBeCloseTo(4e6, 3);
    expect(3e9 / metrics['latency.ttft.mean']!.value).toBe(metrics['speed.prefill']!.value);
    // What the passes of either kind spend: 3 ms of loads, and twice 2.
    expect([metrics['schedule.passes.prefill']!.value, metrics['schedule.passes.decode']!.value]).toEqual([1, 2]);
    expect(metrics['time.stall.prefill']!.value).toBeCloseTo(3e6, 3);
    expect(metrics['time.stall.decode']!.value).toBeCloseTo(4e6, 3);
    expect(metrics['time.dense.decode']!.value).toBeCloseTo(4e6, 3);
  });

  it('L21 a request that waits for another: queueing is in no speed', async () => {
    // Both arrive at once and are served one after the other, a prompt of 2 loads and two tokens of 2: the second waits for 12 ms. The
    // first token comes with its prompt.
    const arrivals = file('arrivals.csv', 'arrival,prompt,output\n0,3,3\n0,3,3\n');
    const prompt = [0, 1, 2].map((position) => row(0, position, 'prefill', 0, 2));
    const result = await simulate([...prompt, ...REQUEST.slice(3)], { arrivals, batch: 1 });
    expect(result.metrics['latency.queueing.p99']!.value).toBeGreaterThan(11e6);
    expect(speedsOf(result)).toEqual(closeTo([250, 750, 4 / 0.024, 10 / 0.024]));
  });

  it('L21 two at once: speed is what one of them sees, throughput what both get', async () => {
    const second = REQUEST.map((text) => text.replace('"request":0', '"request":1'));
    // The same experts: a pass loads them once for both. 5, 4 and 4 ms again, for twice the tokens.
    const result = await simulate([...REQUEST, ...second], { batch: 2 });
    expect(speedsOf(result)).toEqual(closeTo([250, 600, 4 / 0.013, 10 / 0.013]));
  });

  it('L21 what a run does not have is absent: no prompt, or nothing decoded', async () => {
    expect(speedsOf(await simulate(REQUEST.slice(3)))).toEqual(closeTo([250, null, 250, 250]));
    expect(speedsOf(await simulate(REQUEST.slice(0, 3)))).toEqual(closeTo([null, 600, null, 600]));
  });
});

describe('L21 the figures of a run are the same', () => {
  const options = { color: false, width: 80, unicode: true, verbose: true };
  const formatted = <T>(formats: readonly OutputFormat<T>[], name: string, value: T): string =>
    formats
      .filter((format) => 'render' in format)
      .find((format) => format.name === name)!
      .render(value, options);

  it('L21 in every format of a run: 250 and 600 tok/s, 154 and 385', async () => {
    const result = await simulate(REQUEST);
    const [decode, prefill, generated, total] = speedsOf(result);
    const text = (name: string): string => formatted(reports, name, result).replace(/\s+/g, ' ').replaceAll('\u00a0', ' ');
    expect(text('table')).toMatch(/^250 tok\/s decode, 600 tok\/s prefill /);
    expect(text('markdown')).toContain('**throughput**: 154 tok/s generated over the whole run, 385 tok/s with prompts');
    expect(text('markdown')).toContain('**speed**: 250 tok/s decode, 600 tok/s prefill');
    expect(text('html')).toContain('Decodes at 250 tok/s, a token in 4.00 ms on average');
    expect(text('html')).toContain('<dt>prefill</dt><dd>600 tok/s<small>with prompts over the run 385 tok/s</small>');
    const { metrics } = JSON.parse(formatted(reports, 'json', result)) as Result;
    expect(SPEEDS.map((name) => metrics[name]!.value)).toEqual([decode, prefill, generated, total]);
    const csv = new Map(
      formatted(reports, 'csv', result)
        .split('\n')
        .map((line) => line.split(',').slice(5, 7) as [string, string]),
    );
    expect(SPEEDS.map((name) => Number(csv.get(name)))).toEqual([decode, prefill, generated, total]);
    for (const [i, name] of SPEEDS.entries()) {
      const openMetrics = new RegExp(`^moeprof_${name.replace('.', '_')}_tokens_per_second\\{.*\\} (\\S+)$`, 'm');
      expect(Number(openMetrics.exec(formatted(reports, 'openmetrics', result))![1])).toBe(speedsOf(result)[i]);
    }
  });

  it('L21 in rankings, sweeps and plans', async () => {
    const result = await simulate(REQUEST);
    const fields = (csv: string): Record<string, string> => {
      const [head, first] = csv.split('\n').map((line) => line.split(','));
      return Object.fromEntries(head!.map((name, i) => [name, first![i]!]));
    };
    const [decode, prefill, generated, total] = speedsOf(result);
    const ranking = fields(formatted(rankingReports, 'csv', [result, result]));
    expect([Number(ranking['speed.decode']), Number(ranking['speed.prefill'])]).toEqual([decode, prefill]);
    expect(formatted(rankingReports, 'table', [result])).toMatch(/ {2}250 +600 /);
    const sweep = { sweep: sweepOf([{ path: 'workload.batch', values: [1] }], [{ status: 'done', result }], []), metrics: [] };
    const swept = fields(formatted(sweepReports, 'csv', sweep));
    expect(SPEEDS.map((name) => Number(swept[name]))).toEqual([decode, prefill, generated, total]);
    expect(formatted(sweepReports, 'table', sweep)).toMatch(/ 250 +600 +154 [\s\S]* 385$/m);
    const placed = { system: 'no-cache', hardware: calibrated('rtx-4090'), gpuBytes: 1e9 };
    const search = new CapacitySearch();
    for (const percent of search.next()) search.add(percent, true);
    const plan = planOf(['speed.decode >= 30'], null, [placingOf(placed, [{ percent: 0, broken: [], result }], search)]);
    expect(Number(fields(formatted(planReports, 'csv', plan))['speed.decode'])).toBe(decode);
    expect(formatted(planReports, 'table', plan)).toContain('250 tok/s');
  });
});
