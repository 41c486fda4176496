// Laws L2, L4, L7 and L8 as properties over random small worlds.
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { POLICIES } from '../../src/cache/policies/index.js';
import { expertSizes } from '../../src/model/spec.js';
import { NULL_EXPERT } from '../../src/trace/trace.js';
import { beladyHits } from '../cache/replaying.js';
import { cases } from '../cases.js';
import { recordDemand, simulateByEngine } from './harness.js';
import type { PassOutcome } from './outcome.js';
import { layerCapacities } from './reference-policies.js';
import { type Scenario, scenarios } from './scenario.js';
import { sum } from './world.js';

// Long enough for a machine that is busy with something else.
vi.setConfig({ testTimeout: 60_000 });

const check = (arbitrary: fc.Arbitrary<Scenario>, property: (scenario: Scenario) => Promise<void>, numRuns = cases(100)) =>
  fc.assert(fc.asyncProperty(arbitrary, property), { seed: 42, numRuns });

/** Distinct experts that pass `number` chooses at `layer`, by dense id. */
function demandOf({ model, passes }: Scenario, number: number, layer: number): Set<number> {
  const chosen = passes[number]!.flatMap((token) => token[layer]!.filter((expert) => expert !== NULL_EXPERT));
  return new Set(chosen.map((expert) => expert + model.layers[layer]!.offset));
}

const atomic = scenarios.map((scenario): Scenario => ({ ...scenario, replay: 'atomic' }));
/** One cache per layer, so that what a layer's event leaves behind is still to be seen when the pass has ended. */
const plain = atomic.map((scenario): Scenario => ({ ...scenario, scope: 'layer', script: null, onMiss: 'load' }));

describe('L2 Atomic judgement', () => {
  it('L2 hits + late + misses = |D| at every event', () =>
    check(atomic, async (scenario) => {
      const { passes } = await simulateByEngine(scenario);
      passes.forEach(({ layers }, number) => {
        layers.forEach(({ demanded, hits, late, misses }, layer) => {
          expect(demanded).toBe(demandOf(scenario, number, layer).size);
          expect(hits + late + misses).toBe(demanded);
        });
      });
    }));

  it('L2 hits are the members that were resident before the event', () =>
    check(plain, async (scenario) => {
      const { passes } = await simulateByEngine(scenario);
      let before: PassOutcome = { endNs: 0, layers: [], gpu: [], copies: null, dram: null };
      passes.forEach((pass, number) => {
        pass.layers.forEach(({ hits, late }, layer) => {
          // Static placement is resident from the start, and never changes: what is there at the end was there before.
          const resident = scenario.policy.startsWith('static') ? pass.gpu : before.gpu;
          expect(hits).toBe(resident.filter((id) => demandOf(scenario, number, layer).has(id)).length);
          expect(late).toBe(0);
        });
        before = pass;
      });
    }));
});

describe('L4 Pins', () => {
  it('L4 no member leaves during its event: all that were not streamed are resident at its end', () =>
    check(plain, async (scenario) => {
      const { passes } = await simulateByEngine(scenario);
      passes.forEach(({ gpu, layers }, number) => {
        layers.forEach(({ demanded, streamed }, layer) => {
          const demand = demandOf(scenario, number, layer);
          expect(gpu.filter((id) => demand.has(id)).length).toBe(demanded - streamed);
        });
      });
    }));
});

describe('L7 Replay', () => {
  it('L7 sequential LRU is the LRU of classical cache simulators on the same accesses', () =>
    check(
      plain.map((scenario): Scenario => ({ ...scenario, policy: 'lru', replay: 'sequential' })),
      async (scenario) => {
        const { model, passes } = scenario;
        const outcome = await simulateByEngine(scenario);
        const capacities = layerCapacities(model, scenario.capacityBytes);
        let hits = 0;
        for (const { expertBytes, index } of model.layers) {
          let recent: number[] = []; // newest first
          for (const expert of passes.flat().flatMap((token) => token[index]!)) {
            if (expert === NULL_EXPERT) continue;
            if (recent.includes(expert)) hits++;
            recent = [expert, ...recent.filter((other) => other !== expert)].slice(0, capacities[index]! / expertBytes);
          }
        }
        expect(sum(outcome, 'hits')).toBe(hits);
      },
    ));
});

describe('L8 Conservation', () => {
  it('L8 loads + prefetches = transfers; every prefetch has one fate; residents never exceed the capacity', () =>
    check(scenarios, async (scenario) => {
      const outcome = await simulateByEngine(scenario);
      const { h2d, useful, late, wasted, cpuExperts, peakBytes, passes, shared, skipped, substituted, takenOver } = outcome;
      const { staging = 0 } = scenario;
      expect(h2d.demands + cpuExperts - shared - takenOver + skipped + substituted).toBe(sum(outcome, 'misses'));
      expect(h2d.demandBytes).toBe(sum(outcome, 'onDemandBytes'));
      expect(h2d.prefetchBytes).toBe(sum(outcome, 'prefetchBytes'));
      expect(late).toBe(sum(outcome, 'late'));
      // Pending: on board, in a buffer, or on its way, and not demanded yet.
      const pending = h2d.prefetches - useful - late - wasted;
      expect(pending).toBeGreaterThanOrEqual(0);
      expect(pending).toBeLessThanOrEqual(passes.at(-1)!.gpu.length + staging);
      expect(peakBytes).toBeLessThanOrEqual(scenario.capacityBytes);
      const sizes = expertSizes(scenario.model);
      for (const { gpu, dram } of passes) {
        expect(gpu.reduce((bytes, id) => bytes + sizes[id]!, 0)).toBeLessThanOrEqual(scenario.capacityBytes);
        if (dram !== null) expect(dram.reduce((bytes, id) => bytes + sizes[id]!, 0)).toBeLessThanOrEqual(scenario.dram!.capacityBytes);
      }
      // What was inserted and has not been evicted is what is there; what lands in a buffer may never be inserted.
      const inserted = scenario.policy.startsWith('static') || staging > 0 ? null : h2d.demands + h2d.prefetches - sum(outcome, 'streamed');
      if (inserted !== null) expect(passes.at(-1)!.gpu.length).toBe(inserted - sum(outcome, 'evictions'));
    }));

  it('L8 without prefetch no policy has more hits than the Belady bound', () => {
    const independent = POLICIES.filter(({ needs = [] }) => needs.every((need) => need === 'future')).map(({ name }) => name);
    expect(independent).toEqual(expect.arrayContaining(['lru', 'fifo', 'lfu', 'random', 'belady']));
    const plain = scenarios.map((scenario): Scenario => ({ ...scenario, script: null, onMiss: 'load', dram: null, exclusive: false }));
    return check(
      plain,
      async (scenario) => {
        const log = recordDemand(scenario);
        const bound = (preloaded: boolean) => beladyHits(log, scenario.scope, scenario.capacityBytes, preloaded);
        const hits = async (policy: string) => sum(await simulateByEngine({ ...scenario, policy }), 'hits');
        for (const policy of independent) expect(await hits(policy), policy).toBeLessThanOrEqual(bound(false));
        // What is placed beforehand hits at its first use too.
        expect(await hits('static:by=layer')).toBeLessThanOrEqual(bound(true));
        log.close();
      },
      cases(60),
    );
  });
});
