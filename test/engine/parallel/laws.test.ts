// The laws on several GPUs, as properties over random small worlds: they hold on each GPU and in sum.
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { DEGREES } from '../../../src/system/choices.js';
import { cases } from '../../cases.js';
import { runParallel } from './harness.js';
import { parallelScenarios } from './scenario.js';

vi.setConfig({ testTimeout: 60_000 });

const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((total, value) => total + value, 0);

describe('on several GPUs', () => {
  it('L2, L8 hits + late + misses = demand; loads + prefetches = transfers; every prefetch has one fate', () =>
    fc.assert(
      fc.asyncProperty(parallelScenarios, async (scenario) => {
        const { counters, gpus, outcomes, recorder } = await runParallel(scenario);
        const { layers } = recorder;
        expect(sum(layers.hits) + sum(layers.late) + sum(layers.misses)).toBe(sum(layers.demanded));
        expect(sum(counters.demanded)).toBe(sum(layers.demanded));
        expect(sum(counters.hits)).toBe(sum(layers.hits));
        const links = gpus.map(({ gpu }) => gpu.link);
        const demands = links.reduce((total, link) => total + link.demands, 0);
        const prefetches = links.reduce((total, link) => total + link.prefetches, 0);
        expect(demands + recorder.cpuExperts + recorder.skippedExperts + recorder.substitutedExperts).toBe(sum(layers.misses));
        const pending = prefetches - recorder.prefetchUseful - recorder.prefetchLate - recorder.prefetchWasted;
        expect(recorder.prefetchLate).toBe(sum(layers.late));
        expect(pending).toBeGreaterThanOrEqual(0);
        expect(pending).toBeLessThanOrEqual(outcomes.at(-1)!.resident.reduce((total, ids) => total + ids.length, 0));
        // What was inserted and has not been evicted is what is there, on each GPU's own capacity.
        for (const { gpu } of gpus) expect(gpu.peakBytes).toBeLessThanOrEqual(scenario.capacityBytes);
        const resident = outcomes.at(-1)!.resident.reduce((total, ids) => total + ids.length, 0);
        if (!scenario.policy.startsWith('static')) {
          expect(resident).toBe(demands + prefetches - sum(layers.streamed) - sum(layers.evictions));
        }
      }),
      { seed: 42, numRuns: cases(150) },
    ));

  it('experts lie only where they live', () =>
    fc.assert(
      fc.asyncProperty(parallelScenarios, async (scenario) => {
        const { outcomes } = await runParallel(scenario);
        for (const { resident } of outcomes) {
          for (const [gpu, ids] of resident.entries()) {
            expect(ids.filter((id) => scenario.homes[id]! >= 0 && scenario.homes[id] !== gpu)).toEqual([]);
          }
        }
      }),
      { seed: 43, numRuns: cases(60) },
    ));

  it('L9 dense work, compute, stall and exchanges add up to the time that passes, on every GPU on average', () =>
    fc.assert(
      fc.asyncProperty(parallelScenarios, async (scenario) => {
        const { counters, engine, recorder } = await runParallel(scenario);
        const { layers, tailNs } = recorder;
        const parts = sum(layers.denseNs) + tailNs + (sum(layers.computeNs) + sum(layers.stallNs)) / scenario.gpus + counters.exchangeNs;
        expect(parts).toBeCloseTo(engine.nowNs, 6);
      }),
      { seed: 44, numRuns: cases(100) },
    ));
});

describe('on several GPUs, beside a bound and beside fixed degrees', () => {
  it('L8 without prefetch no run has more hits than Belady, GPU by GPU', () =>
    fc.assert(
      fc.asyncProperty(parallelScenarios, async (drawn) => {
        const layers = drawn.model.layers.map((layer) => ({ ...layer, expertBytes: 10 }));
        // Static placement is resident before the first event, which no bound on loads knows of.
        const policy = drawn.policy.startsWith('static') ? 'lru' : drawn.policy;
        const plain = { script: null, dram: null, exclusive: false, onMiss: 'load' as const };
        const scenario = { ...drawn, ...plain, policy, model: { ...drawn.model, layers } };
        const { counters, gpus } = await runParallel(scenario);
        for (const [g, { belady }] of gpus.entries()) expect(counters.hits[g]).toBeLessThanOrEqual(belady!.hits);
      }),
      { seed: 45, numRuns: cases(60) },
    ));

  it('a run with adaptive overlap is never slower than one at any fixed degree', () =>
    fc.assert(
      fc.asyncProperty(parallelScenarios, async (drawn) => {
        // Without prefetch: an event's time then depends on nothing but what it demands.
        const scenario = { ...drawn, script: null };
        const adaptive = await runParallel({ ...scenario, overlap: 'adaptive' });
        for (const overlap of DEGREES) {
          const fixed = await runParallel({ ...scenario, overlap });
          expect(adaptive.engine.nowNs).toBeLessThanOrEqual(fixed.engine.nowNs);
          expect(sum(adaptive.recorder.layers.hits)).toBe(sum(fixed.recorder.layers.hits));
        }
      }),
      { seed: 46, numRuns: cases(60) },
    ));
});
