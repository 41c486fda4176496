// Draws small worlds on several GPUs.
import fc from 'fast-check';
import { Random } from '../../../src/base/random.js';
import { EVERYWHERE } from '../../../src/system/placement/placement.js';
import { drawPasses, drawScript, type Scenario, scenarios } from '../scenario.js';
import type { ParallelScenario } from './harness.js';

/** Spreads a scenario over GPUs: homes are drawn, a fifth of the experts lives everywhere. */
function spread(
  scenario: Scenario,
  gpus: number,
  requests: number,
  seed: number,
): Omit<ParallelScenario, 'adaptive' | 'interconnect' | 'overlap'> {
  const random = new Random(seed, 'test/homes');
  const homes = Int32Array.from({ length: scenario.model.experts }, () => (random.below(5) === 0 ? EVERYWHERE : random.below(gpus)));
  const passes = drawPasses(
    scenario.model,
    scenario.topK,
    scenario.passes.map(() => requests),
    seed,
  );
  const script = scenario.script === null ? null : { ...scenario.script, score: drawScript(passes, scenario.model, seed) };
  return { ...scenario, model: { ...scenario.model, hidden: 4 }, passes, script, gpus, homes, replay: 'atomic' };
}

/** Whole-number worlds: an activation has 8 bytes, and the interconnect takes 1, 2 or 4 ns for a byte. */
export const parallelScenarios: fc.Arbitrary<ParallelScenario> = fc
  .record({
    scenario: scenarios.filter(({ policy }) => !policy.startsWith('belady')),
    gpus: fc.integer({ min: 2, max: 4 }),
    requests: fc.integer({ min: 1, max: 6 }),
    seed: fc.integer(),
    nsPerByte: fc.constantFrom(1, 2, 4),
    latencyNs: fc.integer({ min: 0, max: 20 }),
    adaptive: fc.boolean(),
    overlap: fc.constantFrom(1 as const, 1 as const, 2 as const, 4 as const, 8 as const, 'adaptive' as const),
  })
  .map(({ scenario, gpus, requests, seed, nsPerByte, latencyNs, adaptive, overlap }) => ({
    ...spread(scenario, gpus, requests, seed),
    interconnect: { bandwidth: 1e9 / nsPerByte, latencyNs },
    adaptive,
    overlap,
  }));
