// Buffers outside the cache (L11) and plans that are carried through (L12), by hand.
import { describe, expect, it } from 'vitest';
import { simulateByEngine } from '../harness.js';
import { says, world } from '../world.js';

describe('L11 prefetches into buffers', () => {
  const layers = [{}, { denseNs: 30 }];
  /** Pass 1 loads 0 and 1 (0-20) into both slots and executes them until 30; 5 comes 30-40, layer 1 is known at 60. */
  const afterTheEvent = { layers, script: says({ '1/0': { 5: 1 } }, { costNs: 30 }) };

  it('a wrong one evicts nothing', async () => {
    const passes = [[[[0, 1], []]], [[[0, 1], []]]];
    const staged = await simulateByEngine(world({ ...afterTheEvent, passes, staging: 1 }));
    expect(staged).toMatchObject({ wasted: 1, wastedBytes: 10, h2d: { prefetches: 1 } });
    expect(staged.passes[1]!.layers[0]).toMatchObject({ hits: 2, evictions: 0 });
    const inSlots = await simulateByEngine(world({ ...afterTheEvent, passes }));
    expect(inSlots.passes[1]!.layers[0]).toMatchObject({ hits: 1, misses: 1 });
  });

  it('one that is demanded moves into the cache in its turn', async () => {
    const outcome = await simulateByEngine(world({ ...afterTheEvent, passes: [[[[0, 1], [1]]]], staging: 1 }));
    expect(outcome.passes[0]!.layers[1]).toMatchObject({ hits: 1, misses: 0, streamed: 0, startNs: 60, endNs: 70 });
    expect(outcome).toMatchObject({ useful: 1, wasted: 0 });
    expect(outcome.passes[0]!.gpu).toEqual([1, 5]);
  });

  it('one that is not admitted is executed where it is', async () => {
    const outcome = await simulateByEngine(
      world({ ...afterTheEvent, passes: [[[[0, 1], [1]]], [[[], [1]]]], staging: 1, capacityBytes: 0 }),
    );
    expect(outcome.passes[0]!.layers[1]).toMatchObject({ hits: 1, streamed: 0 });
    expect(outcome.passes[1]!.layers[1]).toMatchObject({ misses: 1, streamed: 1 });
  });

  it('one without a buffer is dropped, and gets the one that is given back on arrival', async () => {
    // 4 comes 0-10; layer 1 is known at 4 and does not want it. 8 is planned then, for layer 2, and starts at 10.
    const run = (scores: Readonly<Record<number, number>>) =>
      simulateByEngine(
        world({
          layers: [{}, { denseNs: 4 }, { denseNs: 30 }],
          passes: [[[[], [], [0]]]],
          staging: 1,
          script: says({ '1/0': scores, '1/1': { 8: 1 } }),
        }),
      );
    const one = await run({ 4: 1 });
    expect(one).toMatchObject({ useful: 1, wasted: 1, dropped: 0 });
    expect(one.passes[0]!.layers[2]).toMatchObject({ hits: 1, startNs: 34 });
    // 5 finds no buffer while 4 has it; its lane is free at 10 only, when the layer is known.
    expect(await run({ 4: 1, 5: 0.5 })).toMatchObject({ cancelled: 1, useful: 1 });
  });
});

describe('L12 cancel: off', () => {
  it('brings all that was planned, and the layer waits for its part of it', async () => {
    // 4 comes 0-10. Layer 1 is known at 4 and wants 6: carried through, 5 comes 10-20 and 6 20-30; else 6 comes 10-20.
    const run = (cancel: boolean) =>
      simulateByEngine(
        world({
          layers: [{}, { denseNs: 4 }],
          passes: [[[[], [2]]]],
          capacityBytes: 120,
          script: says({ '1/0': { 4: 1, 5: 0.75, 6: 0.5 } }, { cancel }),
        }),
      );
    const through = await run(false);
    expect(through).toMatchObject({ late: 1, cancelled: 0, h2d: { demands: 0, prefetches: 3, busyNs: 30 } });
    expect(through.passes[0]!.layers[1]).toMatchObject({ late: 1, misses: 0, endNs: 40 });
    const cancelled = await run(true);
    expect(cancelled).toMatchObject({ late: 0, cancelled: 1, h2d: { demands: 1, prefetches: 1 } });
    expect(cancelled.passes[0]!.layers[1]).toMatchObject({ misses: 1, endNs: 30 });
  });
});
