// Tokens that a request has in its KV cache before its first: they are read and take room, and nothing replays them.
import { describe, expect, it } from 'vitest';
import { simulate, simulateRun } from '../../src/engine/simulate.js';
import { loadRuntime } from '../../src/hardware/runtime.js';
import { checkRun } from '../../src/system/load-run.js';
import type { RunInput } from '../../src/system/run.js';

const KV_TOKEN = 8 * 1024;
const run = async (input: RunInput) => {
  const { metrics } = await simulate({ model: 'mini-mixtral-8x8l', hardware: 't4', system: 'all-resident', ...input });
  return (name: string): number => metrics[name]!.value;
};

describe('workload.context', () => {
  it('makes a token cost what it costs after so many replayed ones', async () => {
    const replayed = await run({ workload: { prompt: 4000, output: 5, tokens: 4005, maxTokensPerPass: 4000 } });
    const held = await run({ workload: { context: 3990, prompt: 10, output: 5, tokens: 15 } });
    const none = await run({ workload: { prompt: 10, output: 5, tokens: 15 } });
    // All experts of the toy are alike, so which of them a token chose costs nothing.
    expect(held('latency.tpot.mean')).toBeCloseTo(replayed('latency.tpot.mean'), 3);
    expect(held('latency.tpot.mean')).toBeGreaterThan(none('latency.tpot.mean'));
    expect(held('latency.ttft.mean')).toBeGreaterThan(none('latency.ttft.mean'));
    expect(held('latency.ttft.mean')).toBeLessThan(replayed('latency.ttft.mean'));
  });

  it('takes room: 1000 tokens and the 15 that are run', async () => {
    const workload = { context: 1000, prompt: 10, output: 5, tokens: 15 };
    const [held, none] = [await run({ workload }), await run({ workload: { ...workload, context: 0 } })];
    expect(held('memory.gpu.peak') - none('memory.gpu.peak')).toBe(1000 * KV_TOKEN);
    const blocks = await run({ system: 'on-demand-lru', memory: { kvGrowth: 'reserve' }, workload });
    expect(blocks('memory.gpu.kv_peak')).toBe(1024 * KV_TOKEN);
  });

  it('of nothing is no context', async () => {
    const workload = { prompt: 10, output: 5, tokens: 15 };
    const [none, zero] = [await run({ workload }), await run({ workload: { ...workload, context: 0 } })];
    expect(zero('time.total')).toBe(none('time.total'));
  });

  it.each<[RunInput, string]>([
    [
      { memory: { kvGrowth: 'grow' }, workload: { context: 100 } },
      'simulate: workload.context: a request that is thrown out would run its context again, whose routing nobody knows; take memory.kvGrowth=reserve, or leave it out',
    ],
    [
      { memory: { kv: '1MiB' }, workload: { context: 1000, prompt: 10, output: 5, tokens: 15 } },
      'simulate: a request of 1,015 tokens needs 7.93 MiB of KV cache, and there is room for 1.00 MiB; take a smaller --cache, a larger memory.kv, or shorter requests',
    ],
  ])('is refused in %j', async (input, message) => {
    await expect(simulate({ model: 'mini-mixtral-8x8l', hardware: 't4', system: 'on-demand-lru', ...input })).rejects.toThrow(message);
  });
});

/** Time of a decoded token at two depths, ns, on a card and runtime of which the data sheet and the profile say all that counts. */
const depth = async (model: string, kvFormat: string, context: number, flash = 'on'): Promise<number> => {
  const given = {
    model,
    quantization: 'q4_k_m',
    hardware: 'rtx-3090+ryzen-9-7950x',
    system: 'all-resident',
    memory: { kvFormat },
    workload: { context, prompt: 1, output: 3, tokens: 4 },
    bounds: false,
    seed: 3,
  };
  const overrides = [{ path: ['runtime', 'gpu', 'flashAttention'], value: flash, label: 'flash' }];
  const { metrics } = await simulateRun(checkRun(given, 'test', overrides));
  return metrics['latency.tpot.mean']!.value;
};

describe('a token at depth', () => {
  // RTX 3090: 936 GB/s and 71 TFLOP/s; llama.cpp reads KV caches and computes on few new tokens at its shares of these.
  const { bandwidth, latent, vector } = loadRuntime('llama.cpp').gpu.attention;
  const READ = 1e9 / (936e9 * bandwidth);
  const COMPUTE = 1e9 / (71e12 * latent!);
  const VECTOR = 1e9 / (71e12 * vector);

  it.each([
    // 48 layers of 4 x 128 keys and values: 98,304 bytes.
    ['qwen3-30b-a3b', 'f16', 98_304 * READ],
    // 32 heads: 16,384 operations a layer.
    ['qwen3-30b-a3b', 'fp8', 48 * 16_384 * VECTOR],
    // Kernels unpack these to 16 bits.
    ['qwen3-30b-a3b', 'q8_0', 98_304 * READ],
    ['qwen3-30b-a3b', 'q4_0', 98_304 * READ],
    // 12 of 24 layers see 128 tokens, and have seen them all at both depths: the others have 8 x 64 keys and values.
    ['gpt-oss-20b', 'f16', 12 * 2048 * READ],
    // 27 layers whose 16 heads each score 576 entries of a latent and sum 512 of them.
    ['deepseek-v2-lite', 'f16', 27 * Math.max(16 * (2 * 576 + 2 * 512) * COMPUTE, 1152 * READ)],
  ])('of %s with %s takes longer by what each token of context does', async (model, format, perToken) => {
    const [near, far] = [await depth(model, format, 4_000), await depth(model, format, 14_000)];
    expect((far - near) / (10_000 * perToken)).toBeCloseTo(1, 6);
  });

  it.each([
    // 32 heads in 48 layers: a score is written, read and written by the softmax, and read, 4 bytes each.
    ['qwen3-30b-a3b', (98_304 + 48 * 32 * 16) * READ],
    // 64 heads in the 12 layers that see all.
    ['gpt-oss-20b', 12 * (2048 + 64 * 16) * READ],
  ])('of %s moves its scores through memory where attention is not fused', async (model, perToken) => {
    const [near, far] = [await depth(model, 'f16', 4_000, 'off'), await depth(model, 'f16', 14_000, 'off')];
    expect((far - near) / (10_000 * perToken)).toBeCloseTo(1, 6);
  });

  it('needs flash attention for values of fewer bits', async () => {
    await expect(depth('gpt-oss-20b', 'q8_0', 10, 'off')).rejects.toThrow(
      /memory\.kvFormat: values of 8\.5 bits need flash attention, and runtime\.gpu\.flashAttention is off; take q8_0\/f16/,
    );
    expect(await depth('gpt-oss-20b', 'q8_0/f16', 10, 'off')).toBeGreaterThan(0);
  });
});
