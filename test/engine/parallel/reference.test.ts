// Several GPUs against a second simulator, and against the engine of one GPU, to the nanosecond.
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { EVERYWHERE } from '../../../src/system/placement/placement.js';
import { cases } from '../../cases.js';
import { simulateByEngine } from '../harness.js';
import { type Scenario, scenarios } from '../scenario.js';
import { runParallel } from './harness.js';
import { simulateParallelByTheBook } from './reference.js';
import { parallelScenarios } from './scenario.js';

vi.setConfig({ testTimeout: 60_000 });

describe('engine of several GPUs', () => {
  it('agrees with the reference: ends, hits, activations, degrees of overlap', async () => {
    const seen = { hits: 0, overlapped: 0, crossed: 0, idle: 0, gathered: 0 };
    const plain = parallelScenarios.map((scenario) => ({
      ...scenario,
      policy: 'lru',
      scope: 'global' as const,
      dram: null,
      exclusive: false,
      onMiss: 'load' as const,
      script: null,
    }));
    const property = fc.asyncProperty(plain, async (scenario) => {
      const expected = simulateParallelByTheBook(scenario);
      const { counters, outcomes, recorder } = await runParallel(scenario);
      expect(outcomes.map(({ endNs }) => endNs)).toEqual(expected.passEndsNs);
      const sums = (of: 'hits' | 'activations') =>
        Array.from({ length: scenario.gpus }, (_, gpu) => expected.events.reduce((sum, event) => sum + event[of][gpu]!, 0));
      expect([...counters.hits]).toEqual(sums('hits'));
      expect([...counters.activations]).toEqual(sums('activations'));
      expect(counters.degrees).toBe(expected.events.reduce((sum, { degree }) => sum + degree, 0));
      expect(counters.events).toBe(expected.events.length);
      expect(recorder.layers.hits.reduce((sum, count) => sum + count, 0)).toBe(sums('hits').reduce((sum, count) => sum + count, 0));
      seen.hits += counters.hits.reduce((sum, count) => sum + count, 0);
      seen.overlapped += Number(counters.degrees > counters.events);
      expect(counters.gathered).toBe(expected.events.filter(({ gathered }) => gathered).length);
      seen.gathered += counters.gathered;
      seen.crossed += counters.crossed;
      seen.idle += expected.events.filter(({ activations }) => activations.includes(0)).length;
    });
    await fc.assert(property, { seed: 1, numRuns: cases(200) });
    for (const [what, times] of Object.entries(seen)) expect(times, what).toBeGreaterThan(0);
  });

  it('on one GPU is the engine of one GPU: prefetch, SSD, CPU, write-back and all', async () => {
    const one = scenarios.filter(({ policy }) => !policy.startsWith('belady'));
    const property = fc.asyncProperty(one, fc.boolean(), async (scenario, everywhere) => {
      const passes = scenario.passes.map((pass) => pass.slice(0, 1));
      const single: Scenario = { ...scenario, passes, replay: 'atomic', staging: 0 };
      const expected = await simulateByEngine(single);
      const homes = new Int32Array(scenario.model.experts).fill(everywhere ? EVERYWHERE : 0);
      const interconnect = { bandwidth: Number.POSITIVE_INFINITY, latencyNs: 0 };
      const { gpus, outcomes, recorder } = await runParallel({ ...single, gpus: 1, homes, interconnect, overlap: 1, adaptive: true });
      expect(outcomes).toEqual(expected.passes.map(({ endNs, gpu }) => ({ endNs, resident: [gpu] })));
      const { demands, demandBytes, prefetches, prefetchBytes, busyNs, restarts } = gpus[0]!.gpu.link;
      expect({ demands, demandBytes, prefetches, prefetchBytes, busyNs, restarts }).toEqual(expected.h2d);
      expect(recorder.prefetchUseful).toBe(expected.useful);
      expect(recorder.prefetchLate).toBe(expected.late);
      expect(recorder.prefetchWasted).toBe(expected.wasted);
      expect(recorder.cpuExperts).toBe(expected.cpuExperts);
      expect(recorder.writeBacks).toBe(expected.writeBacks);
      expect(recorder.distinct).toBe(expected.distinct);
    });
    await fc.assert(property, { seed: 2, numRuns: cases(150) });
  });
});
