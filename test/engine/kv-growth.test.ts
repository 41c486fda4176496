// KV caches that grow at the expense of the expert cache (L8): within the GPU's memory at every moment, and every request served.
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { Override } from '../../src/base/yaml.js';
import { simulateRun } from '../../src/engine/simulate.js';
import type { Observer } from '../../src/engine/transfer/observer.js';
import { KV_GROWTH, type KvGrowth } from '../../src/schedule/kv-room.js';
import { checkRun } from '../../src/system/load-run.js';
import type { RunInput } from '../../src/system/run.js';
import { cases } from '../cases.js';
import { lruRounded } from '../support/rounded.js';

// Long enough for a machine that is busy with something else.
vi.setConfig({ testTimeout: 120_000 });

const MIB = 2 ** 20;
/** Experts of 768 KiB, 8 KiB of KV cache a token; dense weights and staging take so many bytes of the GPU. */
const EXPERT = 768 * 1024;
const KV_TOKEN = 8 * 1024;

/** A run of the mini model on a GPU of `gpuBytes`. */
function run(input: RunInput, gpuBytes: number, more: Readonly<Record<string, unknown>> = {}) {
  const settings: Record<string, unknown> = { 'hardware.tiers.0.size': gpuBytes, 'hardware.tiers.0.reserve': 0, ...more };
  const overrides = Object.entries(settings).map(([path, value]): Override => ({ path: path.split('.'), value, label: path }));
  const profile: RunInput = { model: 'mini-mixtral-8x8l', hardware: 't4', system: 'on-demand-lru', ...input };
  return checkRun(profile, 'test', overrides);
}

const simulate = async (input: RunInput, gpuBytes: number, more: Readonly<Record<string, unknown>> = {}) => {
  const { metrics, warnings } = await simulateRun(run(input, gpuBytes, more));
  return { of: (name: string): number => metrics[name]!.value, metrics, warnings };
};

/** Bytes of dense weights and staging, as the plan has them: read off a run in which nothing else is on the GPU. */
async function fixedBytes(): Promise<number> {
  const { of } = await simulate(
    { memory: { expertCache: '0%', kv: 2 * KV_TOKEN }, workload: { prompt: 0, output: 2, tokens: 2 } },
    100 * MIB,
  );
  return of('memory.gpu.peak') - 2 * KV_TOKEN;
}

describe('KV growth', () => {
  it('charges blocks of 16 tokens, and the expert cache has what they leave', async () => {
    const fixed = await fixedBytes();
    const shared = 10 * EXPERT;
    const workload = { prompt: 40, output: 60, tokens: 100 };
    const grown = await simulate({ memory: { kvGrowth: 'grow' }, workload }, fixed + shared);
    // One request, 100 tokens at its end: seven blocks. It starts with three.
    expect(grown.of('memory.gpu.kv_peak')).toBe(7 * 16 * KV_TOKEN);
    expect(grown.of('memory.gpu.expert_cache')).toBe(shared);
    expect(grown.of('memory.gpu.expert_cache_least')).toBe(shared - 112 * KV_TOKEN);
    const mean = grown.of('memory.gpu.expert_cache_mean');
    expect(mean).toBeGreaterThan(shared - 112 * KV_TOKEN);
    expect(mean).toBeLessThan(shared - 48 * KV_TOKEN);
    expect([grown.of('schedule.preemptions'), grown.of('schedule.recomputed')]).toEqual([0, 0]);
    // Reserved, it takes all seven from its first pass on.
    const reserved = await simulate({ memory: { kvGrowth: 'reserve' }, workload }, fixed + shared);
    expect(reserved.of('memory.gpu.expert_cache_mean')).toBeCloseTo(shared - 112 * KV_TOKEN, 3);
  });

  it('gives each layer its part of what there is, where a size per layer asks for more', async () => {
    const shared = 10 * EXPERT;
    const gpuBytes = (await fixedBytes()) + shared;
    const workload = { prompt: 40, output: 60, tokens: 100 };
    const layered = { 'system.cache.scope': 'layer' };
    // 16 experts are asked for, and the GPU has room for 10: one for each layer, and what is left to the earliest.
    const asked = await simulate({ memory: { kvGrowth: 'grow', expertCache: '2/layer' }, workload }, gpuBytes, layered);
    expect(asked.of('memory.gpu.expert_cache')).toBe(shared);
    const quotas = { 'system.cache.quotas': [2, 2, 1, 1, 1, 1, 1, 1] };
    const given = await simulate({ memory: { kvGrowth: 'grow' }, workload }, gpuBytes, { ...layered, ...quotas });
    expect(asked.metrics).toEqual(given.metrics);
  });

  it('where nothing has to be given up, everything is as with static room', async () => {
    const input: RunInput = { runtime: 'hf-eager', memory: { expertCache: '25%' }, workload: { batch: 3, tokens: 600 } };
    const metrics = lruRounded((await simulate(input, 200 * MIB)).metrics);
    for (const kvGrowth of ['reserve', 'grow'] as const) {
      const grown = await simulate({ ...input, memory: { expertCache: '25%', kvGrowth } }, 200 * MIB);
      const other = lruRounded(grown.metrics);
      const names = Object.keys(metrics).filter((name) => !name.startsWith('memory.'));
      expect(Object.fromEntries(names.map((name) => [name, other[name]]))).toEqual(
        Object.fromEntries(names.map((name) => [name, metrics[name]])),
      );
      expect(other['memory.gpu.expert_cache_least']!.value).toBe(metrics['memory.gpu.expert_cache']!.value);
    }
  });

  it('static is the default, and says nothing of what does not change', async () => {
    const workload = { batch: 2, tokens: 300 };
    const plain = await simulate({ workload }, 40 * MIB);
    expect((await simulate({ workload, memory: { kvGrowth: 'static' } }, 40 * MIB)).metrics).toEqual(plain.metrics);
    for (const name of ['memory.gpu.expert_cache_least', 'schedule.preemptions']) expect(plain.metrics).not.toHaveProperty([name]);
  });
});

describe('KV caches that find no room', () => {
  it('throws the youngest out rather than take more than the floor leaves, and still serves everybody', async () => {
    const fixed = await fixedBytes();
    // Four requests of 16 + 240 tokens want 64 blocks; above a floor of four experts there is room for 40.
    const gpu = fixed + 4 * EXPERT + 40 * 16 * KV_TOKEN;
    const workload = { batch: 4, prompt: 16, output: 240, tokens: 4 * 256 };
    const memory = { kvGrowth: 'grow' as const, minExpertCache: 4 * EXPERT };
    const { of } = await simulate({ memory, workload }, gpu);
    expect(of('schedule.preemptions')).toBeGreaterThan(0);
    expect(of('schedule.recomputed')).toBeGreaterThan(0);
    expect(of('workload.requests')).toBe(4);
    expect(of('memory.gpu.kv_peak')).toBe(40 * 16 * KV_TOKEN);
    expect(of('memory.gpu.expert_cache_least')).toBe(4 * EXPERT);
    // Tokens that are run again are in no throughput.
    expect(of('throughput.total') * of('time.total')).toBeCloseTo(4 * 256 * 1e9, -3);
    expect(of('throughput.generated') * of('time.total')).toBeCloseTo(4 * 240 * 1e9, -3);
    // Waiting to be let in again is part of a token's time.
    expect(of('speed.decode') * of('latency.itl.mean')).toBeCloseTo(1e9, 0);
    // Every generated token has its sample, and none twice.
    const reserved = await simulate({ memory: { ...memory, kvGrowth: 'reserve' }, workload }, gpu);
    expect(reserved.of('schedule.preemptions')).toBe(0);
    expect(reserved.of('latency.queueing.p99')).toBeGreaterThan(of('latency.queueing.p99'));
  });

  it('memory.kv is the most that KV caches take of what is shared', async () => {
    const fixed = await fixedBytes();
    const workload = { batch: 4, prompt: 16, output: 48, tokens: 4 * 64 };
    const gpu = fixed + 4 * EXPERT + 40 * 16 * KV_TOKEN;
    const { of } = await simulate({ memory: { kvGrowth: 'grow', kv: 6 * 16 * KV_TOKEN }, workload }, gpu);
    expect(of('memory.gpu.kv_peak')).toBe(6 * 16 * KV_TOKEN);
    expect(of('workload.requests')).toBe(4);
    expect(of('schedule.preemptions')).toBeGreaterThan(0);
  });

  it('refuses what cannot be', async () => {
    const fixed = await fixedBytes();
    const long = { workload: { prompt: 1000, output: 1000, tokens: 2000 } };
    await expect(simulate({ ...long, memory: { kvGrowth: 'grow' } }, fixed + 10 * MIB)).rejects.toThrow('a request of 2,000 tokens needs');
    await expect(simulate({ memory: { minExpertCache: '10%' } }, 100 * MIB)).rejects.toThrow('say memory.kvGrowth=grow');
    await expect(simulate({ memory: { kvGrowth: 'grow', expertCache: '10%', minExpertCache: '20%' } }, 100 * MIB)).rejects.toThrow(
      'is more than the expert cache has at all',
    );
    await expect(simulate({ memory: { kvGrowth: 'grow' } }, 10 * MIB)).rejects.toThrow('leave nothing of the 10.0 MiB of t4');
  });

  it('a policy that knows the future replays the passes of a schedule with preemptions, and the bound holds', async () => {
    const fixed = await fixedBytes();
    const gpu = fixed + 4 * EXPERT + 30 * 16 * KV_TOKEN;
    const memory = { kvGrowth: 'grow' as const, minExpertCache: 4 * EXPERT };
    for (const arrivals of [undefined, 'poisson:rate=200']) {
      const workload = { batch: 4, prompt: 16, output: 200, ...(arrivals === undefined ? { tokens: 860 } : { arrivals, requests: 5 }) };
      const of = async (policy: string) => (await simulate({ memory, workload }, gpu, { 'system.cache.policy': policy })).of;
      const [belady, lru] = [await of('belady'), await of('lru')];
      expect(belady('schedule.preemptions')).toBe(lru('schedule.preemptions'));
      expect(lru('schedule.preemptions')).toBeGreaterThan(0);
      expect(belady('cache.hit_rate')).toBeGreaterThan(lru('cache.hit_rate'));
      for (const one of [belady, lru]) expect(one('cache.hit_rate')).toBeLessThanOrEqual(one('bound.belady.hit_rate'));
    }
  });
});

/** Runs whose KV caches share the GPU with experts. */
const draws = fc.record({
  growth: fc.constantFrom<KvGrowth>(...KV_GROWTH, 'grow'),
  batch: fc.integer({ min: 1, max: 4 }),
  prompt: fc.integer({ min: 0, max: 40 }),
  output: fc.integer({ min: 1, max: 40 }),
  more: fc.integer({ min: 0, max: 4 }),
  sharedBlocks: fc.integer({ min: 0, max: 30 }),
  least: fc.integer({ min: 0, max: 6 }),
  scope: fc.constantFrom('global', 'layer'),
  policy: fc.constantFrom('lru', 's3-fifo', 'arc', 'w-tinylfu', 'lfu', 'static:by=layer'),
  predictor: fc.constantFrom('none', 'last-token'),
  exclusive: fc.boolean(),
  scheduler: fc.constantFrom('fcfs', 'static', 'expertflow', 'prefill-first'),
});

describe('any run with KV caches that grow', () => {
  it('L8 never takes more than the GPU has, serves every request, and gives the same result twice', async () => {
    const fixed = await fixedBytes();
    let preemptions = 0;
    await fc.assert(
      fc.asyncProperty(draws, async (draw) => {
        const { batch, growth, least, output, predictor, prompt, sharedBlocks } = draw;
        // As many as a pool of two batches holds, so that none is cut into streams.
        const requests = 2 * batch + draw.more;
        const longest = Math.ceil((prompt + output) / 16);
        const gpu = fixed + least * EXPERT + (longest + sharedBlocks) * 16 * KV_TOKEN;
        const memory: RunInput['memory'] =
          growth === 'static'
            ? { kvGrowth: growth, kv: (prompt + output) * KV_TOKEN, expertCache: least * EXPERT }
            : { kvGrowth: growth, minExpertCache: least * EXPERT };
        const workload = { batch, prompt, output, tokens: requests * (prompt + output) };
        const more = {
          'system.cache.policy': draw.policy,
          'system.cache.scope': draw.scope,
          'system.cache.exclusive': draw.exclusive,
          'system.predictor.kind': predictor,
          'system.scheduler': draw.scheduler,
        };
        const spec = run({ memory, workload }, gpu, more);
        let events = 0;
        const once = () =>
          simulateRun(spec, {
            observe: (_inputs, { gpus }) => {
              const { gpu: tier } = gpus[0]!;
              return new Proxy({} as Observer, {
                get: () => () => {
                  events++;
                  const used = tier.caches.reduce((sum, cache) => sum + cache.usedBytes, 0);
                  const fits = tier.caches.every((cache) => cache.usedBytes <= cache.capacityBytes);
                  if (!fits || used !== tier.usedBytes) throw new Error(`${used} bytes in caches, ${tier.usedBytes} counted`);
                },
              });
            },
          });
        const { metrics } = await once();
        const of = (name: string): number => metrics[name]!.value;
        expect(events).toBeGreaterThan(0);
        expect(of('memory.gpu.peak')).toBeLessThanOrEqual(gpu);
        expect(of('workload.requests')).toBe(requests);
        expect(of('throughput.total') * of('time.total')).toBeCloseTo(requests * (prompt + output) * 1e9, -4);
        expect(of('cache.hits') + of('cache.late') + of('cache.misses')).toBe(of('experts.demanded'));
        if (predictor === 'none' && !draw.policy.startsWith('static')) {
          expect(of('cache.hit_rate')).toBeLessThanOrEqual(of('bound.belady.hit_rate'));
        }
        preemptions += metrics['schedule.preemptions']?.value ?? 0;
        expect((await once()).metrics).toEqual(metrics);
      }),
      { seed: 21, numRuns: cases(100, 20) },
    );
    expect(preemptions).toBeGreaterThan(0);
  });
});
