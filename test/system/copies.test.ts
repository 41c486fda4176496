// Low-precision copies that stay, as a system says it, and what is told of those that make no sense.
import { describe, expect, it } from 'vitest';
import { asWritten } from '../../src/base/written.js';
import { simulate } from '../../src/engine/simulate.js';
import { copyShare } from '../../src/system/copies.js';
import { checkRun } from '../../src/system/load-run.js';

const low = { do: 'low-precision', copyBytes: 0.5, when: { gate: '>0.4' } };
const read = (copies: unknown, parts: Readonly<Record<string, unknown>> = {}) => {
  const { cache = {}, ...others } = parts;
  const { workload, ...system } = { name: 'test', cache: { copies, ...(cache as object) }, onMiss: [low, 'load'], workload: {}, ...others };
  return checkRun({ system, workload }, 'test').system;
};

describe('cache.copies', () => {
  it('has a share, and may have a policy and a scope; a copy is as large as its rule says', () => {
    const system = read({ share: 0.2 });
    expect(asWritten(system.cache.copies)).toEqual({ share: 0.2, policy: 'lru', additive: false });
    expect(copyShare(system.onMiss)).toBe(0.5);
    const own = read({ share: 0.5, policy: 'lfu-decay:hysteresis=0.25', scope: 'layer', additive: 'on' });
    expect(asWritten(own.cache.copies)).toEqual({ share: 0.5, policy: 'lfu-decay:hysteresis=0.25', scope: 'layer', additive: true });
  });

  const other = { do: 'low-precision', copyBytes: 0.25, when: { gate: '>0.6' } };
  it.each([
    [{ onMiss: 'load' }, {}, /cache\.copies: keeps copies that no rule of onMiss makes; add one with do: low-precision, or leave it out/],
    [{ onMiss: [other, low, 'load'] }, {}, /rules and classes make some of 0\.25 and 0\.5; give all one/],
    [{ workload: { classes: { chat: { budget: 'copy=0.25' } } } }, {}, /rules and classes make some of 0\.25 and 0\.5; give all one/],
    [{ onMiss: { do: 'low-precision', copyBytes: 1 } }, {}, /as large as their experts, which saves nothing; take a smaller copyBytes/],
    [{ cache: { exclusive: 'on' } }, { additive: 'on' }, /exclusive tiers move it whole; turn one of them off/],
    [{ predictor: 'transition' }, { additive: 'on' }, /comes whole; take predictor: none and no admit: background, or additive: off/],
    [{ onMiss: [{ ...low, admit: 'background' }, 'load'] }, { additive: 'on' }, /what is prefetched or promoted comes whole/],
    [{}, { share: 1 }, /cache\.copies\.share/],
    [{}, { policy: 'lruu' }, /lru/],
  ])('%j with %j is told in one line', (parts, copies, message) => {
    let told = '';
    try {
      read({ share: 0.2, ...copies }, parts);
    } catch (error) {
      told = (error as Error).message;
    }
    expect(told).toMatch(message);
    expect(told).not.toContain('\n');
  });

  it('takes no policy that knows the future', async () => {
    const system = { name: 'test', cache: { copies: { share: 0.2, policy: 'belady' } }, onMiss: [low, 'load'] };
    const run = simulate({ trace: 'mini-mixtral-8x8l', hardware: 't4', system, memory: { expertCache: '25%' }, workload: { tokens: 8 } });
    await expect(run).rejects.toThrow(/system\.cache\.copies\.policy: which copies are asked for depends on the cache/);
  });
});

describe('a run whose copies stay', () => {
  const run = (copies: unknown, expertCache: string) =>
    simulate({
      trace: 'mini-mixtral-8x8l',
      hardware: 't4',
      system: { name: 'test', cache: copies === undefined ? {} : { copies }, onMiss: [low, 'load'] },
      memory: { expertCache },
      workload: { tokens: 200 },
    });

  it('says what copies have and do, and moves less than one that streams them', async () => {
    const [kept, streamed] = [(await run({ share: 0.25 }, '50%')).metrics, (await run(undefined, '50%')).metrics];
    const of = (name: string): number => kept[name]!.value;
    expect(of('memory.gpu.copies')).toBe(Math.floor(0.25 * of('memory.gpu.expert_cache')));
    expect(of('memory.gpu.expert_cache')).toBe(streamed['memory.gpu.expert_cache']!.value);
    expect(of('cache.copy_hits')).toBeGreaterThan(0);
    expect(of('transfer.copies.count')).toBeGreaterThan(0);
    expect(of('cache.misses')).toBe(of('cache.copy_hits') + of('transfer.on_demand.count'));
    // Fewer whole experts, and every second choice costs nothing once its copy is there.
    expect(of('cache.hit_rate')).toBeLessThan(streamed['cache.hit_rate']!.value);
    expect(Object.keys(streamed).filter((name) => /copies|copy/.test(name))).toEqual([]);
  });

  it('keeps none where every expert fits whole', async () => {
    const { metrics } = await run({ share: 0.25 }, '100%');
    expect(metrics['memory.gpu.copies']!.value).toBe(0);
    expect(metrics['cache.copy_hits']!.value).toBe(0);
  });
});
