// A cache is advised only if its band lies above the fixed placement, by rows of its backend.
import { describe, expect, it } from 'vitest';
import { adviceFor } from '../../src/advise/answer.js';
import { adviceDocument } from '../../src/advise/report.js';

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

  it('is never first without a measured row of its backend, however fast', async () => {
    const { beside, cache, first } = await advised('gpt-oss-120b', 'rx-9070-xt+ryzen-9-7950x+64GB', { runtime: 'llama.cpp-vulkan' });
    expect([cache, first, beside.verdict, beside.rows]).toEqual([null, null, 'unmeasured', null]);
    expect(beside.ratio).toBeGreaterThan(1.5);
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
