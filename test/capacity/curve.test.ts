// Whole curves, in this thread, on the bundled routing of a small model.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findProfile } from '../../src/base/profiles.js';
import { parsePolicy } from '../../src/cache/policies/index.js';
import { type CurveOptions, drawCurve } from '../../src/capacity/curve.js';
import type { Curve } from '../../src/capacity/curve-result.js';
import { curveReports } from '../../src/capacity/report.js';
import { splitPolicies } from '../../src/cli/curve.js';
import { HIT_ERRORS } from '../../src/engine/outcome/hit-range.js';
import { loadModel } from '../../src/model/load/load.js';
import { expertBytesTotal, type ModelSpec, tokenCycleBytes } from '../../src/model/spec.js';
import { openTrace } from '../../src/trace/open/open.js';
import type { RoutingTrace } from '../../src/trace/trace.js';

let model: ModelSpec;
let trace: RoutingTrace;
let options: CurveOptions;
beforeAll(async () => {
  model = loadModel('mini-mixtral-8x8l', null);
  trace = await openTrace(findProfile('traces', 'mini-mixtral-8x8l'), { model });
  const all = expertBytesTotal(model);
  options = {
    model,
    trace,
    policies: ['lru', 'lfu', 'belady'].map(parsePolicy),
    folder: '.',
    capacities: [0.1, 0.25, 0.5, 0.75, 1].map((share) => Math.round(share * all)),
    scope: 'global',
    replay: 'atomic',
    quotas: 'even',
    tokens: Math.min(trace.tokens, 2000),
    warmup: 0,
    seed: 1,
    popularity: null,
    at: null,
    threads: 0,
  };
});
afterAll(() => trace.close());

const rates = (curve: Curve, policy: string) => curve.policies.find((one) => one.policy === policy)!.points.map((point) => point.hitRate);

describe('drawCurve', () => {
  it('L15: below the token cycle LRU hits nothing, and the curve says why', async () => {
    // 16 of 64 experts are touched by a token; a tenth is 6.
    const curve = await drawCurve({ ...options, at: 0.1 * expertBytesTotal(model), policies: ['lru', 'belady'].map(parsePolicy) });
    expect(curve.capacities[0]).toBeLessThan(tokenCycleBytes(model));
    expect(rates(curve, 'lru')[0]).toBe(0);
    expect(rates(curve, 'belady')[0]).toBeGreaterThan(0.1);
    expect(curve.verdict).toMatchObject({ at: 0, policy: 'lru' });
    expect(curve.warnings[0]).toMatchObject({ code: 'below-token-cycle' });
    expect(curve.warnings[0]!.message).toContain('every token walks past more experts than fit');
    expect(curve.warnings[0]!.message).toContain(' lru hits nothing there.');
    expect((await drawCurve({ ...options, scope: 'layer', policies: ['lru'].map(parsePolicy) })).warnings).toMatchObject([
      { code: 'event-does-not-fit' },
    ]);
  });

  it('counts conserve: hits, misses inserted and misses streamed make the demand', async () => {
    const curve = await drawCurve(options);
    for (const { points } of curve.policies) {
      for (const point of points) {
        expect(point.hits + point.insertions + point.streamed).toBe(curve.demand.demanded);
        expect(point.churn).toBeCloseTo((point.insertions + point.evictions) / curve.demand.tokens, 12);
      }
      expect(points.at(-1)!.hits).toBe(curve.demand.demanded - curve.demand.compulsory);
    }
    expect(rates(curve, 'belady').every((rate, c) => rate >= rates(curve, 'lru')[c]! && rate >= rates(curve, 'lfu')[c]!)).toBe(true);
  });

  it('gives the same points for a policy whatever it is drawn with, and after a warm-up fewer compulsory misses', async () => {
    const alone = await drawCurve({ ...options, policies: ['lfu'].map(parsePolicy) });
    const together = await drawCurve(options);
    expect(alone.policies[0]).toEqual(together.policies[1]);
    const warm = await drawCurve({ ...options, warmup: 500 });
    expect(warm.demand.tokens).toBe(options.tokens - 500);
    expect(warm.demand.compulsory).toBeLessThan(together.demand.compulsory);
  });

  it('optimal quotas gain over even ones, and each split fits', async () => {
    const even = await drawCurve({ ...options, scope: 'layer' });
    const optimal = await drawCurve({ ...options, scope: 'layer', quotas: 'optimal' });
    const proportional = await drawCurve({ ...options, scope: 'layer', quotas: 'proportional' });
    for (const curve of [optimal, proportional]) {
      for (const { policy, points, splits, gains } of curve.policies) {
        for (const [c, split] of splits!.entries()) {
          expect(split.reduce((bytes, slots, l) => bytes + slots * model.layers[l]!.expertBytes, 0)).toBeLessThanOrEqual(
            curve.capacities[c]!,
          );
          expect(points[c]!.hitRate - gains![c]!).toBeCloseTo(rates(even, policy)[c]!, 12);
          if (curve === optimal) expect(gains![c]!).toBeGreaterThanOrEqual(0);
        }
      }
    }
    expect(optimal.policies[0]!.gains!.some((gain) => gain > 0.005)).toBe(true);
  });
});

describe('the work of drawCurve', () => {
  it('reports all of its work as it goes', async () => {
    const seen: number[] = [];
    const totals = new Set<number>();
    const progress = (done: number, total: number): void => {
      seen.push(done);
      totals.add(total);
    };
    await drawCurve(options, { progress });
    const total = 3 * 5 * options.tokens;
    expect([...totals]).toEqual([total]);
    expect(seen.at(-1)).toBe(total);
    expect(seen.every((done, i) => i === 0 || done >= seen[i - 1]!)).toBe(true);
  });

  it('refuses a policy that needs what nobody gives', async () => {
    await expect(drawCurve({ ...options, policies: ['static'].map(parsePolicy) })).rejects.toThrow('needs the popularity');
  });
});

describe('reports of a curve', () => {
  const report = (name: string) => curveReports.filter((format) => 'render' in format).find((format) => format.name === name)!;

  it.each([true, false])('the table has at most 80 columns and no control characters (unicode: %s)', async (unicode) => {
    const curve = await drawCurve({
      ...options,
      policies: ['lru', 's3-fifo:small=0.2', 'lfu-resident', 'random', 'belady-window:window=4'].map(parsePolicy),
    });
    for (const verbose of [true, false]) {
      const text = report('table').render(curve, { color: false, width: 200, unicode, verbose });
      for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
      expect(text).not.toMatch(/\u001b/);
      if (!unicode) expect(text).toMatch(/^[\x20-\x7e\n]*$/);
      expect(text).toContain('token cycle');
      expect(text).toContain('knee of');
      expect(text).toContain(curve.verdict!.sentence.split(' ')[0]);
    }
  });

  it('CSV has a row per policy and capacity, JSON everything, Markdown the verdict', async () => {
    const curve = await drawCurve({ ...options, scope: 'layer', quotas: 'optimal' });
    const plain = { color: false, width: 80, unicode: true, verbose: false };
    const rows = report('csv').render(curve, plain).trim().split('\n');
    expect(rows).toHaveLength(1 + 3 * 5);
    expect(rows[1]!.split(',')).toHaveLength(rows[0]!.split(',').length);
    expect(JSON.parse(report('json').render(curve, plain))).toEqual(JSON.parse(JSON.stringify(curve)));
    expect(report('markdown').render(curve, plain)).toContain(`**${curve.verdict!.sentence}**`);
    expect(report('table').render(curve, plain)).toContain('optimal quotas at');
  });
});

describe('hit rates of drawn routing', () => {
  const plain = { color: false, width: 80, unicode: true, verbose: false };

  it('have a range at each capacity that has hits and misses, but for policies with foresight', async () => {
    const drawn = await drawCurve({ ...options, routing: 'prior' });
    for (const { foresight, points } of drawn.policies) {
      for (const { hitRange, hitRate } of points) {
        expect(hitRange !== undefined, `${hitRate}`).toBe(!foresight && hitRate > 0 && hitRate < 1);
        // At a rate r the lower end is sin^2(arcsin(sqrt r) + e), below r; the upper one above.
        if (hitRange !== undefined) expect(hitRange.low < hitRate && hitRate < hitRange.high).toBe(true);
      }
    }
    const middle = drawn.policies[0]!.points.find(({ hitRange }) => hitRange !== undefined)!;
    expect(middle.hitRange).toMatchObject({ models: HIT_ERRORS.prior.models, routing: 'prior' });
    expect(middle.hitRange!.low).toBeCloseTo(Math.sin(Math.asin(Math.sqrt(middle.hitRate)) + HIT_ERRORS.prior.low) ** 2, 11);
    expect({ ...drawn, policies: [] }).toEqual({ ...(await drawCurve(options)), policies: [] });
  });

  it('show it in both tables and in CSV, with where it is from', async () => {
    const drawn = await drawCurve({ ...options, routing: 'profile' });
    const report = (name: string) => curveReports.filter((format) => 'render' in format).find((format) => format.name === name)!;
    const text = report('table').render(drawn, plain);
    expect(text.match(/\d \(\d+-\d+\)/g)!.length).toBeGreaterThan(4);
    expect(text).toMatch(/lru +\d+\.\d % \(\d+-\d+\)/);
    expect(text.replace(/\s+/g, ' ')).toContain('80 % of published figures (8 models); its profile has routing of its own');
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    const [head, ...rows] = report('csv').render(drawn, plain).trim().split('\n');
    const low = head!.split(',').indexOf('hit_rate_low');
    expect(rows.filter((row) => row.split(',')[low] !== '')).toHaveLength(
      drawn.policies.flatMap(({ points }) => points.filter(({ hitRange }) => hitRange !== undefined)).length,
    );
    expect(report('table').render(await drawCurve(options), plain)).not.toMatch(/published figures|\(\d+-\d+\)/);
  });
});

describe('splitPolicies', () => {
  it('keeps the parameters of a policy together', () => {
    expect(splitPolicies('lru, s3-fifo:small=0.2,ghost=1,./mine.mjs:rate=2,belady')).toEqual([
      'lru',
      's3-fifo:small=0.2,ghost=1',
      './mine.mjs:rate=2',
      'belady',
    ]);
  });

  it.each(['', ' , ', 'lru,lru'])('refuses %j', (text) => {
    expect(() => splitPolicies(text)).toThrow('--policies');
  });
});
