// Tokens that a request has in its KV cache before its first: they are read and take room, and nothing replays them.
import { describe, expect, it } from 'vitest';
import { simulate } from '../../src/engine/simulate.js';
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
