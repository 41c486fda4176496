// Figures: points, axes and fronts by hand; drawings that are XML with text as text.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawFigures } from '../../src/figure/draw.js';
import { FIGURE_KINDS, type FigureQuestion, figureOf, labelOf } from '../../src/figure/figure.js';
import type { RunRow } from '../../src/figure/table/run-row.js';
import { cases } from '../cases.js';

function run(system: string, cache: string, seed: number, speed: number, bytes = 2 ** 30): RunRow {
  return {
    status: 'done',
    reason: null,
    key: { system, seed, trace: seed < 2 ? 'code' : 'a<b&c' },
    values: { 'memory.expertCache': cache },
    metrics: { 'speed.decode': speed, 'latency.tpot.p50': 1e9 / speed, 'memory.gpu.expert_cache': bytes },
  };
}
const ROWS = [
  ...[
    run('lru', '25%', 0, 10),
    run('lru', '25%', 1, 14),
    run('lru', '10%', 0, 6),
    run('fiddler', '10%', 0, 8),
    run('fiddler', '25%', 0, 9),
  ],
  { ...run('none', '10%', 0, 1), status: 'refused' as const, metrics: {} },
];
const QUESTION: FigureQuestion = {
  ...({ kind: 'line', x: 'memory.expertCache', y: 'speed.decode', series: 'system', facet: null, statistic: 'mean' } as const),
};

describe('a figure', () => {
  it('has a point for the runs that share x and series, with their range, x in order', () => {
    const { points, seriesNames, xAxis, yAxis } = figureOf(ROWS, QUESTION);
    expect([xAxis, labelOf(yAxis)]).toEqual([{ name: 'expertCache', unit: '%', continuous: true }, 'speed.decode, tok/s']);
    expect(seriesNames).toEqual(['lru', 'fiddler']);
    expect(points.map(({ high, low, runs, series, x, y }) => [series, x, y, low, high, runs])).toEqual([
      ['lru', 10, 6, 6, 6, 1],
      ['lru', 25, 12, 10, 14, 2],
      ['fiddler', 10, 8, 8, 8, 1],
      ['fiddler', 25, 9, 9, 9, 1],
    ]);
  });

  it('takes a unit in which its figures are short', () => {
    // 71 to 167 ms.
    expect(labelOf(figureOf(ROWS, { ...QUESTION, y: 'latency.tpot.p50' }).yAxis)).toBe('latency.tpot.p50, ms');
  });

  it.each<[string[], string, number | string]>([
    [['8GiB', '512MiB'], 'expertCache, GiB', 0.5],
    [['4/layer', '16/layer'], 'expertCache, per layer', 4],
    [['8GiB', '25%'], 'expertCache', '8GiB'],
  ])('reads %j on its axis', (caches, label, least) => {
    const { points, xAxis } = figureOf(
      caches.map((cache) => run('lru', cache, 0, 1)),
      QUESTION,
    );
    expect([labelOf(xAxis), points[0]!.x]).toEqual([label, least]);
  });

  it('has a front of the points that no other beats in both', () => {
    const rows = [
      run('a', '1%', 0, 10, 2 ** 30),
      run('b', '1%', 0, 12, 2 ** 31),
      run('c', '1%', 0, 11, 2 ** 32),
      run('d', '1%', 0, 9, 2 ** 30),
    ];
    const { points } = figureOf(rows, { ...QUESTION, kind: 'pareto', x: 'memory.gpu.expert_cache' });
    // Less memory and more speed: c has more memory than b and less speed, d is a with less speed.
    expect(points.filter(({ front }) => front).map(({ series }) => series)).toEqual(['a', 'b']);
  });

  it('shows what cannot be printed, and XML cannot hold, as an escape', () => {
    const svg = drawFigures([figureOf([run('a\u0000b\u001b[31m', '25%', 0, 1)], QUESTION)]);
    expect(svg).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    expect(svg).toContain('a\\u{0}b\\u{1b}[31m');
  });

  it('refuses what no run has', () => {
    expect(() => figureOf(ROWS, { ...QUESTION, x: 'memory.expertCach' })).toThrow(
      'memory.expertCach: no run has it; did you mean "memory.expertCache" or "memory.gpu.expert_cache"?',
    );
    expect(() => figureOf(ROWS, { ...QUESTION, y: 'latency.ttft.p50' })).toThrow('--y latency.ttft.p50: no run has it');
    expect(() => figureOf(ROWS, { ...QUESTION, kind: 'pareto', x: 'system' })).toThrow('a Pareto front needs figures on both axes');
  });
});

describe('a Pareto front', () => {
  it('is what comparing all points gives, with ties, in every panel', () => {
    const small = fc.integer({ min: 0, max: 4 });
    const world = fc.array(fc.record({ rate: small, speed: small, trace: fc.constantFrom('a', 'b') }), { minLength: 1, maxLength: 24 });
    fc.assert(
      fc.property(world, (drawn) => {
        const rows = drawn.map(({ rate, speed, trace }, at) => ({
          ...ROWS[0]!,
          key: { ...ROWS[0]!.key, trace, seed: at },
          metrics: { 'cache.hit_rate': rate / 4, 'speed.decode': speed },
        }));
        const question = { ...QUESTION, kind: 'pareto', x: 'cache.hit_rate', y: 'speed.decode', series: 'seed', facet: 'trace' } as const;
        const { points } = figureOf(rows, question);
        const beats = (a: (typeof points)[number], b: (typeof points)[number]): boolean =>
          a.facet === b.facet && Number(a.x) >= Number(b.x) && a.y >= b.y && (Number(a.x) > Number(b.x) || a.y > b.y);
        for (const point of points) expect(point.front).toBe(!points.some((other) => beats(other, point)));
      }),
      { numRuns: cases(300) },
    );
  });
});

describe('a drawing', () => {
  it.each(FIGURE_KINDS)('of kind %s is SVG of the asked width, every name in it as text', (kind) => {
    const rows = [...ROWS, run('lru', '10%', 2, 5), run('fiddler', '25%', 2, 7)];
    const x = kind === 'pareto' ? 'memory.gpu.expert_cache' : 'memory.expertCache';
    const question = { ...QUESTION, kind, x, ...(kind === 'rank' ? {} : { facet: 'trace' }) };
    const svg = drawFigures([figureOf(rows, question)]);
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" width="90mm" viewBox="0 0 340\.16 [\d.]+"/);
    for (const name of ['lru', 'fiddler', 'speed.decode', ...(kind === 'rank' ? [] : ['code', 'a&lt;b&amp;c'])])
      expect(svg).toContain(name);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    // Tags that match, and nothing that runs or loads.
    const stack: string[] = [];
    for (const [, closing, name, rest] of svg.matchAll(/<(\/?)([a-z]+)((?:"[^"]*"|[^">])*)>/gi)) {
      if (closing === '/') expect(stack.pop()).toBe(name);
      else if (!rest!.endsWith('/')) stack.push(name!);
    }
    expect(stack).toEqual([]);
    expect(svg).not.toMatch(/<script|href=|url\(|@import/);
    // The same bytes again.
    expect(drawFigures([figureOf(rows, question)])).toBe(svg);
  });
});
