// The event-atomic toy trace through the engine: 3 layers x 4 experts, 5 steps, 2 experts per layer and step, 2 slots per layer, LRU.
// A published demonstration trace with known counts; rebuilt here from its description.
import { describe, expect, it } from 'vitest';
import { simulateByEngine } from './harness.js';
import { sum, world } from './world.js';

// Each layer sees 0 1 | 0 2 | 0 1 | 0 3 | 0 1. Step 1 loads two experts: 2 misses. In every later step 0 is resident and the other is
// not: 1 hit, 1 miss, 1 eviction (never 0, which is pinned as a member). Per layer 4 hits, 6 misses, 4 evictions; three layers.
const rows = [
  [0, 1],
  [0, 2],
  [0, 1],
  [0, 3],
  [0, 1],
];
const scenario = world({
  layers: [{}, {}, {}],
  passes: rows.map((row) => [[row, row, row]]),
  capacityBytes: 3 * 2 * 10,
  scope: 'layer',
});

describe('event-atomic toy trace', () => {
  it('gives 30 accesses, 12 hits, 18 misses, 12 evictions', async () => {
    const outcome = await simulateByEngine(scenario);
    expect([sum(outcome, 'demanded'), sum(outcome, 'hits'), sum(outcome, 'misses'), sum(outcome, 'evictions')]).toEqual([30, 12, 18, 12]);
    expect(outcome.passes.map(({ layers }) => layers.map(({ hits }) => hits))).toEqual([
      [0, 0, 0],
      [1, 1, 1],
      [1, 1, 1],
      [1, 1, 1],
      [1, 1, 1],
    ]);
    expect(outcome.passes.at(-1)!.gpu).toEqual([0, 1, 4, 5, 8, 9]);
  });
});
