// Promotions in the background beside what is planned and what is demanded (L4, L11, L13), by hand.
import { describe, expect, it } from 'vitest';
import { type MissRule, ruleOf } from '../../../src/system/miss-rules.js';
import { simulateByEngine } from '../harness.js';
import { wholeLink, wholeMachine } from '../scenario.js';
import { says, single, world } from '../world.js';

const background = (action: 'cpu' | 'skip', after = 1): MissRule => ({ ...ruleOf(action), admit: 'background', after });

describe('L13 promotions in the background', () => {
  it('what is planned, finds no buffer and is promoted comes once', async () => {
    // Pass 1 skips 8 and ends at 80. In pass 2, 5 comes 80-90 into the only buffer; 8 finds none and is promoted 90-100, 0 100-110.
    const outcome = await simulateByEngine(
      world({
        layers: [{}, { denseNs: 40 }, { denseNs: 40 }],
        passes: [[[[], [], [0]]], [[[0], [1], [0]]]],
        onMiss: [background('skip')],
        staging: 1,
        script: says({ '2/-1': { 5: 1 }, '2/0': { 8: 1 } }, { horizon: 2, whenFull: 'wait' }),
      }),
    );
    expect(outcome).toMatchObject({ promoted: 2, useful: 2, dropped: 0, cancelled: 0, h2d: { demands: 0, prefetches: 3 } });
    expect(outcome.passes[1]!.layers.map(({ hits }) => hits)).toEqual([0, 1, 1]);
  });

  it('what is planned, finds no buffer and is promoted is not cancelled', async () => {
    const outcome = await simulateByEngine(
      world({
        layers: [{}, { denseNs: 40 }],
        passes: [[[[], [0]]], [[[0], [1]]]],
        onMiss: [background('skip')],
        staging: 1,
        script: says({ '2/0': { 5: 1, 4: 0.5 } }, { whenFull: 'wait' }),
      }),
    );
    expect(outcome).toMatchObject({ promoted: 2, useful: 1, cancelled: 0, h2d: { prefetches: 3 } });
  });

  it('a member of the running event that is promoted during it stays until its end', async () => {
    // The CPU takes 0-20 and 20-40; 0 is promoted 20-30. At 35 a prefetch of 4 finds only the slot of 0, which is a member until 40.
    const outcome = await simulateByEngine(
      world({
        layers: [{}, {}],
        passes: [
          [
            [[0], []],
            [[0], []],
          ],
          [[[0], []]],
        ],
        capacityBytes: 10,
        onMiss: [background('cpu')],
        replay: 'sequential',
        script: says({ '1/0': { 4: 1 } }, { costNs: 15 }),
      }),
    );
    expect(outcome).toMatchObject({ promoted: 1, dropped: 1, useful: 1, cpuExperts: 2 });
    expect(outcome.passes[1]).toMatchObject({ gpu: [0], endNs: 50 });
  });

  it('those that wait start in order: none before the one ahead of it', async () => {
    // Pass 1 reads 1 into DRAM 12-52 and ends at 72. In pass 2, 0 is on its way to DRAM 72-112; it is missed at 84, and so is 1. Both wait
    // from the end at 104: 0 goes 112-122 and 1 beside it. Pass 3 asks for them at 116.
    const everything = { min: 2, max: Infinity, above: -Infinity, below: Infinity };
    const byTwo = { ...background('cpu', 2), when: { phase: null, tokens: everything, pass: null, gate: null } };
    const outcome = await simulateByEngine(
      world({
        layers: [{ denseNs: 12 }],
        hardware: wholeMachine([wholeLink('h2d', 1, 0, 2), wholeLink('ssd', 4)]),
        passes: [[[[1]], [[1]]], [[[0, 1]], [[1]]], ...single([0, 1])],
        dram: { policy: 'lru', capacityBytes: 40 },
        onMiss: [byTwo, background('skip')],
        script: says({ '2/-1': { 0: 1 } }),
      }),
    );
    expect(outcome).toMatchObject({ promoted: 2, late: 2, cpuExperts: 2, skipped: 1 });
    expect(outcome.passes.map(({ endNs }) => endNs)).toEqual([72, 104, 142]);
  });
});
