// A cache is advised only if its band lies above the fixed placement, by rows of its backend.
import { describe, expect, it } from 'vitest';
import { adviceFor } from '../../src/advise/answer.js';
import { adviceDocument } from '../../src/advise/report.js';
import { loadRuntime } from '../../src/hardware/runtime.js';
import { loadModel } from '../../src/model/load/load.js';
import { llamaCppRuntime } from '../../src/runtime/llama.cpp/index.js';
import { loadHardware } from '../../src/runtime/machine.js';

const advised = async (model: string, machine: string, wishes: Parameters<typeof adviceFor>[2] = {}) => {
  const advice = await adviceFor(model, machine, wishes);
  const compared = advice.strategies.find(({ beside }) => beside !== undefined)?.beside;
  return { advice, cache: advice.answer!.setting.cache, first: advice.strategies[0]?.setting.cache, beside: compared! };
};

describe('an expert cache', { timeout: 60_000 }, () => {
  it('stands first if it is surely faster', async () => {
    const { advice, beside, cache, first } = await advised('qwen3-30b-a3b', 'rtx-3060+ryzen-5-5600+32GB');
    expect([cache, first, beside.verdict, beside.reason]).toEqual(['llama.cpp-cache', 'llama.cpp-cache', 'sure', 'sure']);
    const [fast, fixed] = advice.strategies.map(({ decode }) => decode) as [number, number];
    expect(beside.ratio).toBeCloseTo(fast / fixed, 12);
    expect(beside.low).toBeLessThan(beside.ratio);
    expect(beside.chance).toBeGreaterThan(0.8);
    expect(beside.rows).toMatch(/^\d+ rows .*2026/);
  });

  it('stands second if it may be faster, with both lines', async () => {
    const { advice, beside, cache, first } = await advised('qwen3-next-80b-a3b', 'rtx-4070+ryzen-5-7600+64GB');
    expect([cache, first, beside.verdict]).toEqual([null, null, 'close']);
    expect(beside.ratio).toBeGreaterThan(1);
    expect(beside.low).toBeLessThan(1);
    expect(advice.strategies.map(({ command }) => command.uses.some(([name]) => name === '--moe-cache-mib'))).toEqual([false, true]);
    expect(JSON.stringify(adviceDocument({ advice, explain: false }))).toContain('too close, try both lines');
  });

  it('is never first without a measured row of its backend', async () => {
    const { beside, cache, first } = await advised('qwen3-30b-a3b', 'arc-b580+ryzen-5-5600+2xddr4-2133+64GB');
    expect([cache, first, beside.verdict, beside.rows]).toEqual([null, null, 'unmeasured', null]);
    expect(beside.high).toBeGreaterThan(1);
    expect(beside.reason).toBe('a guess, no row is of llama.cpp-vulkan');
  });

  it('says the price of its misses if it is slower', async () => {
    const { beside, cache } = await advised('gpt-oss-120b', 'rtx-4070+ryzen-9-9950x+2xddr5-6400+64GB+pcie3x4');
    expect([cache, beside.verdict]).toEqual([null, 'slower']);
    expect(beside.reason).toMatch(/^\d+ misses of 12\.\d MiB a token wait \d+\.?\d* ms$/);
  });

  it('is left out at 0 slots', async () => {
    const { advice, cache } = await advised('qwen3-30b-a3b', 'rtx-3060+ryzen-5-5600+32GB', { slots: 0 });
    expect(cache).toBeNull();
    expect(advice.strategies).toEqual([]);
    expect(advice.command!.uses.some(([name]) => name === '--moe-cache-mib')).toBe(false);
  });
});

describe('slots of an expert cache', { timeout: 60_000 }, () => {
  it('are of the first layers where asked, with the others whole on the card', async () => {
    const machine = 'rtx-3090+ryzen-9-5950x+2xddr4-3600+64GB';
    const [part, all] = [
      await advised('qwen3-30b-a3b', machine, { slots: 24, cachedLayers: 40 }),
      await advised('qwen3-30b-a3b', machine, { slots: 24 }),
    ];
    const flag = ({ advice }: typeof part, name: string) => advice.command!.uses.find(([given]) => given === name)?.[1];
    const { expertBytes } = loadModel('qwen3-30b-a3b', part.advice.answer!.setting.quantization).layers[0]!;
    expect(flag(part, '-ncmoe')).toBe(40);
    expect(flag(part, '--moe-cache-mib')).toBe(Math.floor((24 * 40 * expertBytes) / 2 ** 20));
    expect([flag(all, '-ncmoe'), flag(all, '-cmoe')]).toEqual([undefined, null]);
  });

  it('take the buffers of their line without a cache', async () => {
    const { advice } = await advised('qwen3-30b-a3b', 'rtx-3090+ryzen-9-5950x+2xddr4-3600+64GB', { slots: 24 });
    const { setting } = advice.answer!;
    const model = loadModel('qwen3-30b-a3b', setting.quantization);
    const hardware = loadHardware('rtx-3090+ryzen-9-5950x+2xddr4-3600+64GB', undefined, [], loadRuntime('llama.cpp'));
    const [cached, plain] = [setting, { ...setting, cache: null, slots: null }].map(
      (of) => llamaCppRuntime.advised!.memory(model, of, hardware).devices[0]!,
    );
    expect([cached!.compute, cached!.kv]).toEqual([plain!.compute, plain!.kv]);
    expect(cached!.weights - plain!.weights).toBe(24 * 48 * model.layers[0]!.expertBytes);
  });

  it('are refused over layers that there are not, or that an engine cannot leave out', async () => {
    const wishes = (slots: number, cachedLayers: number, runtime?: string) => ({ slots, cachedLayers, ...(runtime && { runtime }) });
    const refused = (given: ReturnType<typeof wishes>) => adviceFor('qwen3-30b-a3b', 'rtx-3090+ryzen-9-5950x+64GB', given);
    await expect(refused(wishes(24, 49))).rejects.toThrow(
      '--slots 24x49: qwen3-30b-a3b has 48 layers with experts; give 1 to 48 behind the x',
    );
    await expect(refused(wishes(24, 0))).rejects.toThrow('give 1 to 48 behind the x');
    await expect(refused(wishes(0, 3))).rejects.toThrow('--slots 0x3: no cache is of no part of the layers; give 0 alone');
    await expect(refused(wishes(24, 20, 'freetoken'))).rejects.toThrow('the cache of freetoken is of no part of the layers; give 24 alone');
  });
});
