// L13: misses that copies serve since the classes of their tokens take them, by hand. Experts of 10 bytes take the GPU 10 ns, a byte the link 1.
import { describe, expect, it } from 'vitest';
import { ruleOf, withCopies } from '../../../src/system/miss-rules.js';
import { simulateByEngine } from '../harness.js';
import type { Scenario } from '../scenario.js';
import { world } from '../world.js';

const run = (shares: readonly number[], parts: Pick<Scenario, 'contents' | 'passes'> & Partial<Scenario>) =>
  simulateByEngine(world({ layers: [{}], onMiss: withCopies({ written: 'load', rules: [ruleOf('load')] }, shares).rules, ...parts }));

describe('a class that is content with copies', () => {
  it('is served from them where nobody else chose the expert and it is not there whole', async () => {
    // A pass of one such token, of one that is not, of one that is again, and of one of each.
    const passes: Scenario['passes'] = [[[[0, 1]]], [[[0]]], [[[0]]], [[[1, 2]], [[2, 3]]]];
    const outcome = await run([0.5], { passes, contents: [0.5, 1, 0.5, 0.5, 1] });
    // Copies are there at 5 and 10: 5 to 25. Expert 0 comes whole, 25 to 35, and then serves everyone: to 45 and 55. Of the last pass expert 1
    // alone is of the one class: copied until 60; 2 and 3 come whole until 70 and 80, and 3 is executed until 90.
    expect(outcome.passes.map(({ endNs, gpu, layers }) => [endNs, gpu, layers[0]!.misses, layers[0]!.onDemandBytes])).toEqual([
      [25, [], 2, 10],
      [45, [0], 1, 10],
      [55, [0], 0, 0],
      [90, [2, 3], 3, 25],
    ]);
    expect(outcome.byContent).toEqual({ 0.5: { activations: 5, degraded: 3 }, 1: { activations: 3, degraded: 0 } });
  });

  it('shares an expert with another in the larger of their copies', async () => {
    // In order of last appearance 1, of 3 bytes, and 0, of 5: there at 3 and 8, executed until 13 and 23.
    const outcome = await run([0.5, 0.3], { passes: [[[[0, 1]], [[0]]]], contents: [0.3, 0.5] });
    expect(outcome.passes.map(({ endNs, layers }) => [endNs, layers[0]!.onDemandBytes])).toEqual([[23, 8]]);
    expect(outcome.byContent).toEqual({ 0.3: { activations: 2, degraded: 2 }, 0.5: { activations: 1, degraded: 1 } });
    // The other way round both are of 5 bytes: there at 5 and 10, executed until 25.
    const turned = await run([0.5, 0.3], { passes: [[[[0, 1]], [[0]]]], contents: [0.5, 0.3] });
    expect(turned.passes.map(({ endNs, layers }) => [endNs, layers[0]!.onDemandBytes])).toEqual([[25, 10]]);
  });

  it('finds copies that stay', async () => {
    const copies = { share: 0.5, policy: 'lru', scope: 'global' as const, additive: false };
    // Of 20 bytes 10 are of copies. The first token waits 5 ns for its copy, the second for nothing.
    const outcome = await run([0.5], { passes: [[[[0]]], [[[0]]]], contents: [0.5, 0.5], copies });
    expect(outcome.passes.map(({ copies: held, endNs, gpu }) => [endNs, gpu, held])).toEqual([
      [15, [], [0]],
      [25, [], [0]],
    ]);
    expect([outcome.copies, outcome.copyHits, outcome.degraded]).toEqual([1, 1, 2]);
  });

  it('comes before the rules of the system', async () => {
    const onMiss = withCopies({ written: 'skip', rules: [ruleOf('skip')] }, [0.5]).rules;
    const { degraded, skipped } = await run([0.5], { passes: [[[[0]], [[1]]]], contents: [0.5, 1], onMiss });
    expect([degraded, skipped]).toEqual([1, 1]);
  });
});
