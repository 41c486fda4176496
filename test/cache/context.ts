// What a policy that is tested on its own may know: equal sizes, one layer, and a clock that the test turns.
import { Random } from '../../src/base/random.js';
import type { PolicyContext } from '../../src/cache/policy.js';

/** A context for `experts` experts of one byte. */
export function contextOf(experts: number): PolicyContext {
  return {
    experts,
    sizes: new Float64Array(experts).fill(1),
    capacityBytes: experts,
    uniform: true,
    layerOf: new Uint16Array(experts),
    layers: 1,
    clock: { event: 0, pass: 0, layer: 0 },
    random: new Random(7, 'policy'),
    nextUse: null,
    popularity: null,
    predicted: null,
    predictedVersion: null,
    expected: null,
    expectedVersion: null,
    gates: null,
  };
}
