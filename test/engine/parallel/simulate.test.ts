// Whole runs on several GPUs: bounds that separate runs confirm, placements that do what they say, every bundled system, and what is refused.
import { describe, expect, it, vi } from 'vitest';
import { listProfiles } from '../../../src/base/profiles.js';
import { simulate, simulateRun } from '../../../src/engine/simulate.js';
import { loadModel } from '../../../src/model/load/load.js';
import { tableReport } from '../../../src/report/summary/run.js';
import type { Result } from '../../../src/result/result.js';
import { checkRun } from '../../../src/system/load-run.js';
import type { RunInput } from '../../../src/system/run.js';
import { loadSystem } from '../../../src/system/system.js';
import { cases } from '../../cases.js';

vi.setConfig({ testTimeout: 60_000 });

const small: RunInput = {
  model: 'mini-finegrained-64x12l',
  trace: 'synthetic',
  hardware: '2x-rtx-4090',
  workload: { tokens: 96, prompt: 10, output: 14, batch: 4 },
  memory: { expertCache: '25%' },
};
const value = (result: Result, name: string): number => result.metrics[name]!.value;
const closely = (actual: number | null, expected: number) => expect(Math.abs(actual! / expected - 1)).toBeLessThan(1e-9);
const lru = { name: 'lru', cache: { policy: 'lru' } };
/** A run with values set inside its profiles, as `--set` does. */
const set = (run: RunInput, values: Readonly<Record<string, unknown>>) =>
  simulateRun(
    checkRun(
      run,
      'test',
      Object.entries(values).map(([path, given]) => ({ path: path.split('.'), value: given, label: `--set ${path}` })),
    ),
  );

describe('L15 on several GPUs', () => {
  const runs: Record<string, RunInput> = {
    'two GPUs': small,
    'eight GPUs, adaptive overlap': { ...small, hardware: '8x-h100-80g', workload: { ...small.workload, batch: 16 } },
    'gathered weights': { ...small, workload: { tokens: 2432, prompt: 600, output: 8, batch: 4, maxTokensPerPass: 2400 } },
    'three tiers': { ...small, memory: { ...small.memory, dramCache: '0%' } },
  };
  for (const [name, run] of Object.entries(runs)) {
    it(`the bounds are what separate runs give: ${name}`, async () => {
      const own = { overlap: 'adaptive', parallelism: 'adaptive', placement: 'even:order=round-robin' } as const;
      const result = await simulate({ ...run, system: { ...lru, ...own } });
      const fixed = { ...run, memory: { ...run.memory, expertCache: undefined } };
      const resident = await simulate({ ...fixed, system: { name: 'r', cache: { capacity: '100%', policy: 'static:by=layer' }, ...own } });
      const uncached = await simulate({ ...fixed, system: { name: 'u', cache: { capacity: '0%' }, ...own } });
      closely(result.bounds.allResidentTpotNs, value(resident, 'latency.tpot.mean'));
      closely(result.bounds.noCacheTpotNs, value(uncached, 'latency.tpot.mean'));
      expect(value(resident, 'cache.hit_rate')).toBe(1);
      expect(value(uncached, 'cache.hit_rate')).toBe(0);
      expect(value(result, 'cache.hit_rate')).toBeLessThanOrEqual(result.bounds.beladyHitRate!);
    });
  }
});

describe('adaptive parallelism', () => {
  const long = { ...small, memory: {}, workload: { tokens: 4864, prompt: 600, output: 8, batch: 8, maxTokensPerPass: 4800 } };

  it('gathers in passes of many tokens, where it is faster, and its parts add up', async () => {
    const [adaptive, sent] = await Promise.all(
      ['adaptive', 'expert'].map((parallelism) => set({ ...long, system: 'tutel' }, { 'system.parallelism': parallelism })),
    );
    // 12 layers of the one pass that reads prompts, of 108 events; each GPU lacks 32 experts of 3 x 192 x 96 values of 2 bytes.
    expect(value(adaptive!, 'parallel.gathered_rate')).toBeCloseTo(12 / 108, 12);
    expect(value(adaptive!, 'transfer.all_gather.bytes')).toBe(12 * 2 * 32 * 3 * 192 * 96 * 2);
    expect(value(adaptive!, 'speed.prefill')).toBeGreaterThan(value(sent!, 'speed.prefill') * 1.1);
    closely(value(adaptive!, 'speed.decode'), value(sent!, 'speed.decode'));
    expect(value(adaptive!, 'transfer.all_to_all.bytes')).toBeLessThan(value(sent!, 'transfer.all_to_all.bytes'));
    const parts = ['time.dense', 'time.compute', 'time.stall', 'time.all_to_all'].reduce((sum, name) => sum + value(adaptive!, name), 0);
    closely(parts, value(adaptive!, 'time.total') - value(adaptive!, 'schedule.time'));
    expect(sent!.metrics['parallel.gathered_rate']).toBeUndefined();
  });

  it('gathers from 3 x experts x width / (2 x top-k) tokens a GPU on, where work is even and nothing is hidden', async () => {
    // 3 x 64 x 96 / 12 = 1,536 tokens on each of two GPUs; uneven work, and weights that both read, move it by some hundred.
    const rate = async (each: number) => {
      const workload = { ...long.workload, prompt: each / 4, tokens: 2 * each + 64, maxTokensPerPass: 2 * each };
      return value(await set({ ...long, workload, system: 'tutel' }, { 'system.overlap': 'none' }), 'parallel.gathered_rate');
    };
    expect(await rate(1100)).toBe(0);
    expect(await rate(2000)).toBeCloseTo(12 / 108, 12);
  });

  it.each(['layers', 'tensor'])('has no place where GPUs share %s', async (several) => {
    const system = { ...lru, parallelism: 'adaptive' };
    await expect(set({ ...small, system, runtime: 'vllm' }, { 'runtime.gpu.several': several })).rejects.toThrow(
      /^.*system\.parallelism: lru shares/,
    );
  });
});

describe('L16 on several GPUs', () => {
  const text = ({ environment: _environment, ...result }: Result) => JSON.stringify(result);

  it('the same run twice is the same, watched or not', async () => {
    const run = { ...small, system: 'expertflow' };
    const [first, second] = [await simulate(run), await simulate(run)];
    expect(text(second)).toBe(text(first));
    const { details, ...watched } = await simulate(run, { details: true });
    expect(text(watched as Result)).toBe(text(first));
    expect(details!.series.links.map(({ name }) => name)).toEqual(['GPU 0 h2d', 'GPU 1 h2d']);
    const stall = details!.series.stallNs.reduce((sum, ns) => sum + ns, 0);
    // The GPU also waits for activations and for the other GPU's exchange, which the result counts apart.
    expect(stall).toBeGreaterThanOrEqual(value(first, 'time.stall') * (1 - 1e-3));
  });

  it('a machine that says it has one GPU is as one that says nothing', async () => {
    const one = await set({ ...small, system: 'promoe' }, { 'hardware.gpus.count': 1 });
    expect(one.metrics['parallel.gpus']).toBeUndefined();
    const again = await set({ ...small, system: 'promoe' }, { 'hardware.gpus': { count: 1 } });
    expect(again.metrics).toEqual(one.metrics);
  });
});

describe('placements', () => {
  it('replicas keep activations at home, popularity spreads the work', async () => {
    const run = {
      ...small,
      trace: 'mini-finegrained-64x12l',
      workload: { tokens: 1000, batch: 4, holdOut: '20%' },
      memory: { expertCache: '100%' },
    };
    // Counted before the replayed tokens, or on them.
    const [even, popularity, replicated, hindsight] = await Promise.all(
      (['even', 'popularity', { kind: 'replicated', hottest: 16 }, 'popularity'] as const).map((placement, at) =>
        simulate({
          ...run,
          system: { ...lru, cache: { policy: 'lru', popularity: at === 3 ? 'mini-finegrained-64x12l#1361:2361' : 5000 }, placement },
        }),
      ),
    );
    expect(value(even!, 'parallel.crossing_rate')).toBeGreaterThan(0.4);
    expect(value(replicated!, 'parallel.crossing_rate')).toBeLessThan(value(even!, 'parallel.crossing_rate') - 0.1);
    expect(value(popularity!, 'parallel.imbalance')).toBeLessThan(value(even!, 'parallel.imbalance'));
    // Of 1,361 earlier tokens; of the replayed ones themselves it is less.
    expect(value(popularity!, 'parallel.imbalance')).toBeLessThan(1.025);
    expect(value(hindsight!, 'parallel.imbalance')).toBeLessThan(value(popularity!, 'parallel.imbalance'));
    expect(hindsight!.warnings.map(({ code }) => code)).toContain('profiled-on-itself');
    for (const result of [even, popularity, replicated])
      expect(result!.warnings.map(({ code }) => code)).not.toContain('profiled-on-itself');
    expect([even!.config.profiledOn, popularity!.config.profiledOn]).toEqual([undefined, '1,361 tokens before those that are replayed']);
  });

  it('where everything lives everywhere nothing is sent, and nothing waits for a network', async () => {
    const system = { ...lru, placement: { kind: 'replicated', hottest: 64 }, overlap: 8 };
    const result = await simulate({ ...small, system });
    for (const name of ['parallel.crossing_rate', 'transfer.all_to_all.bytes', 'time.all_to_all'])
      expect(value(result, name), name).toBe(0);
    expect(value(result, 'parallel.overlap_degree')).toBe(1);
  });

  it('bytes are activations there and back, of two bytes a value', async () => {
    const result = await simulate({ ...small, system: lru });
    const crossed = value(result, 'parallel.crossing_rate') * value(result, 'experts.activations');
    const { hidden } = loadModel('mini-finegrained-64x12l');
    expect(hidden).toBeGreaterThan(0);
    expect(value(result, 'transfer.all_to_all.bytes')).toBeCloseTo(2 * crossed * hidden * 2, 3);
  });
});

describe('every bundled system', () => {
  // A third of them where not all are tried.
  const some = listProfiles('systems').filter((_, at, all) => at % Math.round(all.length / cases(all.length, all.length / 3)) === 0);

  it.each(some)('%s runs on two GPUs, and its parts add up', async (system) => {
    // Some say themselves how large their cache is. Bounds have their tests above.
    const run = { ...small, bounds: false, workload: { ...small.workload, tokens: 48 } };
    const fixed = loadSystem(system).value.cache.capacity === undefined ? run : { ...run, memory: {} };
    const result = await simulate({ ...fixed, system });
    const { metrics } = result;
    const parts = ['time.dense', 'time.compute', 'time.stall', 'time.all_to_all'].reduce(
      (sum, name) => sum + (metrics[name]?.value ?? 0),
      0,
    );
    closely(parts, value(result, 'time.total') - value(result, 'schedule.time'));
    const hits = value(result, 'cache.hits') + value(result, 'cache.late') + value(result, 'cache.misses');
    expect(hits).toBe(value(result, 'experts.demanded'));
    // Those whose runtime shares layers have one cache over both.
    expect(result.inputs.joined === undefined).toBe(metrics['parallel.hit_rate.min'] !== undefined);
    if (result.inputs.joined !== undefined) return;
    expect(metrics['parallel.hit_rate.min']!.value).toBeLessThanOrEqual(metrics['parallel.hit_rate.max']!.value);
  });

  it('a policy that knows the future knows it GPU by GPU', async () => {
    const result = await simulate({ ...small, system: { name: 'b', cache: { policy: 'belady' } } });
    const plain = await simulate({ ...small, system: lru });
    expect(value(result, 'cache.hit_rate')).toBeGreaterThan(value(plain, 'cache.hit_rate'));
    expect(value(result, 'cache.hit_rate')).toBeLessThanOrEqual(result.bounds.beladyHitRate!);
  });
});

describe('the table of a run on several GPUs', () => {
  const options = { unicode: true, color: false, width: 80, verbose: false };

  it('says how the work was shared and what exchanges took, within 80 columns', async () => {
    const text = tableReport.render(await simulate({ ...small, workload: { ...small.workload, arrivals: 'poisson:rate=50' } }), options);
    expect(text).toMatch(/GPUs +2, [\d.]+ % of the mean load on the busiest/);
    expect(text).toMatch(/all-to-all [\d.]+ %/);
    expect(text).toMatch(/on each GPU/);
    expect(Math.max(...text.split('\n').map((line) => [...line].length))).toBeLessThanOrEqual(80);
  });

  it('says nothing of it on one', async () => {
    const text = tableReport.render(await simulate({ ...small, hardware: 'rtx-4090' }), options);
    expect(text).not.toMatch(/GPUs|all-to-all|each GPU/);
  });
});

describe('several GPUs', () => {
  it.each<[string, RunInput, Readonly<Record<string, unknown>>, RegExp]>([
    ['more GPUs than experts', { ...small, model: 'mini-mixtral-8x8l' }, { 'hardware.gpus.count': 9 }, /9 GPUs for 8 experts a layer/],
    ['sequential replay', { ...small, replay: 'sequential' }, {}, /replay: sequential compares .* on one GPU/],
    ['an unknown placement', small, { 'system.placement': 'evn' }, /placement: unknown placement "evn"; .*even/],
    ['an unknown parameter', small, { 'system.placement': { kind: 'even', hottest: 3 } }, /placement even: unknown parameter "hottest"/],
    ['an unknown degree', small, { 'system.overlap': 3 }, /overlap: must be one of none, 1, 2, 4, 8, adaptive, not 3/],
    ['an unknown parallelism', small, { 'system.parallelism': 'data' }, /parallelism: must be one of expert, adaptive, not/],
    ['no interconnect', small, { 'hardware.gpus': { count: 2 } }, /gpus\.count: 2 GPUs need an interconnect/],
    ['unified memory', { ...small, hardware: 'phone-ufs4' }, { 'hardware.gpus': { count: 2 } }, /several GPUs need a gpu and a dram tier/],
  ])('refuse %s in one line', async (_what, run, values, message) => {
    await expect(async () => set(run, values)).rejects.toThrow(message);
  });
});
