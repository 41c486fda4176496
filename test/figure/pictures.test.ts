// Figures that nobody described: what a sweep, a study, a ranking, a plan and a curve draw, read off small ones by hand.

import { describe, expect, it } from 'vitest';
import { CapacitySearch, placingOf, planOf } from '../../src/advise/plan/plan.js';
import { planFigures } from '../../src/advise/plan/plan-report.js';
import type { Curve } from '../../src/capacity/curve-result.js';
import { curveFigures } from '../../src/capacity/report.js';
import type { PaperFigure } from '../../src/figure/figure.js';
import { figureDocument, pictureFormats } from '../../src/figure/formats.js';
import { rankingFigures } from '../../src/figure/one-panel.js';
import type { RunRow } from '../../src/figure/table/run-row.js';
import { metric } from '../../src/result/catalogue.js';
import type { MetricName } from '../../src/result/metrics.js';
import type { Result } from '../../src/result/result.js';
import { axesFigures } from '../../src/study/sweep/axes-figures.js';
import { sampleResult } from '../result/sample.js';

/** Runs of all combinations; speed grows with their number, hits are its tenth of a percent. */
function grid(axes: Readonly<Record<string, readonly (string | number)[]>>, metrics = ['speed.decode', 'cache.hit_rate']): RunRow[] {
  const cells = Object.entries(axes).reduce<Record<string, string | number>[]>(
    (all, [path, values]) => all.flatMap((cell) => values.map((value) => ({ ...cell, [path]: value }))),
    [{}],
  );
  return cells.map((values, at) => {
    const figures = { 'speed.decode': at + 1, 'cache.hit_rate': (at + 1) / 1000, 'throughput.total': at + 1, 'latency.ttft.p50': at + 1 };
    const kept = Object.fromEntries(Object.entries(figures).filter(([name]) => metrics.includes(name)));
    return { status: 'done', reason: null, key: {}, values, metrics: kept };
  });
}

/** Kind, axes and panels of figures. */
const shape = (figures: readonly PaperFigure[]) =>
  figures.map(({ facet, kind, series, title, x, y }) => [kind, x, y, series, facet, title].map((part) => part ?? '-').join(' '));

describe('what varies', () => {
  const hits = 'cache.hit_rate';
  it.each<[string, Record<string, (string | number)[]>, string[]]>([
    ['words alone are a ranking', { system: ['a', 'b'] }, ['rank system speed.decode - - -', `rank system ${hits} - - -`]],
    [
      'several words are one ranking of their combinations',
      { system: ['a', 'b'], hardware: ['t4', 'a10'] },
      ['rank system,hardware speed.decode - - -', `rank system,hardware ${hits} - - -`],
    ],
    [
      'numbers are horizontal, the most words series, few of them panels, seeds neither',
      { seed: [1, 2, 3], hardware: ['t4', 'a10'], 'memory.expertCache': ['10%', '25%'], system: ['a', 'b', 'c'] },
      ['line memory.expertCache speed.decode system hardware -', `line memory.expertCache ${hits} system hardware -`],
    ],
    [
      'what is left makes figures of its own',
      { hardware: ['t4', 'a10'], trace: ['code', 'chat'], 'memory.expertCache': ['10%', '25%'], system: ['a', 'b', 'c', 'd'] },
      [
        'line memory.expertCache speed.decode system trace hardware t4',
        `line memory.expertCache ${hits} system trace hardware t4`,
        'line memory.expertCache speed.decode system trace hardware a10',
        `line memory.expertCache ${hits} system trace hardware a10`,
      ],
    ],
  ])('%s', (_, axes, expected) => {
    expect(shape(axesFigures(grid(axes), Object.keys(axes), []))).toEqual(expected);
  });

  it('that moves together is one axis', () => {
    const rows = grid({ 'memory.expertCache': ['10%', '25%'], hardware: ['t4', 'a10'] });
    const zipped = rows.map((row) => ({
      ...row,
      values: { ...row.values, 'system.cache.scope': row.values.hardware === 't4' ? 'layer' : 'global' },
    }));
    const axes = ['memory.expertCache', 'hardware', 'system.cache.scope'];
    expect(shape(axesFigures(zipped, axes, ['speed.decode']))).toEqual(['line memory.expertCache speed.decode hardware - -']);
  });

  it('in its rate shows what gets through and how long the first token takes', () => {
    const rows = grid({ 'workload.batch': [1, 8], 'workload.rate': [1, 2] }, ['throughput.total', 'latency.ttft.p50']);
    expect(shape(axesFigures(rows, ['workload.batch', 'workload.rate'], []))).toEqual([
      'line workload.rate throughput.total workload.batch - -',
      'line workload.rate latency.ttft.p50 workload.batch - -',
    ]);
  });

  it('in too much says how many figures there are', () => {
    const rows = grid({ x: [1, 2], a: ['p', 'q', 'r', 's'], b: ['p', 'q', 'r', 's'], c: ['p', 'q', 'r', 's'] });
    const figures = axesFigures(rows, ['x', 'a', 'b', 'c'], ['speed.decode']);
    expect([figures.length, figures[11]!.note]).toEqual([12, 'The first 12 of 16 figures; moeprof plot draws any other']);
    expect(figures[0]!.title).toBe('b p, c p');
  });
});

function withMetrics(figures: Readonly<Record<string, number>>, inputs: Partial<Result['inputs']> = {}): Result {
  const sample = sampleResult();
  const metrics = { ...sample.metrics };
  for (const [name, value] of Object.entries(figures)) metrics[name] = metric(name as MetricName, value);
  return { ...sample, inputs: { ...sample.inputs, ...inputs }, metrics };
}

describe('a ranking', () => {
  it('is a bar for each run, with what 80 % of measurements keep', () => {
    const accuracy = { decode: { low: 0.7, high: 1.2, rows: 40, machines: 9, common: 'llama.cpp' }, prefill: null };
    const [figure] = rankingFigures([
      withMetrics({ 'speed.decode': 10 }, { system: 'a' }),
      { ...withMetrics({ 'speed.decode': 20 }, { system: 'b' }), accuracy },
    ]);
    expect(figure!.points.map(({ high, low, x, y }) => [x, y, low, Math.round(high)])).toEqual([
      ['b', 20, 14, 24],
      ['a', 10, 10, 10],
    ]);
    expect(figure!.note).toBe('Whiskers: 80 % of comparable measurements');
  });
});

describe('a plan', () => {
  it('draws memory needed and there, and the condition with its limit', () => {
    const search = new CapacitySearch();
    for (const percent of search.next()) search.add(percent, percent >= 50);
    const probes = [0, 25, 50, 75, 100].map((percent) => ({
      percent,
      broken: percent >= 50 ? [] : ['latency.tpot.p99 <= 40ms'],
      result: withMetrics({ 'memory.gpu.allocated': 2 ** 30 * (1 + percent / 100), 'latency.tpot.p99': 80e6 - percent * 6e5 }),
    }));
    const placed = placingOf({ system: 'lru', hardware: 't4', gpuBytes: 15 * 2 ** 30 }, probes, search);
    const [memory, condition, ...rest] = planFigures(planOf(['latency.tpot.p99 <= 40ms', 'cache.* >= 10%'], null, [placed]));
    expect(memory!.points.map(({ series, x, y }) => [series, x, y])).toEqual([
      ['needs', 'lru on t4', 1.5],
      ['has', 'lru on t4', 15],
    ]);
    expect(condition!.points.map(({ x, y }) => [x, Math.round(y)])).toEqual([
      [0, 80],
      [25, 65],
      [50, 50],
      [75, 35],
      [100, 20],
    ]);
    expect([condition!.yAxis.unit, condition!.rules]).toEqual(['ms', [{ axis: 'y', at: 40, label: 'latency.tpot.p99 <= 40ms' }]]);
    expect(rest).toEqual([]);
  });
});

describe('a curve', () => {
  it('is hits against capacity, both in percent, with the token cycle and the knee', () => {
    const point = (hitRate: number) => ({ hits: 0, hitRate, insertions: 0, evictions: 0, streamed: 0, churn: 0 });
    const curve = {
      capacities: [100, 200, 400],
      expertBytes: 400,
      tokenCycleBytes: 150,
      config: { scope: 'global' },
      knee: { policy: 'lru', at: 1 },
      policies: [{ policy: 'lru', points: [point(0.1), point(0.5), point(1)] }],
    } as unknown as Curve;
    const [figure] = curveFigures(curve);
    expect(figure!.points.map(({ x, y }) => [x, y])).toEqual([
      [25, 10],
      [50, 50],
      [100, 100],
    ]);
    expect(figure!.rules).toEqual([
      { axis: 'x', at: 37.5, label: 'token cycle' },
      { axis: 'x', at: 50, label: 'knee of lru' },
    ]);
    // Per layer, a token's cycle is no capacity.
    expect(curveFigures({ ...curve, config: { ...curve.config, scope: 'layer' } })[0]!.rules).toEqual([figure!.rules![1]]);
  });
});

describe('a page', () => {
  it('has the drawing, its points as a table, and one script', async () => {
    const figures = axesFigures(grid({ x: [1, 2], system: ['<b>', 'c'] }), ['x', 'system'], ['speed.decode']);
    const [, html] = pictureFormats<PaperFigure>('moeprof plot', (figure) => [figure], figureDocument);
    const page = String((await html!.load())(figures[0]!, { color: false, width: 80, unicode: true, verbose: false }));
    expect(page).toMatch(/<div class="drawing"><svg /);
    expect(page).toContain('The points of the figure');
    expect(page.match(/<script>/g)!.length).toBe(1);
    expect(page).not.toContain('<b>');
    expect(page).not.toMatch(/(src|href)="(?!data:|#)/);
  });
});
