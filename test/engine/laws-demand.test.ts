// Laws L1-L7, which know nothing of time: one hand-made example each. Properties are in laws-properties.test.ts.
import { describe, expect, it } from 'vitest';
import { NULL_EXPERT } from '../../src/trace/trace.js';
import { simulateByEngine } from './harness.js';
import { single, sum, world } from './world.js';

const NONE = NULL_EXPERT;

describe('L1 Demand', () => {
  it('L1 a demand is a set: repeated choices count once, null choices not at all', async () => {
    const tokens = [[[1, 2]], [[2, 1]], [[2, NONE]]];
    const outcome = await simulateByEngine(world({ layers: [{ activationNs: 7 }], passes: [tokens] }));
    expect([sum(outcome, 'events'), sum(outcome, 'demanded')]).toEqual([1, 2]);
    // n(1) = 2 and n(2) = 3 activations share one read of the weights: max(10, 2 x 7) + max(10, 3 x 7).
    expect(sum(outcome, 'computeNs')).toBe(14 + 21);
  });

  it('L1 an empty demand is no event and takes no time', async () => {
    const outcome = await simulateByEngine(world({ layers: [{}, { denseNs: 30 }], passes: [[[[0, 1], []]]] }));
    expect(outcome.passes[0]!.layers[1]).toMatchObject({ events: 0, demanded: 0, startNs: 30 + 30, endNs: 60 });
  });
});

describe('L2 Atomic judgement', () => {
  it('L2 members are judged before the event changes anything', async () => {
    // Two slots, 0 and 1 resident. Judged one after another, loading 2 would evict 0 and make 0 a miss; judged at once, 0 is a hit.
    const outcome = await simulateByEngine(world({ layers: [{ experts: 4 }], passes: single([0, 1], [2, 0]) }));
    expect(outcome.passes[1]!.layers[0]).toMatchObject({ hits: 1, misses: 1 });
    expect(outcome.passes[1]!.gpu).toEqual([0, 2]);
  });
});

describe('L3 Order', () => {
  it('L3 members are used in the order of their last appearance', async () => {
    // Choices 0 1 | 2 0: last appearances 1, 2, 0, so 1 is the least recently used of the three.
    const [first, second] = (await simulateByEngine(world({ layers: [{}], capacityBytes: 30, passes: [[[[0, 1]], [[2, 0]]], [[[3]]]] })))
      .passes;
    expect(first!.gpu).toEqual([0, 1, 2]);
    expect(second!.gpu).toEqual([0, 2, 3]);
  });

  it('L3 the streamed are the last in that order', async () => {
    // Order 1, 2, 0 and two slots: 1 and 2 enter, 0 finds every resident pinned.
    const outcome = await simulateByEngine(world({ layers: [{}], passes: [[[[0, 1]], [[2, 0]]]] }));
    expect(outcome.passes[0]!.gpu).toEqual([1, 2]);
    expect(sum(outcome, 'streamed')).toBe(1);
  });
});

describe('L4 Pins', () => {
  it('L4 a member is not evicted for another member', async () => {
    // FIFO would evict 0, the oldest, for 2; but 0 is a member, so 1 goes.
    const outcome = await simulateByEngine(world({ layers: [{}], policy: 'fifo', passes: single([0, 1], [2, 0]) }));
    expect(outcome.passes[1]!.gpu).toEqual([0, 2]);
  });
});

describe('L5 Eviction', () => {
  it('L5 evicts only when bytes are too few, and as many as it takes', async () => {
    // Sizes 10 and 25, capacity 30: 0 and 1 (20 bytes) both leave for an expert of layer 1.
    const outcome = await simulateByEngine(world({ layers: [{}, { bytes: 25 }], capacityBytes: 30, passes: [[[[0, 1], [0]]]] }));
    expect(outcome.passes[0]!.gpu).toEqual([4]);
    expect(outcome.passes[0]!.layers.map(({ evictions }) => evictions)).toEqual([2, 0]); // counted where the victims belong
  });

  it('L5 an expert that the policy refuses is streamed', async () => {
    // One slot; 0 is used again next, 1 never: Belady streams 1.
    const outcome = await simulateByEngine(world({ layers: [{}], policy: 'belady', capacityBytes: 10, passes: single([0], [1], [0]) }));
    expect([sum(outcome, 'hits'), sum(outcome, 'streamed'), sum(outcome, 'evictions')]).toEqual([1, 1, 0]);
  });

  it('L5 an expert larger than the cache is streamed and evicts nobody', async () => {
    const outcome = await simulateByEngine(world({ layers: [{}, { bytes: 25 }], capacityBytes: 20, passes: [[[[0, 1], [0]]]] }));
    expect(outcome.passes[0]!.gpu).toEqual([0, 1]);
    expect(sum(outcome, 'streamed')).toBe(1);
  });
});

describe('L6 Scope', () => {
  const passes = [
    [
      [
        [0, 1],
        [0, 1],
        [0, 1],
      ],
    ],
  ];

  it('L6 layer: an even split in whole experts, the remainder to the earliest layers', async () => {
    const outcome = await simulateByEngine(world({ layers: [{}, {}, {}], scope: 'layer', capacityBytes: 55, passes }));
    expect(outcome.passes[0]!.gpu).toEqual([0, 1, 4, 5, 8]); // 2, 2 and 1 slots
  });

  it('L6 global: one cache for all layers', async () => {
    const outcome = await simulateByEngine(world({ layers: [{}, {}, {}], scope: 'global', capacityBytes: 55, passes }));
    expect(outcome.passes[0]!.gpu).toEqual([1, 4, 5, 8, 9]); // only 0 has left
  });
});

describe('L7 Replay', () => {
  const rows = single([0, 1], [2, 0]);

  it('L7 sequential: each activation is an event, nothing else is pinned', async () => {
    // Two slots, accesses 0 1 2 0: 2 evicts 0 (the least recently used), which is a miss a moment later.
    const outcome = await simulateByEngine(world({ layers: [{}], passes: rows, replay: 'sequential' }));
    expect([sum(outcome, 'events'), sum(outcome, 'hits'), sum(outcome, 'misses')]).toEqual([4, 0, 4]);
  });

  it('L7 atomic: the same rows are two events', async () => {
    const outcome = await simulateByEngine(world({ layers: [{}], passes: rows }));
    expect([sum(outcome, 'events'), sum(outcome, 'hits'), sum(outcome, 'misses')]).toEqual([2, 1, 3]);
  });

  it('L7 sequential: an expert that two tokens choose is demanded twice', async () => {
    const outcome = await simulateByEngine(world({ layers: [{}], passes: [[[[0]], [[0]]]], replay: 'sequential' }));
    expect([sum(outcome, 'demanded'), sum(outcome, 'hits')]).toEqual([2, 1]);
  });
});
