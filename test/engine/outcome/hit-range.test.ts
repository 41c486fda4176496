// The range of a hit rate of drawn routing, and the word where routing is flat.
import { describe, expect, it } from 'vitest';
import { HIT_ERRORS, hitRangeOf } from '../../../src/engine/outcome/hit-range.js';
import { simulate } from '../../../src/index.js';
import { factsOf } from '../../../src/report/summary/facts.js';
import { checkedResult } from '../../../src/result/read.js';

const run = (input: Parameters<typeof simulate>[0]) =>
  simulate({ bounds: false, hardware: 'rtx-4090', system: 'on-demand-lru', memory: { expertCache: '25%' }, ...input });

/** The range for a run of so many hits of 100. */
function rangeOf(hits: number, routing: 'prior' | 'profile' | undefined) {
  return hitRangeOf(hits / 100, routing).hitRange ?? null;
}

describe('the range of a hit rate', () => {
  it('is so much of an angle away: sin(pi/4 + e)^2 = (1 + sin 2e) / 2 at a half', () => {
    const { high, low, models } = HIT_ERRORS.prior;
    const range = rangeOf(50, 'prior')!;
    expect(range.low).toBeCloseTo((1 + Math.sin(2 * low)) / 2, 12);
    expect(range.high).toBeCloseTo((1 + Math.sin(2 * high)) / 2, 12);
    expect([range.models, range.routing]).toEqual([models, 'prior']);
  });

  it('stays within 0 and 1, and is absent where nothing or all hits, or the routing is known', () => {
    expect(rangeOf(99.9, 'prior')!.high).toBe(1);
    expect(rangeOf(0.1, 'prior')!.low).toBe(0);
    expect([rangeOf(0, 'prior'), rangeOf(100, 'prior'), rangeOf(50, undefined)]).toEqual([null, null, null]);
  });

  it('holds the rate, and is narrower for a profile with routing of its own', () => {
    const width = (routing: 'prior' | 'profile') => rangeOf(60, routing)!.high - rangeOf(60, routing)!.low;
    expect(width('profile')).toBeLessThan(width('prior'));
    expect(rangeOf(60, 'profile')!.low).toBeLessThan(0.6);
    expect(rangeOf(60, 'profile')!.high).toBeGreaterThan(0.6);
  });

  it('of a run: by the prior where its model has no routing, by the profile where it has, absent where the user sets it', async () => {
    const [biased, shape] = await Promise.all(
      ['minimax-m2.5', 'llama-4-scout'].map((model) => run({ model, workload: { tokens: 24, prompt: 8, output: 16 } })),
    );
    expect([biased!.hitRange!.routing, shape!.hitRange!.routing]).toEqual(['bias', 'shape']);
    const prior = await run({ model: 'mixtral-8x22b', workload: { tokens: 24, prompt: 8, output: 16 } });
    expect(prior.hitRange!.routing).toBe('prior');
    const rate = prior.metrics['cache.hit_rate']!.value;
    expect(prior.hitRange!.low < rate && rate < prior.hitRange!.high).toBe(true);
    const text = new Map(factsOf(prior)).get('hits')!;
    expect(text).toMatch(/^\d+ to \d+ % hits for 80 % of published figures \(27 models\); its profile has no routing/);
    expect(checkedResult(JSON.parse(JSON.stringify(prior)), 'x').hitRange).toEqual(prior.hitRange);
    const own = await run({ model: 'olmoe-1b-7b', workload: { tokens: 24, prompt: 8, output: 16 } });
    expect(own.hitRange!.routing).toBe('profile');
    expect(new Map(factsOf(own)).get('hits')).toContain('its profile has routing of its own');
    const recorded = await run({ trace: 'mini-mixtral-8x8l', model: 'mini-mixtral-8x8l' });
    expect(recorded.hitRange).toBeUndefined();
    expect(new Map(factsOf(recorded)).get('hits')).toBeUndefined();
  });
});

describe('flat routing', () => {
  const codesOf = async (input: Parameters<typeof simulate>[0]) => {
    const { warnings } = await run({ model: 'olmoe-1b-7b', workload: { tokens: 400, prompt: 40, output: 360 }, ...input });
    return warnings.map(({ code }) => code);
  };

  it('is said where a cache hits what it holds, and not where tokens repeat their experts', async () => {
    expect(await codesOf({ variants: ['random'] })).toContain('flat-routing');
    expect(await codesOf({})).not.toContain('flat-routing');
  });

  it('is not said of whole layers, which hit whatever the routing, nor of a cache that holds all', async () => {
    const system = { name: 's', cache: { policy: 'static:by=layer' }, onMiss: 'cpu' };
    expect(await codesOf({ variants: ['random'], system })).not.toContain('flat-routing');
    expect(await codesOf({ variants: ['random'], memory: { expertCache: '100%' } })).not.toContain('flat-routing');
  });
});
