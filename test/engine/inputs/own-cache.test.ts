// What llama.cpp's own cache takes: a wait for the ids at each cached layer, the bytes of misses over a pinned or a mapped copy, a launch a copy.
import { describe, expect, it } from 'vitest';
import { unmapped } from '../../../src/advise/what-if.js';
import { isPinned, pinnedFor } from '../../../src/engine/inputs/inputs.js';
import { simulateRun } from '../../../src/engine/simulate.js';
import { loadRuntime } from '../../../src/hardware/runtime.js';
import type { HardwareSpec } from '../../../src/hardware/spec.js';
import { loadHardware } from '../../../src/runtime/machine.js';
import { checkRun } from '../../../src/system/load-run.js';

const MODEL = 'qwen3-30b-a3b';
const LAYERS = 48;
const run = async (set: Readonly<Record<string, unknown>> = {}, cache = '1GiB', tokens = 24) => {
  const given = { model: MODEL, hardware: 'rtx-4080+ryzen-9-9950x+64GB+pcie4x16', runtime: 'llama.cpp', system: 'llama.cpp-cache' };
  const input = {
    ...given,
    workload: { prompt: 1, output: tokens, tokens: tokens + 1 },
    memory: { expertCache: cache },
    bounds: false,
    audit: 'off',
  };
  const overrides = Object.entries(set).map(([path, value]) => ({ path: path.split('.'), value, label: path }));
  const { metrics } = await simulateRun(checkRun(input, 'own cache', overrides));
  const of = (name: keyof typeof metrics): number => metrics[name]!.value;
  return {
    total: of('time.total'),
    misses: of('cache.misses'),
    hits: of('cache.hits'),
    bytes: of('transfer.on_demand.bytes'),
    stall: of('time.stall'),
  };
};

describe('the price of a cached layer', { timeout: 60_000 }, () => {
  it('has the wait for its ids once an event, of cached layers alone', async () => {
    const [none, all] = [await run({ 'runtime.cache.readBack': '0us' }), await run({ 'runtime.cache.readBack': '1ms' })];
    // 25 passes of a token each, that of the prompt among them.
    expect((all.total - none.total) / 1e6).toBeCloseTo(25 * LAYERS, 6);
    const part = { 'system.cache.policy': 'llama-moe-cache:cpuLayers=20' };
    const [some, few] = [await run({ ...part, 'runtime.cache.readBack': '0us' }), await run({ ...part, 'runtime.cache.readBack': '1ms' })];
    expect((few.total - some.total) / 1e6).toBeCloseTo(25 * 20, 6);
    // Later layers have no misses: 28 x 8 choices of each token hit.
    expect(some.hits).toBeGreaterThanOrEqual(24 * 28 * 8);
  });

  it('has neither in a pass of more than 32 tokens, whose copies are as all copies', async () => {
    const input = { model: MODEL, hardware: 'rtx-4080+ryzen-9-9950x+64GB', runtime: 'llama.cpp', bounds: false, audit: 'off' };
    const ttft = async (prompt: number, price: string, system = 'llama.cpp-cache'): Promise<number> => {
      const spec = { ...input, system, workload: { prompt, output: 1, tokens: prompt + 1 }, memory: { expertCache: '0%' } };
      const set = (['readBack', 'launch'] as const).map((name) => ({ path: ['runtime', 'cache', name], value: price, label: name }));
      const { metrics } = await simulateRun(checkRun(spec, 'prompt', set));
      return metrics['latency.ttft.mean']!.value;
    };
    expect(((await ttft(32, '1ms')) - (await ttft(32, '0us'))) / 1e6).toBeGreaterThan(LAYERS);
    expect(await ttft(33, '1us')).toBeCloseTo(await ttft(33, '0us'), 3);
    // As a plain cache, whose misses are copies of pinned memory, too.
    expect(await ttft(256, '1us')).toBeCloseTo(await ttft(256, '1us', 'on-demand-lru'), 3);
  });

  it('has three launches a miss', async () => {
    const [none, more] = [await run({ 'runtime.cache.launch': '0us' }, '0%'), await run({ 'runtime.cache.launch': '10us' }, '0%')];
    expect((more.total - none.total) / 1e3).toBeCloseTo(30 * none.misses, 3);
  });

  it('has the bytes of a miss at the rate of pinned or of mapped copies', async () => {
    const bare = { 'runtime.cache.launch': '0us', 'runtime.cache.readBack': '0us' };
    const [pinned, mapped] = [await run(bare, '0%'), await run({ ...bare, 'runtime.cache.pinned': 'off' }, '0%')];
    // All experts wait for the last copy: 25 tokens of 384 experts at 9.1 GB/s; pinned .97 of the link.
    expect(mapped.stall).toBeCloseTo((mapped.bytes / 9.1e9) * 1e9, -3);
    expect(pinned.bytes).toBe(mapped.bytes);
    const rate = pinned.bytes / (pinned.stall / 1e9);
    expect(rate).toBeGreaterThan(24e9);
    expect(rate).toBeLessThan(25e9);
  });
});

describe('memory that is pinned', () => {
  const machine = (system: 'linux' | 'windows'): HardwareSpec =>
    loadHardware(`${system === 'windows' ? 'windows+' : ''}rtx-4080+ryzen-9-9950x+64GB`, undefined, [], loadRuntime('llama.cpp'));
  const isOf = (spec: HardwareSpec, gib: number): boolean => isPinned(spec, spec.software!.cache!, gib * 2 ** 30);

  it('is at most half of all under Windows, all under Linux, and none if the file is mapped', () => {
    expect([machine('windows'), machine('linux')].map((spec) => [20, 40].map((gib) => isOf(spec, gib)))).toEqual([
      [true, false],
      [true, true],
    ]);
    const { cache } = checkRun({ model: MODEL, hardware: 'rtx-4080+64GB', system: 'llama.cpp-cache' }, 'run').system;
    const rateOf = (spec: HardwareSpec, gib: number): number => pinnedFor({ cache } as never, spec, gib * 2 ** 30).links[0]!.bandwidth;
    expect(rateOf(machine('windows'), 40)).toBeCloseTo(9.1e9, -3);
    expect(rateOf(machine('windows'), 20)).toBeCloseTo(rateOf(machine('linux'), 40), -3);
    // Whoever pins all weights has pinned those of the cache: nothing is pinned twice.
    expect(rateOf(unmapped(machine('linux')), 40)).toBeCloseTo(rateOf(machine('linux'), 40), -3);
    expect(unmapped(machine('linux')).links[0]!.bandwidth).toBeCloseTo(rateOf(machine('linux'), 40), -3);
    expect(rateOf(unmapped(machine('windows')), 40)).toBeCloseTo(9.1e9, -3);
  });
});

it('a runtime with a cache names all of its prices', async () => {
  await expect(run({ 'runtime.cache.readBack': '-1us' })).rejects.toThrow(/cache\.readBack/);
});
