// Passes that are too large for what weights leave: their activations, and how they are split.
import { describe, expect, it } from 'vitest';
import { type Result, simulate } from '../../../src/index.js';

const GIB = 2 ** 30;
type Input = Parameters<typeof simulate>[0];
const run = (expertCache: string | undefined, maxTokensPerPass: number, input: Input = {}): Promise<Result> =>
  simulate({
    model: 'gpt-oss-20b',
    hardware: 'rtx-3060+ryzen-9-7950x+2xddr5-6000+64GB',
    system: 'llama.cpp-static',
    memory: expertCache === undefined ? {} : { expertCache },
    workload: { prompt: 8192, output: 2, tokens: 8194, maxTokensPerPass },
    bounds: false,
    ...input,
  });
const value = ({ metrics }: Result, name: string) => metrics[name]!.value;
const codes = ({ warnings }: Result) => warnings.map(({ code }) => code);

describe('activations of a pass', () => {
  // The buffer of gpt-oss-20b is its logits and what they come from: (201,088 + 2,880) values of 4 bytes a token.
  const perToken = (201_088 + 2880) * 4;

  it('take room from an expert cache that has no size of its own', async () => {
    const [usual, large] = [await run(undefined, 512), await run(undefined, 2048)];
    const taken = value(usual, 'memory.gpu.expert_cache') - value(large, 'memory.gpu.expert_cache');
    expect(taken / (1536 * perToken)).toBeCloseTo(1, 1);
    expect(value(large, 'schedule.passes.prefill')).toBe(4);
    expect(codes(large)).not.toContain('pass-split');
    expect(value(large, 'memory.gpu.peak')).toBeLessThanOrEqual(11.5 * GIB);
  });

  it('split the pass where weights leave no room, and say so', async () => {
    const whole = await run('4GiB', 4096);
    expect(value(whole, 'schedule.passes.prefill')).toBe(2);
    expect(codes(whole)).not.toContain('pass-split');
    const result = await run('8.75GiB', 4096);
    // 11.5 GiB less 8.75 GiB, dense weights and KV caches leave room for 1,024 tokens, not for 2,048.
    expect(value(result, 'schedule.passes.prefill')).toBe(8);
    const { message } = result.warnings.find(({ code }) => code === 'pass-split')!;
    expect(message).toMatch(
      /^Activations of 4,096 tokens take 2\.\d+ GiB more .*: passes have at most 1,024 tokens\. Take a smaller --cache/,
    );
    expect(value(result, 'speed.prefill')).toBeLessThan(value(whole, 'speed.prefill'));
  });

  it('leave passes as asked where no smaller one would fit', async () => {
    const result = await run('12GiB', 4096);
    expect(codes(result)).toContain('does-not-fit');
    expect(codes(result)).not.toContain('pass-split');
    expect(value(result, 'schedule.passes.prefill')).toBe(2);
  });

  it('are not known of other runtimes', async () => {
    const [usual, large] = [await run(undefined, 512, { runtime: 'hf-eager' }), await run(undefined, 4096, { runtime: 'hf-eager' })];
    expect(value(large, 'memory.gpu.expert_cache')).toBe(value(usual, 'memory.gpu.expert_cache'));
  });
});
