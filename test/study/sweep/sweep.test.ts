// Sweeps: combinations, rates, where more arrivals get no more done, and tables that fit.

import { describe, expect, it } from 'vitest';
import { metric } from '../../../src/result/catalogue.js';
import { type KnowingPart, knowledgeOfParts } from '../../../src/result/knowledge.js';
import type { MetricName } from '../../../src/result/metrics.js';
import type { Result } from '../../../src/result/result.js';
import {
  checkAxes,
  combinations,
  ratesAround,
  type Sweep,
  type SweepAxis,
  saturationSentence,
  servedPerSecond,
  sweepOf as sweepOfOutcomes,
} from '../../../src/study/sweep/sweep.js';
import { type SweepView, sweepReports } from '../../../src/study/sweep/sweep-report.js';
import { sampleResult } from '../../result/sample.js';

const S = 1e9;

/** A run of 10 requests of 100 tokens that took so many seconds. */
function ran(seconds: number, more: Readonly<Record<string, number>> = {}): Result {
  const figures = {
    'workload.requests': 10,
    'workload.tokens': 1000,
    'time.total': seconds * S,
    'throughput.total': 1000 / seconds,
    'workload.routing_reused': 0,
    ...more,
  };
  const base = sampleResult();
  const metrics = { ...base.metrics };
  for (const [name, value] of Object.entries(figures)) metrics[name] = metric(name as MetricName, value);
  return { ...base, metrics };
}

const OPTIONS = { color: false, width: 80, unicode: true, verbose: false };
const render = (name: string, view: SweepView): string =>
  sweepReports
    .filter((format) => 'render' in format)
    .find((format) => format.name === name)!
    .render(view, OPTIONS);

/** A sweep all of whose combinations ran. */
function sweepOf(axes: readonly SweepAxis[], results: readonly Result[], atOnce: readonly Result[]): Sweep {
  const done = (all: readonly Result[]) => all.map((result) => ({ status: 'done' as const, result }));
  return sweepOfOutcomes(axes, done(results), done(atOnce));
}

describe('combinations', () => {
  it('L32: are at most 100,000', () => {
    const axis = (count: number): SweepAxis => ({ path: `a${count}`, values: Array.from({ length: count }, (_, i) => i) });
    expect(combinations([axis(100), axis(1000)])).toHaveLength(100_000);
    expect(() => combinations([axis(1000), axis(101)])).toThrow(/^sweep: asks for more than 100,000 runs; take fewer values/);
  });

  it('are all, the last axis first to move', () => {
    const axes = [
      { path: 'a', values: [1, 2] },
      { path: 'b', values: ['x', 'y', 'z'] },
    ];
    expect(combinations(axes).map((row) => row.join(''))).toEqual(['1x', '1y', '1z', '2x', '2y', '2z']);
    expect(combinations([])).toEqual([[]]);
  });

  it('of axes or values that stand twice are refused', () => {
    expect(() => checkAxes([{ path: 'a', values: [1, 2, 1] }])).toThrow('--vary a: 1 stands twice');
    const twice = [
      { path: 'a', values: [1] },
      { path: 'a', values: [2] },
    ];
    expect(() => checkAxes(twice)).toThrow('--vary a: is varied twice');
  });
});

describe('L26 the runtime of systems that are compared', () => {
  const under = (runtime: string): Result => {
    const result = ran(1);
    return { ...result, inputs: { ...result.inputs, runtime } };
  };
  const shown = (path: string, runtimes: readonly string[]): string =>
    render('table', { sweep: sweepOf([{ path, values: runtimes.map((_, i) => `s${i}`) }], runtimes.map(under), []), metrics: [] });

  it('is said where it is one, and only of systems', () => {
    expect(shown('system', ['x', 'x'])).toContain('all under x; --runtime own gives each system its own\n');
    expect(shown('system', ['x', 'y'])).not.toContain('all under');
    expect(shown('workload.batch', ['x', 'x'])).not.toContain('all under');
  });
});

describe('saturation', () => {
  const axes = [{ path: 'workload.rate', values: [0.5, 1, 2, 4] }];
  // At once 10 requests take 10 s: 1 request and 100 tokens per second.
  const atOnce = [ran(10)];

  it('is where 95 % gets through of what does when all arrive at once', () => {
    const { saturation } = sweepOf(axes, [ran(22), ran(12), ran(10.5), ran(10)], atOnce);
    expect(servedPerSecond(atOnce[0]!)).toBe(1);
    expect(saturation).toEqual([{ values: [], requestsPerSecond: 1, tokensPerSecond: 100, rate: 2, goodput: null }]);
    expect(saturationSentence(saturation[0]!)).toBe(
      'Serves 1 requests/s (100 tok/s with prompts) at most; saturated from 2 requests/s on.',
    );
  });

  it('is not where less gets through at every rate', () => {
    const { saturation } = sweepOf(axes, [ran(22), ran(12), ran(11.5), ran(11)], atOnce);
    expect(saturation[0]!.rate).toBeNull();
    expect(saturationSentence(saturation[0]!)).toContain('not saturated at these rates');
  });

  it('finds the rate of the most goodput, the lower of equals', () => {
    const good = (seconds: number, tokens: number) => ran(seconds, { 'goodput.tokens': tokens, 'goodput.attained': 0.5 });
    const { saturation } = sweepOf(axes, [good(22, 10), good(12, 40), good(10.5, 40), good(10, 5)], atOnce);
    expect(saturation[0]!.goodput).toEqual({ rate: 1, tokensPerSecond: 40, attained: 0.5 });
    expect(saturationSentence(saturation[0]!)).toContain(
      'Most goodput at 1 requests/s: 40.0 tok/s generated, 50.0 % of the requests in time.',
    );
  });

  it('is judged for each combination of the other values, wherever the rate stands among them', () => {
    const both = [
      { path: 'workload.rate', values: [1, 4] },
      { path: 'system.scheduler', values: ['fcfs', 'static'] },
    ];
    const { saturation } = sweepOf(both, [ran(12), ran(30), ran(10), ran(25)], [ran(10), ran(20)]);
    expect(saturation.map(({ rate, values }) => [values, rate])).toEqual([
      [['fcfs'], 4],
      [['static'], null],
    ]);
  });

  it('is no matter where no rate is varied', () => {
    expect(sweepOf([{ path: 'seed', values: [1] }], [ran(1)], []).saturation).toEqual([]);
  });
});

it('rates around what can be served rise by the same factor from a quarter to four times', () => {
  const rates = ratesAround([2, 8]);
  expect([rates.length, rates[0], rates.at(-1)]).toEqual([8, 0.5, 32]);
  for (const [i, rate] of rates.slice(1).entries()) expect(rate / rates[i]!).toBeCloseTo(64 ** (1 / 7), 1);
});

describe('reports', () => {
  const rates = [0.5, 1];
  const sweep = sweepOf(
    [
      { path: 'memory.expertCache', values: ['25%', '50%'] },
      { path: 'workload.rate', values: rates },
    ],
    [ran(22), ran(12), ran(21), ran(11)],
    [ran(10), ran(9)],
  );

  it('show the values and the figures, in 80 columns, as several tables where one would be too wide', () => {
    const text = render('table', { sweep, metrics: [] });
    expect(text).toMatch(/^expertCache {2}rate {2}decode {2}generated {2}TTFT p50 {2}TTFT p99/m);
    expect(text).toMatch(/^25% +0\.5 +32\.0 +29\.4 /m);
    expect(text).toContain('memory.expertCache=50%: Serves 1.11 requests/s');
    const wide = render('table', {
      sweep,
      metrics: ['latency.ttft.p99', 'latency.request.p99', 'transfer.on_demand.count', 'cache.hit_rate'],
    });
    expect(wide.match(/^expertCache {2}rate/gm)!.length).toBe(2);
    for (const line of `${text}${wide}`.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  it('carry everything for tools', () => {
    const lines = render('csv', { sweep, metrics: [] }).trimEnd().split('\n');
    expect(lines.length).toBe(5);
    expect(lines[0]).toMatch(/^memory\.expertCache,workload\.rate,cache\.hit_rate,/);
    expect(lines[2]).toMatch(/^25%,1,0\.839,/);
    expect(JSON.parse(render('json', { sweep, metrics: [] }))).toEqual(JSON.parse(JSON.stringify(sweep)));
    expect(render('markdown', { sweep, metrics: [] })).toMatch(/^\| 50% \| 1 \| 32\.0 \| 29\.4 \|.* 90\.9 \|$/m);
  });

  it('L17 marks runs that knew more than what had happened, and has a column for it in CSV', () => {
    const knowing = (part: KnowingPart) => ({ ...ran(20), knowledge: knowledgeOfParts([part]) });
    const runs = [
      ran(10),
      knowing({ part: 'predictor', name: 'gate', knows: 'published', recall: 0.84, precision: 0.84 }),
      knowing({ part: 'cache.policy', name: 'belady', knows: 'future' }),
    ];
    const view = { sweep: sweepOf([{ path: 'system', values: ['a', 'b', 'c'] }], runs, []), metrics: [] };
    expect(render('table', view)).toContain('i stand-in: published recall .84: b\n');
    expect(render('table', view)).toContain('i sees the future: c\n');
    const column = render('csv', view)
      .trim()
      .split('\n')
      .map((line) => line.split(',').at(-1));
    expect(column).toEqual(['knowledge', 'nothing', 'published', 'future']);
  });

  it('L21 ranks what varies in systems and machines alone by decode speed, and names the fastest else', () => {
    const runs = [ran(20, { 'speed.decode': 10 }), ran(90, { 'speed.decode': 30 }), ran(10, { 'speed.decode': 20 })];
    const text = (path: string): string => {
      const view = { sweep: sweepOf([{ path, values: ['a', 'b', 'c'] }], runs, []), metrics: [] };
      return render('table', view).replace(/\s+/g, ' ');
    };
    expect(text('system')).toContain('fastest decode first (speed.decode, tok/s for each request)');
    expect(text('system')).toMatch(/ b 30\.0 .* c 20\.0 .* a 10\.0 /);
    expect(text('memory.expertCache')).toMatch(/^expertCache b decodes fastest: 30\.0 tok\/s /);
    expect(text('memory.expertCache')).toMatch(/ a 10\.0 .* b 30\.0 .* c 20\.0 /);
  });
});
