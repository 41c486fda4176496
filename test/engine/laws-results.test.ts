// Laws L15 and L16 on whole runs: bounds that separate runs confirm, and results that are the same to the last byte.
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { simulate, simulateRun } from '../../src/engine/simulate.js';
import { loadModel } from '../../src/model/load/load.js';
import { tokenCycleBytes } from '../../src/model/spec.js';
import type { Result } from '../../src/result/result.js';
import { checkRun } from '../../src/system/load-run.js';
import type { RunInput } from '../../src/system/run.js';
import { cases } from '../cases.js';

// Long enough for a machine that is busy with something else.
vi.setConfig({ testTimeout: 60_000 });

const small: RunInput = { model: 'mini-finegrained-64x12l', trace: 'synthetic', workload: { tokens: 60, prompt: 10, output: 10 } };

const metricOf = (result: Result, name: string): number => result.metrics[name]!.value;
/** Sums of nanoseconds in another order of addition. */
const closely = (actual: number | null, expected: number) => expect(Math.abs(actual! / expected - 1)).toBeLessThan(1e-9);

describe('L15 Bounds', () => {
  // One runtime for all: that of a system is part of what it costs.
  const driven: RunInput = { ...small, runtime: 'llama.cpp' };
  const machines: Record<string, RunInput> = {
    'two tiers, one request': { ...driven, hardware: 'rtx-4090' },
    'two tiers, three requests at once': { ...driven, hardware: 'rtx-4090', workload: { ...small.workload, batch: 3 } },
    'unified memory and flash of two lanes': { ...driven, hardware: 'phone-ufs4' },
    'three tiers': { ...driven, hardware: 'rtx-4090', memory: { dramCache: '0%' } },
  };
  for (const [name, run] of Object.entries(machines)) {
    it(`L15 the bounds are what separate runs give: ${name}`, async () => {
      const memory = { ...run.memory, expertCache: '25%' };
      const result = await simulate({ ...run, memory, system: 'mixtral-offloading' });
      const resident = await simulate({ ...run, system: 'all-resident' });
      const uncached = await simulate({ ...run, system: 'no-cache' });
      closely(result.bounds.allResidentTpotNs, metricOf(resident, 'latency.tpot.mean'));
      closely(result.bounds.noCacheTpotNs, metricOf(uncached, 'latency.tpot.mean'));
      // A reference system is its own bound.
      expect(metricOf(resident, 'headroom.tpot')).toBeLessThan(1e-9);
      expect(metricOf(uncached, 'headroom.tpot')).toBeGreaterThan(1 - 1e-9);
      expect(metricOf(resident, 'cache.hit_rate')).toBe(1);
      expect(metricOf(uncached, 'cache.hit_rate')).toBe(0);
    });
  }

  it('L15 compulsory misses are the distinct experts; a cache of everything misses nothing else', async () => {
    const result = await simulate({ ...small, system: 'on-demand-lru', memory: { expertCache: '100%' } });
    expect(result.bounds.compulsoryMisses).toBe(metricOf(result, 'experts.distinct'));
    expect(metricOf(result, 'cache.misses')).toBe(result.bounds.compulsoryMisses);
    expect(result.bounds.beladyHitRate).toBe(metricOf(result, 'cache.hit_rate'));
    expect(metricOf(result, 'headroom.hit_rate')).toBe(0);
  });

  it('L15 below the token cycle LRU hits nothing, which a warning says', async () => {
    const cycle = tokenCycleBytes(loadModel('mini-finegrained-64x12l'));
    const run = (bytes: number) =>
      simulate({
        ...small,
        workload: { tokens: 40, prompt: 0, output: 40 },
        system: 'on-demand-lru',
        memory: { expertCache: `${bytes}B` },
      });
    const below = await run(cycle / 2);
    expect(below.bounds.tokenCycleBytes).toBe(cycle);
    expect(metricOf(below, 'cache.hit_rate')).toBe(0);
    expect(below.bounds.beladyHitRate).toBeGreaterThan(0.1);
    expect(below.warnings.map(({ code }) => code)).toContain('below-token-cycle');
    const above = await run(cycle * 2);
    expect(metricOf(above, 'cache.hit_rate')).toBeGreaterThan(0.1);
    expect(above.warnings.map(({ code }) => code)).not.toContain('below-token-cycle');
  });
});

describe('L10 in results', () => {
  it('L10 a link is never busy for longer than the run, whatever is under way at its end', async () => {
    // A prefetch takes longer than all passes together, on every lane.
    const lanes = 3;
    const link = { name: 'h2d' as const, bandwidth: 16e9, latency: 1e9, lanes };
    const input: RunInput = { ...small, hardware: 'rtx-4090', system: 'mixtral-offloading', memory: { expertCache: '25%' } };
    const settings = { 'hardware.links.0': link, 'system.onMiss': 'cpu', 'workload.tokens': 3, 'system.prefetch.staging': 0 };
    const overrides = Object.entries(settings).map(([path, value]) => ({ path: path.split('.'), value, label: path }));
    const result = await simulateRun(checkRun(input, 'test', overrides), { details: true });
    expect(metricOf(result, 'prefetch.pending')).toBeGreaterThanOrEqual(lanes);
    expect(metricOf(result, 'transfer.h2d.utilization')).toBeGreaterThan(0.5);
    expect(metricOf(result, 'transfer.h2d.utilization')).toBeLessThanOrEqual(1);
    const { prefetchNs } = result.details!.series.links[0]!;
    const busyNs = metricOf(result, 'transfer.h2d.utilization') * lanes * metricOf(result, 'time.total');
    expect(prefetchNs.reduce((sum, ns) => sum + ns, 0)).toBeCloseTo(busyNs, 0);
  });
});

describe('L16 Determinism', () => {
  const text = ({ environment: _environment, ...result }: Result) => JSON.stringify(result);

  it('L16 the same run twice is the same to the byte outside environment, alone or beside others', () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          model: fc.constantFrom('mini-mixtral-8x8l', 'mini-finegrained-64x12l'),
          system: fc.constantFrom('on-demand-lru', 'mixtral-offloading', 'fiddler', 'llama.cpp-static'),
          policy: fc.constantFrom('lru', 'random', 'lfu', 'belady'),
          predictor: fc.constantFrom('none', 'last-token', 'transition', 'oracle:recall=0.7,precision=0.8'),
          batch: fc.integer({ min: 1, max: 3 }),
          seed: fc.integer({ min: 0, max: 1e6 }),
        }),
        async ({ model, system, policy, predictor, batch, seed }) => {
          const run: RunInput = {
            model,
            system: { name: 'drawn', cache: { policy }, predictor: { kind: predictor } },
            memory: { expertCache: '30%' },
            workload: { tokens: 30, prompt: 6, output: 6, batch },
            seed,
          };
          const bundled: RunInput = { ...run, system };
          const alone = [await simulate(run), await simulate(bundled)];
          const together = await Promise.all([simulate(run), simulate(bundled)]);
          expect(together.map(text)).toEqual(alone.map(text));
        },
      ),
      { seed: 16, numRuns: cases(8) },
    ));

  it('L16 each random stream has its own seed: another seed is another draw', async () => {
    const run = (seed: number) =>
      simulate({
        model: 'mini-mixtral-8x8l',
        trace: 'mini-mixtral-8x8l',
        system: { name: 'random', cache: { policy: 'random' } },
        memory: { expertCache: '30%' },
        workload: { tokens: 300, maxTokensPerPass: 2 },
        seed,
      });
    const [one, again, other] = [await run(1), await run(1), await run(2)];
    expect(text(one)).toBe(text(again));
    // The routing is recorded, so only the draws of the policy can differ.
    expect(metricOf(other, 'experts.demanded')).toBe(metricOf(one, 'experts.demanded'));
    expect(metricOf(other, 'cache.hits')).not.toBe(metricOf(one, 'cache.hits'));
  });

  it('L16 a stream that draws more changes no other stream', async () => {
    // The oracle of recall 1 and precision 1 draws as well, but prefetches nothing at this threshold: the policy's draws stay.
    const run = (kind: string) =>
      simulate({
        model: 'mini-mixtral-8x8l',
        system: { name: 'random', cache: { policy: 'random' }, predictor: { kind }, prefetch: { minProbability: 0.95 } },
        memory: { expertCache: '30%' },
        workload: { tokens: 60, prompt: 0, output: 60 },
      });
    const hits = async (kind: string) => metricOf(await run(kind), 'cache.hits');
    expect(await hits('none')).toBeGreaterThan(0);
    expect(await hits('oracle:recall=0.5,precision=0.5')).toBe(await hits('none'));
  });
});
