// Hand-made scenarios: what a test does not say is the plainest thing there is.
import type { PrefetchLimits } from '../../src/engine/lookahead/setup.js';
import type { LayerOutcome, Outcome } from './outcome.js';
import { type LayerTimes, type Scenario, type Script, wholeLink, wholeMachine, wholeModel } from './scenario.js';

/** Parts of a hand-made scenario. */
export interface World extends Partial<Omit<Scenario, 'model'>> {
  readonly layers: readonly Partial<LayerTimes>[];
  readonly tailNs?: number;
  readonly passes: Scenario['passes'];
}

/** Four experts of 10 bytes a layer, no dense work, one lane of 1 ns per byte, LRU over all layers, atomic, misses are loaded. */
export function world({ layers, tailNs = 0, topK = 2, ...parts }: World): Scenario {
  const times = layers.map((layer) => ({ experts: 4, bytes: 10, activationNs: 0, denseNs: 0, ...layer }));
  return {
    model: wholeModel(times, topK, tailNs),
    hardware: wholeMachine([wholeLink('h2d', 1)]),
    topK,
    policy: 'lru',
    capacityBytes: 20,
    scope: 'global',
    dram: null,
    exclusive: false,
    onMiss: 'load',
    replay: 'atomic',
    script: null,
    ...parts,
  };
}

/** Passes of one token at a single layer: one row of choices each. */
export const single = (...rows: readonly number[][]): Scenario['passes'] => rows.map((row) => [[row]]);

/** A predictor that says these scores: `says({ '1/0': { 5: 0.75 } })` gives expert 5 in pass 1 once layer 0 is known; all others 0. */
export function says(
  scores: Readonly<Record<string, Readonly<Record<number, number>>>>,
  { costNs = 0, ...limits }: Partial<PrefetchLimits> & { costNs?: number } = {},
): Script {
  return {
    limits: { horizon: 1, correction: false, minProbability: 0.25, perLayer: 4, ...limits },
    costNs,
    score: (pass, after, id) => scores[`${pass}/${after}`]?.[id] ?? 0,
  };
}

/** Sum of a counter over all passes and layers. */
export function sum(outcome: Outcome, counter: keyof LayerOutcome): number {
  return outcome.passes.reduce((total, pass) => total + pass.layers.reduce((part, layer) => part + layer[counter], 0), 0);
}
