// Memory of several GPUs whose division changes during a run: each loses its own, and KV caches are where their requests are.
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { Override } from '../../../src/base/yaml.js';
import type { SimulatedGpu } from '../../../src/engine/compose/simulation.js';
import { simulateRun } from '../../../src/engine/simulate.js';
import type { Observer } from '../../../src/engine/transfer/observer.js';
import { KV_GROWTH, type KvGrowth } from '../../../src/schedule/kv-room.js';
import { checkRun } from '../../../src/system/load-run.js';
import { EVERYWHERE } from '../../../src/system/placement/placement.js';
import type { RunInput } from '../../../src/system/run.js';
import { cases } from '../../cases.js';
import { rounded } from '../../support/rounded.js';
import { composeEngine, passesOf } from '../harness.js';
import { type Scenario, scenarios } from '../scenario.js';
import { runParallel } from './harness.js';

// Long enough for a machine that is busy with something else.
vi.setConfig({ testTimeout: 120_000 });

const MIB = 2 ** 20;
/** Experts of 768 KiB, 32 of them on each of two GPUs; 8 KiB of KV cache a token. */
const EXPERT = 768 * 1024;
const KV_TOKEN = 8 * 1024;

function run(input: RunInput, settings: Readonly<Record<string, unknown>> = {}) {
  const overrides = Object.entries(settings).map(([path, value]): Override => ({ path: path.split('.'), value, label: path }));
  return checkRun({ model: 'mini-mixtral-8x8l', hardware: '2x-rtx-4090', system: 'on-demand-lru', ...input }, 'test', overrides);
}

/** Capacity and use of every GPU's expert cache when a pass starts, bytes, and when it ends, ns. */
interface SeenPass {
  readonly capacities: readonly number[];
  readonly used: readonly number[];
  endNs: number;
}

async function simulate(input: RunInput, settings: Readonly<Record<string, unknown>> = {}) {
  const seen: SeenPass[] = [];
  const capacityOf = ({ gpu }: SimulatedGpu): number => gpu.caches.reduce((sum, cache) => sum + cache.capacityBytes, 0);
  const result = await simulateRun(run(input, settings), {
    observe: (_inputs, { gpus }) =>
      new Proxy({} as Observer, {
        get: (_, name) => {
          if (name === 'passStarted') {
            return () => seen.push({ capacities: gpus.map(capacityOf), used: gpus.map(({ gpu }) => gpu.usedBytes), endNs: 0 });
          }
          if (name !== 'passEnded') return () => undefined;
          return (_pass: unknown, _startNs: number, endNs: number) => {
            seen.at(-1)!.endNs = endNs;
          };
        },
      }),
  });
  return { ...result, seen, of: (name: string): number => result.metrics[name]!.value };
}

/** Memory of a GPU that has nothing to spare beside `cacheBytes` and KV caches of `kvTokens`, both of them full. */
async function exactly(cacheBytes: number, kvTokens: number): Promise<Record<string, unknown>> {
  const { of } = await simulate({ memory: { expertCache: '0%', kv: 2 * KV_TOKEN }, workload: { prompt: 0, output: 2, tokens: 2 } });
  const fixed = of('memory.gpu.peak') - 2 * KV_TOKEN;
  return { 'hardware.tiers.0.size': fixed + cacheBytes + kvTokens * KV_TOKEN, 'hardware.tiers.0.reserve': 0 };
}

/** All figures but those of the faults themselves, and of clocks beside the run: they have the memory that it began with (L19). */
const plain = (metrics: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.entries(metrics).filter(
      ([name]) => !/^(fault|bound\.(lru|belady\.tpot|found|floor)|headroom\.found|memory\.gpu\.(allocated|expert_cache))/.test(name),
    ),
  );

describe('a fault of GPU memory on several GPUs', () => {
  const workload = { batch: 2, prompt: 8, output: 56, tokens: 512 };
  const memory = { expertCache: 24 * EXPERT };

  it('of one GPU shrinks the expert cache there and nowhere else, and ends', async () => {
    const settings = await exactly(24 * EXPERT, 64);
    const sound = await simulate({ memory, workload }, settings);
    const [at, until] = [sound.seen[80]!.endNs, sound.seen[160]!.endNs];
    const faults = [{ at, until, gpuMemory: `-${10 * EXPERT}`, gpu: 1 }];
    const faulty = await simulate({ faults, memory, workload }, settings);
    const first = faulty.seen.findIndex(({ capacities }) => capacities[1] !== 24 * EXPERT);
    const last = faulty.seen.findLastIndex(({ capacities }) => capacities[1] !== 24 * EXPERT);
    for (const [pass, { capacities, used }] of faulty.seen.entries()) {
      expect(capacities).toEqual([24 * EXPERT, (pass >= first && pass <= last ? 14 : 24) * EXPERT]);
      for (const [gpu, bytes] of used.entries()) expect(bytes).toBeLessThanOrEqual(capacities[gpu]!);
    }
    // It strikes between two passes, and what was before is as it was.
    expect(first).toBe(81);
    expect(faulty.seen.slice(0, 81)).toEqual(sound.seen.slice(0, 81));
    // The pass that runs when the fault ends still has the smaller cache, and the next one has the whole.
    expect(faulty.seen[last - 1]!.endNs).toBeLessThan(until);
    expect(faulty.seen[last]!.endNs).toBeGreaterThanOrEqual(until);
    expect(faulty.seen.at(-1)!.used[1]).toBe(24 * EXPERT);
    expect(faulty.of('memory.gpu.expert_cache_least')).toBe(14 * EXPERT);
    const { seen } = faulty;
    const shrunkNs = seen[last]!.endNs - seen[first - 1]!.endNs;
    // The mean over both GPUs: one of them had ten experts less for so long.
    expect(faulty.of('memory.gpu.expert_cache_mean')).toBeCloseTo((24 - (5 * shrunkNs) / faulty.of('time.total')) * EXPERT, 3);
    expect(faulty.of('cache.evictions')).toBeGreaterThan(sound.of('cache.evictions'));
    expect(faulty.of('cache.hit_rate')).toBeLessThanOrEqual(faulty.of('bound.belady.hit_rate'));
    expect(faulty.of('bound.belady.hit_rate')).toBeLessThan(sound.of('bound.belady.hit_rate'));
    const [warning] = faulty.warnings.filter(({ code }) => code === 'degraded');
    expect(warning!.message).toMatch(
      /^The run had GPU 1 without 7\.50 MiB of its memory from .* to .* Decode: .* after; prefill: .*; hit rate: /,
    );
  });

  it('of all GPUs from the start is a machine with less, and so is one of each', async () => {
    const settings = await exactly(24 * EXPERT, 64);
    const lesser = await simulate({ memory: { expertCache: 14 * EXPERT }, workload }, settings);
    const loss = { at: 0, gpuMemory: `-${10 * EXPERT}` };
    const all = await simulate({ faults: [loss], memory, workload }, settings);
    expect(plain(all.metrics)).toEqual(plain(lesser.metrics));
    expect(all.warnings.map(({ message }) => message).join()).toContain('every GPU without 7.50 MiB of its memory from 0 ns');
    const faults = [0, 1].map((gpu) => ({ ...loss, gpu }));
    expect(plain((await simulate({ faults, memory, workload }, settings)).metrics)).toEqual(plain(lesser.metrics));
  });

  it('takes first what nobody has been given', async () => {
    const settings = await exactly(34 * EXPERT, 64);
    const sound = await simulate({ memory, workload }, settings);
    const faulty = await simulate({ faults: [{ at: 0, gpuMemory: `-${10 * EXPERT}`, gpu: 0 }], memory, workload }, settings);
    expect(plain(faulty.metrics)).toEqual(plain(sound.metrics));
  });

  it('is refused where that GPU cannot do without, or is not there', async () => {
    const settings = await exactly(24 * EXPERT, 64);
    const lost = (gpuMemory: string, gpu: number, more: RunInput['memory'] = memory) =>
      simulate({ faults: [{ at: '1s', gpuMemory, gpu }], memory: more, workload }, settings);
    await expect(lost('-19MiB', 1)).rejects.toThrow(/test: faults: at 1\.00 s GPU 1 lacks 19\.0 MiB, and has 0 B for 512 KiB of KV caches/);
    await expect(lost('-19MiB', 0, { kvGrowth: 'grow' })).rejects.toThrow(
      'GPU 0 lacks 19.0 MiB, and has 0 B for the least expert cache and the KV cache of the longest request',
    );
    await expect(lost('-1MiB', 2)).rejects.toThrow('test: faults.0.gpu: there is no GPU 2; the machine has 2 GPUs, numbers 0 to 1');
  });
});

describe('KV caches that grow on several GPUs', () => {
  it('take blocks on the GPU of their request, whose expert cache has what they leave', async () => {
    const settings = await exactly(10 * EXPERT, 0);
    const workload = { batch: 2, prompt: 40, output: 60, tokens: 200 };
    const grown = await simulate({ memory: { kvGrowth: 'grow' }, workload }, settings);
    // Two requests, one a GPU, of 100 tokens at their end: seven blocks each. They start with three.
    expect(grown.of('memory.gpu.kv_peak')).toBe(2 * 7 * 16 * KV_TOKEN);
    expect(grown.of('memory.gpu.expert_cache_least')).toBe(10 * EXPERT - 112 * KV_TOKEN);
    expect(grown.seen[0]!.capacities).toEqual([10 * EXPERT - 48 * KV_TOKEN, 10 * EXPERT - 48 * KV_TOKEN]);
    expect(grown.of('memory.gpu.peak')).toBeLessThanOrEqual(settings['hardware.tiers.0.size'] as number);
    // One request alone takes nothing from the GPU that it is not on.
    const alone = await simulate({ memory: { kvGrowth: 'reserve' }, workload: { ...workload, batch: 1, tokens: 100 } }, settings);
    expect(alone.seen.at(-1)!.capacities).toEqual([10 * EXPERT - 112 * KV_TOKEN, 10 * EXPERT]);
    expect(alone.of('memory.gpu.expert_cache_mean')).toBeCloseTo(10 * EXPERT - 56 * KV_TOKEN, 3);
  });

  it('where nothing has to be given up, everything is as with static room', async () => {
    const input: RunInput = { memory: { expertCache: '25%' }, workload: { batch: 3, tokens: 600 } };
    const roomy = { 'hardware.tiers.0.size': 200 * MIB, 'hardware.tiers.0.reserve': 0 };
    const names = (metrics: Readonly<Record<string, unknown>>) =>
      Object.fromEntries(Object.entries(metrics).filter(([name]) => !/^(memory|schedule\.(preemptions|recomputed))/.test(name)));
    const fixed = await simulate(input, roomy);
    for (const kvGrowth of ['reserve', 'grow'] as const) {
      const grown = await simulate({ ...input, memory: { expertCache: '25%', kvGrowth } }, roomy);
      expect(names(grown.metrics)).toEqual(names(fixed.metrics));
      expect(grown.of('memory.gpu.expert_cache_least')).toBe(fixed.of('memory.gpu.expert_cache'));
    }
  });

  it('a policy that knows the future replays the passes, on the same GPUs, and the bound holds', async () => {
    const settings = await exactly(4 * EXPERT, 30 * 16);
    for (const memory of [{ kvGrowth: 'grow' as const, minExpertCache: 4 * EXPERT }, { expertCache: 4 * EXPERT }]) {
      for (const arrivals of [undefined, 'poisson:rate=400']) {
        const given = arrivals === undefined ? { tokens: 8 * 216 } : { arrivals, requests: 9 };
        const workload = { batch: 8, prompt: 16, output: 200, ...given };
        const of = async (policy: string) => (await simulate({ memory, workload }, { ...settings, 'system.cache.policy': policy })).of;
        const [belady, lru] = [await of('belady'), await of('lru')];
        if ('kvGrowth' in memory) expect(lru('schedule.preemptions')).toBeGreaterThan(0);
        expect(belady('experts.demanded')).toBe(lru('experts.demanded'));
        expect(belady('cache.hit_rate')).toBeGreaterThan(lru('cache.hit_rate'));
        for (const one of [belady, lru]) expect(one('cache.hit_rate')).toBeLessThanOrEqual(one('bound.belady.hit_rate'));
      }
    }
  });
});

describe('a request alone, where every expert lives everywhere', () => {
  it('runs on its GPU as on a machine with one, whatever grows and whatever is lost', async () => {
    const settings = await exactly(24 * EXPERT, 128);
    let struck = 0;
    const draws = fc.record({
      growth: fc.constantFrom<KvGrowth>(...KV_GROWTH),
      prompt: fc.integer({ min: 0, max: 60 }),
      output: fc.integer({ min: 1, max: 60 }),
      at: fc.integer({ min: 0, max: 40 }),
      lasts: fc.integer({ min: 1, max: 40 }),
      lost: fc.integer({ min: 0, max: 16 }),
      bandwidth: fc.constantFrom('25%', '90%'),
      scope: fc.constantFrom('global', 'layer'),
      predictor: fc.constantFrom('none', 'last-token'),
      exclusive: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(draws, async ({ at, bandwidth, growth, lasts, lost, output, prompt, ...draw }) => {
        const [from, until] = [at * 1e6, (at + lasts) * 1e6];
        const memory = growth === 'static' ? { expertCache: 24 * EXPERT } : { kvGrowth: growth, minExpertCache: EXPERT };
        const workload = { batch: 1, prompt, output, tokens: 2 * (prompt + output) };
        const of = async (gpus: number) => {
          const { metrics } = await simulate(
            {
              memory,
              workload,
              faults: [
                { at: from, until, link: 'h2d', bandwidth, gpu: 0 },
                ...(lost === 0 ? [] : [{ at: from, until, gpuMemory: `-${lost * EXPERT}`, gpu: 0 }]),
              ],
            },
            {
              ...settings,
              'hardware.gpus.count': gpus,
              'system.placement': 'replicated:hottest=8',
              'system.cache.scope': draw.scope,
              'system.cache.exclusive': draw.exclusive,
              'system.predictor.kind': draw.predictor,
            },
          );
          // The GPU beside it prefetches as well, has all of its memory, and waits; clocks of bounds differ in the last digit.
          const same = /^(cache|experts|latency|schedule|speed|throughput|bound|headroom|fault)\.|kv_peak|least$|^time\.(total|dense|cpu)/;
          // The floor has the CPU to itself only where there is one GPU.
          const other = /evictions|stall|floor/;
          const kept = Object.fromEntries(Object.entries(metrics).filter(([name]) => same.test(name) && !other.test(name)));
          return rounded(kept, /(bound|headroom).*(tpot|found|total)/);
        };
        const one = await of(1);
        expect(Object.keys(one).length).toBeGreaterThan(40);
        expect(await of(2)).toEqual(one);
        struck += Number(
          'fault.hit_rate' in one && (one['memory.gpu.expert_cache_least']?.value ?? Number.POSITIVE_INFINITY) < 16 * EXPERT,
        );
      }),
      { seed: 24, numRuns: cases(40, 8) },
    );
    expect(struck).toBeGreaterThan(0);
  });
});

/** Runs of two or three GPUs whose KV caches grow, with up to two faults of memory. */
function drawRuns() {
  const ms = (least: number, most: number) => fc.integer({ min: least, max: most }).map((value) => value * 1e6);
  const fault = fc
    .record({
      at: ms(0, 60),
      lasts: fc.option(ms(1, 60), { nil: undefined }),
      lost: fc.integer({ min: 1, max: 3 }),
      gpu: fc.integer({ min: -1, max: 2 }),
    })
    .map(({ at, gpu, lasts, lost }) => ({
      at,
      gpuMemory: `-${lost * EXPERT}`,
      ...(gpu < 0 ? {} : { gpu }),
      ...(lasts === undefined ? {} : { until: at + lasts }),
    }));
  return fc.record({
    gpus: fc.integer({ min: 2, max: 3 }),
    faults: fc.array(fault, { maxLength: 2 }),
    growth: fc.constantFrom<KvGrowth>(...KV_GROWTH, 'grow'),
    batch: fc.integer({ min: 1, max: 5 }),
    prompt: fc.integer({ min: 0, max: 40 }),
    output: fc.integer({ min: 1, max: 40 }),
    more: fc.integer({ min: 0, max: 4 }),
    sharedBlocks: fc.integer({ min: 0, max: 8 }),
    scope: fc.constantFrom('global', 'layer'),
    policy: fc.constantFrom('lru', 's3-fifo', 'lfu', 'static:by=layer'),
    placement: fc.constantFrom('even', 'replicated:hottest=2'),
    predictor: fc.constantFrom('none', 'last-token'),
    exclusive: fc.boolean(),
    scheduler: fc.constantFrom('fcfs', 'static', 'expertflow', 'prefill-first'),
  });
}

describe('L8 on several GPUs', () => {
  it('whatever grows and whatever is lost, no GPU takes more than it has, and every request is served', async () => {
    const sized = await exactly(0, 0);
    const fixed = sized['hardware.tiers.0.size'] as number;
    let preemptions = 0;
    let shrunk = 0;
    await fc.assert(
      fc.asyncProperty(drawRuns(), async ({ batch, growth, more, output, policy, predictor, prompt, sharedBlocks, ...draw }) => {
        const requests = 2 * batch + more;
        const faults = draw.faults.filter(({ gpu = 0 }) => gpu < draw.gpus);
        // Seven experts, of which KV caches leave what faults may take at once; the longest request, and some blocks.
        const lost = draw.faults.reduce((sum, { gpuMemory }) => sum - Number(gpuMemory), 0);
        const spare = (Math.ceil((prompt + output) / 16) + sharedBlocks) * 16 * KV_TOKEN;
        const gpuBytes = fixed + 7 * EXPERT + spare;
        const memory: RunInput['memory'] =
          growth === 'static'
            ? { kv: (prompt + output) * KV_TOKEN, expertCache: 7 * EXPERT }
            : { kvGrowth: growth, minExpertCache: 7 * EXPERT - lost };
        const input: RunInput = {
          memory,
          workload: { batch, prompt, output, tokens: requests * (prompt + output) },
          ...(faults.length === 0 ? {} : { faults }),
        };
        const settings = {
          'hardware.tiers.0.size': gpuBytes,
          'hardware.tiers.0.reserve': 0,
          'hardware.gpus.count': draw.gpus,
          'system.cache.policy': policy,
          'system.cache.scope': draw.scope,
          'system.cache.exclusive': draw.exclusive,
          'system.placement': draw.placement,
          'system.predictor.kind': predictor,
          'system.scheduler': draw.scheduler,
        };
        const { metrics, of, seen } = await simulate(input, settings);
        for (const { capacities, used } of seen) {
          for (const [gpu, bytes] of used.entries()) expect(bytes).toBeLessThanOrEqual(capacities[gpu]!);
          shrunk += Number(new Set(capacities).size > 1);
        }
        expect(of('memory.gpu.peak')).toBeLessThanOrEqual(gpuBytes);
        expect(of('workload.requests')).toBe(requests);
        expect(of('throughput.total') * of('time.total')).toBeCloseTo(requests * (prompt + output) * 1e9, -4);
        expect(of('cache.hits') + of('cache.late') + of('cache.misses')).toBe(of('experts.demanded'));
        if (predictor === 'none' && !policy.startsWith('static')) {
          expect(of('cache.hit_rate')).toBeLessThanOrEqual(of('bound.belady.hit_rate'));
        }
        preemptions += metrics['schedule.preemptions']?.value ?? 0;
        expect((await simulate(input, settings)).metrics).toEqual(metrics);
      }),
      { seed: 22, numRuns: cases(40) },
    );
    expect(preemptions).toBeGreaterThan(0);
    expect(shrunk).toBeGreaterThan(0);
  });
});

describe('the engine of several GPUs beside that of one', () => {
  it('a cache that is resized between passes does on one of one GPU what it does in the engine of one', () =>
    fc.assert(
      fc.asyncProperty(
        scenarios.filter(({ policy }) => !policy.startsWith('belady')),
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        async (scenario, quarters, everywhere) => {
          const passes = scenario.passes.map((pass) => pass.slice(0, 1));
          const single: Scenario = { ...scenario, passes, replay: 'atomic', staging: 0 };
          const capacityAt = (pass: number): number => Math.floor((scenario.capacityBytes * quarters[pass % quarters.length]!) / 4);
          const { engine, gpu, recorder } = await composeEngine(single);
          const expected = Array.from(passesOf(single), (pass, number) => {
            engine.nowNs = engine.resize(0, capacityAt(number), engine.nowNs);
            engine.run(pass);
            return { endNs: engine.nowNs, bytes: gpu.usedBytes };
          });
          const homes = new Int32Array(scenario.model.experts).fill(everywhere ? EVERYWHERE : 0);
          const interconnect = { bandwidth: Number.POSITIVE_INFINITY, latencyNs: 0 };
          const bytes: number[] = [];
          const parallel = await runParallel({ ...single, gpus: 1, homes, interconnect, overlap: 1, adaptive: true }, (composed) => {
            const run = composed.engine.run.bind(composed.engine);
            composed.engine.run = (pass) => {
              composed.engine.nowNs = composed.engine.resize(0, capacityAt(bytes.length), composed.engine.nowNs);
              run(pass);
              bytes.push(composed.gpus[0]!.gpu.usedBytes);
            };
          });
          expect(parallel.outcomes.map(({ endNs }, pass) => ({ endNs, bytes: bytes[pass] }))).toEqual(expected);
          for (const name of ['evictions', 'hits', 'streamed', 'stallNs'] as const) {
            expect(parallel.recorder.layers[name]).toEqual(recorder.layers[name]);
          }
        },
      ),
      { seed: 23, numRuns: cases(150) },
    ));
});
