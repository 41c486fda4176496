// What becomes of a miss, as it is written: words, rules and lists, and what is told of those that cannot be.
import { describe, expect, it } from 'vitest';
import { asWritten } from '../../src/base/written.js';
import { checkValue } from '../../src/base/yaml.js';
import { simulate } from '../../src/engine/simulate.js';
import { anyMiss, inRange, isWord, missRules } from '../../src/system/miss-rules.js';

const read = (given: unknown) => checkValue(given, 'onMiss', missRules);
const mistake = (given: unknown): string => {
  try {
    read(given);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('nothing was wrong');
};

describe('rules of misses', () => {
  it('take a word for one rule that always holds', () => {
    const cpu = read('cpu');
    expect(cpu.rules).toEqual([{ do: 'cpu', admit: 'never', after: 1, copyBytes: 1, defer: 0, when: null }]);
    expect([isWord(cpu, 'cpu'), isWord(cpu, 'load'), anyMiss(cpu, 'cpu', 'cheaper'), anyMiss(cpu, 'load')]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(asWritten({ onMiss: cpu })).toEqual({ onMiss: 'cpu' });
    expect(asWritten(read({ do: 'load' }))).toBe('load');
  });

  it('say action and admission where a word does not, and can be read again', () => {
    const given = [
      { do: 'load', when: { phase: 'prefill', tokens: '>=8', pass: { min: 2, max: 64 } } },
      { do: 'static', when: { tokens: 3 } },
      { do: 'skip', when: { misses: '>1' } },
      { do: 'low-precision', copyBytes: 0.5, when: { gate: '>0.6' } },
      { do: 'skip', when: { gate: { by: 'weights', share: '>0.9' } } },
      'substitute',
      { do: 'cpu', admit: 'background', after: 2 },
    ];
    const rules = read(given);
    expect(asWritten(rules)).toEqual([
      { do: 'load', admit: 'policy', when: { phase: 'prefill', tokens: { min: 8 }, pass: { min: 2, max: 64 } } },
      { do: 'static', admit: 'never', when: { tokens: 3 } },
      { do: 'skip', admit: 'never', when: { misses: '>1' } },
      { do: 'low-precision', admit: 'never', copyBytes: 0.5, when: { gate: { by: 'known', share: '>0.6' } } },
      { do: 'skip', admit: 'never', when: { gate: { by: 'weights', share: '>0.9' } } },
      'substitute',
      { do: 'cpu', admit: 'background', after: 2 },
    ]);
    expect(read(asWritten(rules))).toEqual(rules);
    expect(isWord(read({ do: 'cpu', admit: 'background' }), 'cpu')).toBe(false);
  });

  it('know which numbers are in a range', () => {
    const within = (tokens: unknown): boolean[] => {
      const { rules } = read([{ do: 'load', when: { tokens } }, 'cpu']);
      return [7, 8, 9].map((value) => inRange(rules[0]!.when!.tokens!, value));
    };
    expect(within('>=8')).toEqual([false, true, true]);
    expect(within('> 8')).toEqual([false, false, true]);
    expect(within('<=8')).toEqual([true, true, false]);
    expect(within('<8')).toEqual([true, false, false]);
    expect(within(8)).toEqual([false, true, false]);
    expect(within({ min: 8 })).toEqual([false, true, true]);
  });

  it.each([
    [{ do: 'load', admit: 'never' }, /onMiss: admit: a load that is never kept is do: static/],
    [{ do: 'load', admit: 'background' }, /admit: load has the expert on the GPU already; take policy or always/],
    [{ do: 'cpu', admit: 'policy' }, /admit: cpu leaves the expert where it lies; take background, or leave admit out/],
    [{ do: 'static', admit: 'always' }, /admit: static keeps nothing of what it streams; take do: load/],
    [{ do: 'cpu', after: 2 }, /after: counts misses until a promotion; take admit: background/],
    [{ do: 'cpu', when: { phase: 'decode' } }, /the last rule must always hold; leave its when out, or add load/],
    [{ do: 'cheaper', defer: 1 }, /defer: is of what the CPU computes; take do: cpu, or leave it out/],
    [{ do: 'cpu', by: 'rate' }, /by: is how cheaper compares; take do: cheaper, or leave it out/],
    [{ do: 'cpu', copyBytes: 0.5 }, /copyBytes: is of low-precision copies; leave it out/],
    ['substitute', /substitute may find no resident expert; add what is done then, such as load/],
    [['cpu', 'load'], /holds always, so that no rule behind it is reached; give it a when/],
  ])('refuse %j', (given, message) => {
    expect(mistake(given)).toMatch(message);
  });
});

describe('a cache that nothing can enter', () => {
  const run = (policy: string, onMiss: unknown, system = {}, expertCache = '25%') =>
    simulate({
      model: 'mini-finegrained-64x12l',
      hardware: 'rtx-3060+ryzen-9-7950x+2xddr5-6000+64GB',
      system: { name: 'mine', cache: { policy }, onMiss, ...system },
      memory: { expertCache },
      workload: { tokens: 64, prompt: 8, output: 8 },
    });

  it('is refused with the remedy in one line', async () => {
    await expect(run('lfu-decay', 'cpu')).rejects.toThrow(
      /system\.onMiss: no expert ever enters the cache: lfu-decay begins with an empty one, and no miss is admitted; say system\.onMiss='\{ do: cpu, admit: background \}'/,
    );
    await expect(run('lru', 'static')).rejects.toThrow(/no expert ever enters the cache/);
    await expect(run('static:by=layer,preload=off', 'cpu')).rejects.toThrow(/no expert ever enters the cache/);
    await expect(run('static:by=layer', { do: 'cpu', admit: 'background' })).rejects.toThrow(
      /a static placement never changes; take lfu-decay/,
    );
  });

  it('is not one that is filled before the run, by predictions or in the background, or has no room', async () => {
    expect((await run('static:by=layer', 'cpu')).metrics['cache.hit_rate']!.value).toBeGreaterThan(0);
    expect((await run('lru', 'cpu', { predictor: 'transition' })).metrics['cache.hit_rate']!.value).toBeGreaterThan(0);
    expect((await run('lru', 'cpu', {}, '0%')).metrics['cache.hit_rate']!.value).toBe(0);
    const promoted = await run('lfu-decay', { do: 'cpu', admit: 'background' });
    expect(promoted.metrics['cache.hit_rate']!.value).toBeGreaterThan(0);
    expect(promoted.metrics['prefetch.promoted']!.value).toBe(promoted.metrics['transfer.prefetch.count']!.value);
    expect(promoted.metrics['transfer.on_demand.count']!.value).toBe(0);
  });
});
