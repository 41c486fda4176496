// Laws L9-L14, which are about time: hand-made examples with the arithmetic beside them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { simulate } from '../../src/engine/simulate.js';
import { Link } from '../../src/engine/transfer/link.js';
import type { MissAction } from '../../src/system/actions.js';
import { ruleOf } from '../../src/system/miss-rules.js';
import { simulateByEngine } from './harness.js';
import { wholeLink, wholeMachine } from './scenario.js';
import { says, single, sum, world } from './world.js';

// Experts of 10 bytes take 10 ns on the GPU and, on the plain link of 1 ns per byte, 10 ns to load.

describe('L9 Time', () => {
  it('L9 hits run first, then the others as they arrive; stall is what is left', async () => {
    // Pass 1 loads 0 (arrives at 10) and 1 (20): 0 runs 10-20, 1 runs 20-30, stall 10.
    // Pass 2, from 30: 0 is a hit and runs 30-40, 2 arrives at 40 and runs 40-50: no stall, the hit hid the load.
    const outcome = await simulateByEngine(world({ layers: [{}], passes: single([0, 1], [2, 0]) }));
    expect(outcome.passes.map(({ endNs }) => endNs)).toEqual([30, 50]);
    expect(outcome.passes.map(({ layers }) => layers[0]!.stallNs)).toEqual([10, 0]);
  });

  it.each([
    ['t4', 'even'],
    // Both GPUs have the same to do: one token each, and all experts.
    ['2x-rtx-4090', 'replicated:hottest=8'],
  ])('L9 nothing stalls where every expert is resident, not even by a rounding error (%s)', async (hardware, placement) => {
    const { perLayer } = await simulate({
      model: 'mini-mixtral-8x8l',
      hardware,
      system: { name: 'resident', cache: { capacity: '100%', policy: 'static' }, placement },
      workload: { batch: 2, tokens: 400, prompt: 0, output: 100 },
    });
    expect(perLayer.stallNs).toEqual(Array.from({ length: 8 }, () => 0));
  });

  it('L9 dense work comes first, the tail and the overhead of the pass come last', async () => {
    const hardware = wholeMachine([wholeLink('h2d', 1)], { passNs: 3 });
    const outcome = await simulateByEngine(world({ layers: [{ denseNs: 40 }], tailNs: 7, hardware, passes: single([0]) }));
    expect(outcome.passes[0]!.layers[0]).toMatchObject({ startNs: 40, endNs: 60 });
    expect(outcome.passes[0]!.endNs).toBe(60 + 7 + 3);
  });
});

/** A link of 2 ns a byte, with the arrivals that it notes. */
const link = (lanes: number, chunkBytes: number | null = null, latencyNs = 5) => {
  const arrivals = new Float64Array(8);
  return { link: new Link(wholeLink('h2d', 2, latencyNs, lanes, chunkBytes), arrivals), arrivals };
};

/** A link of two paths: 2 ns a byte after 4 ns, and 4 ns a byte after 10. */
const paths = (flows: 'single' | 'split', arrivals = new Float64Array(8)) => {
  const two = [
    { bandwidth: 0.5e9, latencyNs: 4 },
    { bandwidth: 0.25e9, latencyNs: 10 },
  ];
  return new Link({ ...wholeLink('h2d', 1), lanes: flows === 'single' ? 2 : 1, bandwidth: 0.75e9, paths: two, flows }, arrivals);
};

describe('L10 Links', () => {
  it('L10 a transfer takes latency + bytes / bandwidth, one after another on a lane', () => {
    const { link: one } = link(1);
    expect(one.demand(0, 10, 100)).toBe(100 + 5 + 20);
    expect(one.demand(1, 10, 100)).toBe(125 + 25);
  });

  it('L10 lanes share the bandwidth: two transfers at once, each at half the speed', () => {
    const spec = { ...wholeLink('h2d', 1, 0, 1), lanes: 2 };
    const two = new Link(spec, new Float64Array(2));
    expect([two.demand(0, 10, 0), two.demand(1, 10, 0), two.demand(1, 10, 0)]).toEqual([20, 20, 40]);
  });

  it('L10 a started prefetch is not interrupted', () => {
    const { link: one } = link(1);
    one.prefetch(0, 7, 10, 0);
    expect(one.demand(0, 10, 1)).toBe(25 + 25);
  });

  it('L10 with chunks a demand goes between two of them, and the prefetch arrives so much later', () => {
    const { link: one, arrivals } = link(1, 4);
    one.prefetch(0, 7, 10, 0); // latency until 5, chunks of 4, 4 and 2 bytes: boundaries at 13, 21, 25
    expect(one.demand(0, 10, 6)).toBe(13 + 25);
    expect(arrivals[7]).toBe(25 + 25);
    expect(one.demand(1, 10, 20)).toBe(38 + 25); // behind the demand before, ahead of the remaining chunks
    expect(arrivals[7]).toBe(50 + 25);
    one.promote(7);
    expect(one.demand(2, 10, 64)).toBe(75 + 25); // a promoted prefetch yields to nothing
  });
});

describe('L10 Links of several paths', () => {
  it('L10 over several paths, single flows: each transfer runs where it ends first', () => {
    const link = paths('single');
    expect(link.transferNs(10)).toBe(4 + 20);
    expect(link.peek(10, 0)).toBe(24);
    expect(link.demand(0, 10, 0)).toBe(24); // the other path would take 50
    expect(link.demand(1, 10, 0)).toBe(48); // behind the first is still sooner
    expect(link.demand(2, 10, 0)).toBe(50); // 72 there, 50 on the other
    expect([link.freeNs(0), link.freeNs(1)]).toEqual([48, 50]);
    // Both are free at 60, the second path since longer: a prefetch takes the one where it ends first all the same.
    link.prefetch(link.nextLane(), 3, 10, 60);
    expect(link.freeNs(0)).toBe(84);
  });

  it('L10 over several paths, split flows: the parts of a transfer end together', () => {
    const link = paths('split');
    // (T - 4) / 2 + (T - 10) / 4 = 10 bytes: T = 19 1/3; 7 2/3 and 2 1/3 bytes.
    expect(link.transferNs(10)).toBeCloseTo(58 / 3, 9);
    // 3 bytes are over after 10 ns on the first path alone: the second one cannot help.
    expect(link.transferNs(3)).toBe(10);
    expect(link.demand(0, 3, 0)).toBe(10);
    expect(link.demand(1, 10, 5)).toBeCloseTo(10 + 58 / 3, 9); // all paths are one server
  });

  it('L10, L20 a transfer alone is never later when it is split, and never sooner than the bandwidth of all paths allows', () => {
    const path = fc.record({
      bandwidth: fc.integer({ min: 1, max: 1000 }).map((n) => n * 1e6),
      latencyNs: fc.integer({ min: 0, max: 5000 }),
    });
    fc.assert(
      fc.property(fc.array(path, { minLength: 2, maxLength: 5 }), fc.integer({ min: 1, max: 1e6 }), (several, bytes) => {
        const bandwidth = several.reduce((sum, one) => sum + one.bandwidth, 0);
        const spec = { name: 'h2d' as const, bandwidth, latencyNs: 0, chunkBytes: null, paths: several };
        const split = new Link({ ...spec, lanes: 1, flows: 'split' }, new Float64Array(1)).demand(0, bytes, 0);
        const single = new Link({ ...spec, lanes: several.length, flows: 'single' }, new Float64Array(1)).demand(0, bytes, 0);
        expect(split).toBeLessThanOrEqual(single * (1 + 1e-12));
        // By then the paths together have moved the bytes, each from its latency on.
        const moved = several.reduce((sum, one) => sum + (Math.max(0, split - one.latencyNs) * one.bandwidth) / 1e9, 0);
        expect(moved).toBeCloseTo(bytes, 3);
      }),
      { seed: 10 },
    );
  });
});

describe('L10 Links that lose speed or lanes, and what is under way', () => {
  it('L10 a throttled link carries what starts afterwards more slowly, and what has started as fast as before', () => {
    const { link: one } = link(1);
    one.prefetch(0, 7, 10, 0); // until 25
    one.throttle(0.5);
    expect(one.demand(0, 10, 10)).toBe(25 + 5 + 40);
    one.throttle(1);
    expect(one.demand(1, 10, 10)).toBe(70 + 25);
  });

  it('L10 what runs on a lane that is lost runs again on another, and nothing interrupts it there', () => {
    const { link: two, arrivals } = link(2, 4); // 2 ns a byte on each lane
    two.prefetch(0, 6, 10, 0); // until 25
    two.prefetch(1, 7, 10, 2); // until 27
    two.keepLanes(1, 11);
    // Between two chunks of the other prefetch: 5 + 8 = 13, there for 25 ns; the other arrives so much later.
    expect([arrivals[7], arrivals[6]]).toEqual([38, 50]);
    expect([two.restarts, two.prefetches, two.demands]).toEqual([1, 2, 0]);
    expect(two.busyNs).toBe(25 + (11 - 2) + 25);
    expect(two.demand(0, 1, 30)).toBe(38 + 7); // right behind it, before the remaining chunks
    expect(two.placed.landed(37)).toEqual([]);
    expect(two.placed.landed(38)).toEqual([7]);
    two.keepLanes(2, 60);
    expect(two.demand(1, 1, 57)).toBe(57 + 7); // lane 0 is free at 57
    expect(two.demand(2, 1, 57)).toBe(60 + 7); // the lane that is back, from 60 on
  });

  it('L10 what is under way at a moment is busy until then, and not for what is left of it', () => {
    const { link: two } = link(2, 4);
    two.demand(0, 10, 0); // until 25
    two.prefetch(1, 6, 10, 30); // 30 to 55
    two.prefetch(0, 7, 10, 40); // 40 to 65
    expect([40, 55, 60, 65, 70].map((ns) => two.busyBy(ns))).toEqual([25 + 10, 25 + 25 + 15, 25 + 25 + 20, 75, 75]);
    two.demand(1, 10, 41); // between two chunks, 43 to 68: the prefetch arrives at 80
    expect([70, 80].map((ns) => two.busyBy(ns))).toEqual([25 + 40 + 25, 100]);
  });

  it('L10 demands precede prefetches that wait, and never one that runs', async () => {
    // Pass 1: layer 0 is computed 0-0 (nothing chosen), prefetches of 4 and 5 (layer 1) are planned at 0. Layer 1 is known at 4: 4 runs
    // until 10, 5 has not started and is cancelled; the demand of 6 starts at 10.
    const outcome = await simulateByEngine(
      world({
        layers: [{}, { denseNs: 4 }],
        passes: [[[[], [2]]]],
        script: says({ '1/0': { 4: 1, 5: 0.5 } }),
        capacityBytes: 80,
      }),
    );
    expect(outcome.passes[0]!.endNs).toBe(10 + 10 + 10);
    expect(outcome).toMatchObject({ cancelled: 1, h2d: { demands: 1, prefetches: 1 } });
  });
});

/** Two layers of the three follow on dense work; one token takes the first expert of each. */

const layers = [{}, { denseNs: 15 }, { denseNs: 15 }];
const passes = [[[[0], [0], [0]]]];

describe('L11 Prefetch', () => {
  it('L11 nearest layer first, then by probability, then by id', async () => {
    // Layers are offset by 4. Planned at 0, behind the load of 0 (0-10): 6 and 5 (layer 1, by probability), then 9 and 10 (layer 2, by id).
    // Layer 0 runs 10-20; layer 1 is known at 42, when 6 (10-20), 5 (20-30) and 9 (30-40) have arrived and 10 (40-50) is on its way.
    // Its demand, 4, is loaded 50-60 and runs until 70; layer 2 is known at 85 and demands 10.
    const outcome = await simulateByEngine(
      world({
        layers: [{}, { denseNs: 22 }, { denseNs: 15 }],
        passes: [[[[0], [0], [2]]]],
        capacityBytes: 120,
        script: says({ '1/-1': { 5: 0.5, 6: 0.75, 9: 0.25, 10: 0.25, 11: 0.125 } }, { horizon: 3 }),
      }),
    );
    const [, second, third] = outcome.passes[0]!.layers;
    expect(second).toMatchObject({ startNs: 42, endNs: 70, misses: 1, prefetchBytes: 20 });
    expect(third).toMatchObject({ startNs: 85, endNs: 95, hits: 1, prefetchBytes: 20 });
    expect(outcome).toMatchObject({ useful: 1, wasted: 0, cancelled: 0 });
  });

  it('L11 the more probable goes first', async () => {
    const fates = async (denseNs: number) => {
      const script = says({ '1/0': { 5: 0.5, 6: 0.75 } });
      const { useful, late, cancelled } = await simulateByEngine(
        world({ layers: [{}, { denseNs }], passes: [[[[0], [1, 2]]]], capacityBytes: 120, script }),
      );
      return { useful, late, cancelled };
    };
    // 6 moves 10-20, 5 moves 20-30; layer 0 ends at 20.
    expect(await fates(10)).toEqual({ useful: 2, late: 0, cancelled: 0 });
    expect(await fates(5)).toEqual({ useful: 1, late: 1, cancelled: 0 });
  });

  it('L11 a slot is taken when the transfer starts, never from a nearer or more probable expert', async () => {
    // Two slots. 0 is loaded (0-10) and pinned until its event ends at 20. 4 takes the second slot at 10; at 20 the lane is free: 5 takes
    // 0's slot; 6 (less probable) may evict neither and is dropped.
    const outcome = await simulateByEngine(
      world({ layers, passes, capacityBytes: 20, script: says({ '1/0': { 4: 1, 5: 0.75, 6: 0.5 } }) }),
    );
    expect(outcome).toMatchObject({ dropped: 1, useful: 1 });
    expect(outcome.passes[0]!.layers[1]).toMatchObject({ hits: 1, prefetchBytes: 20 });
  });

  it('L11 what is planned leaves for a prefetch only where nothing else can', async () => {
    // Pass 1 leaves 4; pass 2 loads 0 and 1 into the other two slots. 5 is expected before 4, which is the least recently used of the
    // three: still 0 goes, whose event is over, and both members of layer 1 are hits.
    const outcome = await simulateByEngine(
      world({
        layers: [{}, { denseNs: 30 }],
        capacityBytes: 30,
        passes: [
          [[[], [0]]],
          [
            [
              [0, 1],
              [0, 1],
            ],
          ],
        ],
        script: says({ '2/0': { 5: 1, 4: 0.5 } }, { costNs: 50 }), // when the event of 0 and 1 is over
      }),
    );
    expect(outcome.passes[1]!.layers[1]).toMatchObject({ hits: 2, prefetchBytes: 10 });
  });
});

describe('L11 Prefetch that waits, and its limits', () => {
  it('L11 what is planned and evicted by a demand waits for a transfer again', async () => {
    // Pass 1 leaves 2, 8 and 9. In pass 2, 8 is expected at layer 2 and resident; layer 0 evicts 2 and 8 for its demand. 8 comes back.
    const outcome = await simulateByEngine(
      world({
        layers: [{}, {}, { denseNs: 30 }],
        capacityBytes: 30,
        passes: [[[[2], [], [0, 1]]], [[[0, 1], [], [0]]]],
        script: says({ '2/-1': { 8: 1 } }, { horizon: 3 }),
      }),
    );
    expect(outcome.passes[1]!.layers[0]).toMatchObject({ misses: 2, evictions: 1 });
    expect(outcome.passes[1]!.layers[2]).toMatchObject({ hits: 1, prefetchBytes: 10 });
  });

  it('L11 three tiers: a prefetch from the SSD does not take the DRAM copy of a transfer that starts before it', async () => {
    // DRAM of two experts holds 5 and, from 40 on, 4 (SSD 0-40). 5 may start to the GPU at 0; at 40 its copy may go for 6.
    const outcome = await simulateByEngine(
      world({
        layers: [{}, { denseNs: 200 }],
        hardware: wholeMachine([wholeLink('h2d', 1), wholeLink('ssd', 4)]),
        capacityBytes: 80,
        dram: { policy: 'lru', capacityBytes: 20 },
        onMiss: 'static', // leaves 5 in DRAM, not on the GPU
        passes: [[[[], [1]]], [[[], [0, 1]]]],
        script: says({ '2/0': { 4: 1, 6: 0.75, 5: 0.5 } }),
      }),
    );
    // 4, 6 and 5 are all there in the end: 5 needs no second SSD transfer.
    expect(outcome).toMatchObject({ useful: 2, ssd: { demands: 1, prefetches: 2 } });
  });

  it('L11 a free lane takes the first of the plan whose prediction is there', async () => {
    // At 0 the first prediction scores six experts and takes 6, the one after layer 0 scores three and takes 3: 6 comes 3-13, 5 13-23.
    const outcome = await simulateByEngine(
      world({
        layers: [{}, { experts: 1, denseNs: 14 }, { experts: 1 }, { experts: 1 }],
        passes: [[[[], [], [], [0]]]],
        script: { ...says({ '1/-1': { 5: 1 }, '1/0': { 6: 1 } }, { horizon: 3 }), expertNs: 1 },
      }),
    );
    expect(outcome.passes[0]!.layers[3]).toMatchObject({ hits: 1, startNs: 14, endNs: 24 });
    expect(outcome).toMatchObject({ useful: 1, h2d: { prefetches: 2, demands: 0 } });
  });

  it('L11 limits: minimum probability, experts per layer, horizon; the predictor takes its time', async () => {
    const scores = { '1/0': { 4: 1, 5: 0.75, 6: 0.5, 7: 0.125, 9: 1 } };
    const prefetched = async (limits: Parameters<typeof says>[1]) =>
      (await simulateByEngine(world({ layers: [{}, { denseNs: 500 }, {}], passes, capacityBytes: 120, script: says(scores, limits) }))).h2d
        .prefetches;
    expect(await prefetched({})).toBe(3);
    expect(await prefetched({ minProbability: 0.75 })).toBe(2);
    expect(await prefetched({ perLayer: 1 })).toBe(1);
    expect(await prefetched({ horizon: 2, correction: true })).toBe(4); // 9, of layer 2, as well
    expect(await prefetched({ costNs: 485 })).toBe(3); // planned at 485: 485-515 and done before the layer is known at 520
    expect(await prefetched({ costNs: 515 })).toBe(1); // one starts at 515, the others are cancelled at 520
  });
});

describe('L4 Pins in time', () => {
  it('L4 an expert in flight is not evicted: a demand without a slot is streamed', async () => {
    // One slot. 4 is on its way into it (0-10) when layer 1 is known at 4 and demands 5.
    const outcome = await simulateByEngine(
      world({ layers: [{}, { denseNs: 4 }], passes: [[[[], [1]]]], capacityBytes: 10, script: says({ '1/0': { 4: 1 } }) }),
    );
    expect(outcome.passes[0]!.layers[1]).toMatchObject({ misses: 1, streamed: 1, evictions: 0 });
    expect(outcome.passes[0]!.gpu).toEqual([4]);
  });
});

describe('L12 Correction', () => {
  const layers = [{}, { denseNs: 4 }, { denseNs: 4 }];

  it('L12 a queued prefetch that is demanded becomes a demand, the others are cancelled', async () => {
    // Planned at 0: 4 (0-10), 5, 6. Layer 1 is known at 4 and demands 4 and 5: 4 is late, 5 a miss that goes first, 6 is cancelled.
    const outcome = await simulateByEngine(
      world({ layers, passes: [[[[], [0, 1], []]]], capacityBytes: 120, script: says({ '1/0': { 4: 1, 5: 0.5, 6: 0.5 } }) }),
    );
    expect(outcome.passes[0]!.layers[1]).toMatchObject({ late: 1, misses: 1, endNs: 30 });
    expect(outcome).toMatchObject({ cancelled: 1, late: 1, h2d: { demands: 1, prefetches: 1 } });
  });

  it('L12 correction: on plans the remaining layers anew, off keeps the first plan', async () => {
    // Before the pass 8 is expected at layer 2, and planned at 25. Layer 0 (demand 0) is loaded 0-10 and runs 10-20; layer 1 (demand 4) is
    // known at 20, loaded 20-30, runs 30-40; layer 2 (demand 9) is known at 70.
    // On: at 20 the plan says 9 instead, issued at 45, moved 45-55: a hit. Off: 8 moves 30-40, 9 is a miss.
    const run = (correction: boolean) =>
      simulateByEngine(
        world({
          layers: [{}, {}, { denseNs: 30 }],
          passes: [[[[0], [0], [1]]]],
          capacityBytes: 120,
          script: says({ '1/-1': { 8: 1 }, '1/1': { 9: 1 } }, { horizon: 3, correction, costNs: 25 }),
        }),
      );
    const on = await run(true);
    expect(on.passes[0]!.layers[2]).toMatchObject({ startNs: 70, hits: 1 });
    expect(on).toMatchObject({ useful: 1, cancelled: 1, h2d: { prefetches: 1 } });
    const off = await run(false);
    expect(off.passes[0]!.layers[2]).toMatchObject({ startNs: 70, misses: 1 });
    expect(off).toMatchObject({ useful: 0, cancelled: 0, h2d: { prefetches: 1 } });
  });
});

/** A link of 4 ns a byte. */
const hardware = wholeMachine([wholeLink('h2d', 4)], { handoverNs: 5 });
/** One event that misses experts 0 and 1. */
const run = (onMiss: MissAction) => simulateByEngine(world({ layers: [{}], hardware, passes: single([0, 1]), onMiss }));

// The second choice of two has half of the weight ranked better: it is served from a copy of half its bytes, the first one whole. Of 30
// bytes copies have 10, which are two, and whole experts 20, which are two as well.
const half = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY, above: 0.2, below: Number.POSITIVE_INFINITY };
const lessSo = { phase: null, tokens: null, pass: null, gate: { by: 'rank' as const, share: half } };
const copying = (additive: boolean, ...rows: readonly number[][]) => {
  const onMiss = [{ ...ruleOf('low-precision'), copyBytes: 0.5, when: lessSo }, ruleOf('load')];
  const copies = { share: 0.35, policy: 'lru', scope: 'global', additive } as const;
  return simulateByEngine(world({ layers: [{}], hardware, capacityBytes: 30, passes: single(...rows), onMiss, copies }));
};

describe('L13 cheaper', () => {
  it('L13 cheaper: the GPU executes what it has before what the link brings', async () => {
    // A link of 10 ns an expert. Alone, a miss is loaded: 10 + 10 against the CPU's 25. Beside two hits it would end at 20 + 10: the CPU takes it.
    const quick = wholeMachine([wholeLink('h2d', 1)], { handoverNs: 5 });
    const last = async (...hits: number[]) => {
      const passes = single(...hits.map((id) => [id]), [...hits, 3]);
      const outcome = await simulateByEngine(world({ layers: [{}], hardware: quick, topK: 3, passes, onMiss: 'cheaper' }));
      return [outcome.passes.at(-1)!.gpu.includes(3), outcome.cpuExperts];
    };
    expect(await last(0)).toEqual([true, 0]);
    expect(await last(0, 1)).toEqual([false, 1]);
  });

  it('L13 cheaper by rate: the handover counts in the time, not in the choice', async () => {
    const far = { ...hardware, cpu: { ...hardware.cpu!, handoverNs: 100 } };
    const ends = async (rule: object) => {
      const onMiss = [{ ...ruleOf('cheaper'), ...rule }];
      const outcome = await simulateByEngine(world({ layers: [{}], topK: 1, hardware: far, passes: single([0]), onMiss }));
      return [outcome.passes[0]!.endNs, outcome.cpuExperts];
    };
    expect(await ends({})).toEqual([40 + 10, 0]);
    expect(await ends({ byRate: true })).toEqual([100 + 20, 1]);
  });
});

describe('L13 Miss action', () => {
  // Two experts of 10 bytes, cold. CPU: 2 ns a byte = 20 each, handover 5; GPU 10 each; link 4 ns a byte = 40 each.

  it('L13 static: streamed, the placement never changes', async () => {
    const outcome = await run('static');
    expect(outcome.passes[0]).toMatchObject({ endNs: 80 + 10, gpu: [] });
    expect(sum(outcome, 'streamed')).toBe(2);
  });

  it('L13 load: transferred and inserted', async () => {
    const outcome = await run('load');
    expect(outcome.passes[0]).toMatchObject({ endNs: 80 + 10, gpu: [0, 1] });
  });

  it('L13 cpu: computed where they lie, one after another, nothing moves', async () => {
    const outcome = await run('cpu');
    expect(outcome.passes[0]).toMatchObject({ endNs: 5 + 20 + 20, gpu: [] });
    expect(outcome).toMatchObject({ cpuExperts: 2, h2d: { demands: 0 } });
    expect(sum(outcome, 'stallNs')).toBe(45); // the GPU idles meanwhile
  });

  it('L13 cpu: sockets compute beside one another, each the experts that lie with it', async () => {
    const sockets = { count: 2, numa: 'expert' as const, interconnect: { bandwidth: 1e9, latencyNs: 0 } };
    const two = { ...hardware, cpu: { ...hardware.cpu!, sockets } };
    // 0 and 2 lie with socket 0, 1 with socket 1: it computes 5-25, the other 5-25 and 25-45.
    const outcome = await simulateByEngine(world({ layers: [{}], hardware: two, topK: 3, passes: single([0, 1, 2]), onMiss: 'cpu' }));
    expect(outcome.passes[0]).toMatchObject({ endNs: 45, layers: [{ cpuNs: 60, stallNs: 45 }] });
  });

  it('L13 cheaper: whichever ends sooner, queues included', async () => {
    const outcome = await run('cheaper'); // first: CPU 25 against 40 + 10; second: CPU 45 against 50
    expect(outcome.cpuExperts).toBe(2);
    const three = await simulateByEngine(world({ layers: [{}], hardware, topK: 3, passes: single([0, 1, 2]), onMiss: 'cheaper' }));
    // third: CPU 65 against 50: loaded.
    expect(three).toMatchObject({ cpuExperts: 2, h2d: { demands: 1 } });
    expect(three.passes[0]).toMatchObject({ endNs: 50, gpu: [2] });
  });

  it('L13 background: what the CPU computes moves in while the link is idle', async () => {
    const rule = (after: number) => [{ ...ruleOf('cpu'), admit: 'background' as const, after }];
    const four = single([0], [0], [0], [0]);
    // The CPU ends at 25 and at 50. The promotion goes from 25 to 65: the third pass waits for it, the fourth has it.
    const once = await simulateByEngine(world({ layers: [{}], topK: 1, hardware, passes: four, onMiss: rule(1) }));
    expect(once.passes.map(({ endNs }) => endNs)).toEqual([25, 50, 75, 85]);
    expect(once).toMatchObject({ cpuExperts: 2, promoted: 1, late: 1, h2d: { demands: 0, prefetches: 1 } });
    // After the second miss: from 50 to 90, while the CPU computes the third.
    const twice = await simulateByEngine(world({ layers: [{}], topK: 1, hardware, passes: four, onMiss: rule(2) }));
    expect(twice.passes.map(({ endNs }) => endNs)).toEqual([25, 50, 75, 100]);
    expect(twice).toMatchObject({ cpuExperts: 3, promoted: 1, late: 1 });
  });
});

describe('L13 Miss action by rules', () => {
  it('L13 rules: the first that holds, by the tokens that chose the expert', async () => {
    const range = { min: 2, max: Number.POSITIVE_INFINITY, above: Number.NEGATIVE_INFINITY, below: Number.POSITIVE_INFINITY };
    const load = { ...ruleOf('load'), when: { phase: null, tokens: range, pass: null, gate: null } };
    const passes = [[[[0, 1]], [[0]]]]; // expert 0 for two tokens, 1 for one
    const outcome = await simulateByEngine(world({ layers: [{}], hardware, passes, onMiss: [load, ruleOf('cpu')] }));
    expect(outcome).toMatchObject({ cpuExperts: 1, h2d: { demands: 1 } });
    expect(outcome.passes[0]).toMatchObject({ gpu: [0] });
  });

  it('L13 rules: by the misses of the event', async () => {
    const two = { min: 2, max: Number.POSITIVE_INFINITY, above: Number.NEGATIVE_INFINITY, below: Number.POSITIVE_INFINITY };
    const second = { ...two, min: Number.NEGATIVE_INFINITY, above: 0 };
    const when = { phase: null, tokens: null, pass: null, misses: two, gate: { by: 'rank' as const, share: second } };
    const onMiss = [{ ...ruleOf('skip'), when }, ruleOf('load')];
    // Both are missed: the second is skipped, the first loaded in 40 and executed in 10. Then 0 is there, and 2 alone is missed.
    const outcome = await simulateByEngine(world({ layers: [{}], hardware, passes: single([0, 1], [0, 2]), onMiss }));
    expect(outcome).toMatchObject({ skipped: 1, h2d: { demands: 2 } });
    expect(outcome.passes.map(({ endNs }) => endNs)).toEqual([50, 100]);
  });

  it('L13 substitute: who was chosen with it most often stands in, where it is resident', async () => {
    const rules = [ruleOf('substitute'), ruleOf('load')];
    // 0 and 1 move in; then 2 is chosen with 1, for which no room is left: 0 leaves. 0 alone is missed, and 1 has been chosen with it.
    const passes = single([0, 1], [1, 2], [0]);
    const outcome = await simulateByEngine(world({ layers: [{}], hardware, passes, onMiss: rules }));
    expect(outcome).toMatchObject({ substituted: 1, degraded: 1, h2d: { demands: 3 } });
    // Loads of 40 each, the GPU 10 an expert, hits first: 90, then 40 + 10 for 2, then 10 for 1 in the place of 0.
    expect(outcome.passes.map(({ endNs }) => endNs)).toEqual([90, 140, 150]);
    expect(outcome.passes[2]).toMatchObject({ gpu: [1, 2], layers: [{ misses: 1, hits: 0 }] });
  });

  it('L13 skip and low-precision: by the share of better-ranked experts', async () => {
    const above = (value: number) => {
      const share = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY, above: value, below: Number.POSITIVE_INFINITY };
      return { phase: null, tokens: null, pass: null, gate: { by: 'rank' as const, share } };
    };
    const rules = [
      { ...ruleOf('skip'), when: above(0.6) },
      { ...ruleOf('low-precision'), copyBytes: 0.5, when: above(0.2) },
      ruleOf('load'),
    ];
    // Of three ranks 0, 1/3 and 2/3 of the weight are better: loaded, a copy of half the bytes, skipped.
    const outcome = await simulateByEngine(world({ layers: [{}], topK: 3, hardware, passes: single([3, 1, 2]), onMiss: rules }));
    expect(outcome).toMatchObject({ skipped: 1, degraded: 1, h2d: { demands: 2, demandBytes: 15 } });
    expect(outcome.passes[0]).toMatchObject({ endNs: 40 + 20 + 10, gpu: [3], layers: [{ streamed: 1 }] });
  });
});

describe('L13 Miss action with copies that stay', () => {
  it('L13 copies stay: one that is on the GPU serves at once, and an expert that is there whole serves whole', async () => {
    const outcome = await copying(false, [0, 1], [0, 1], [0, 2], [0, 3], [0, 1], [1, 0], [0, 1]);
    // 0 comes in 40, the copy of 1 in 20: 60 + 10. Then both are there: 10 + 10. Copies of 2, 3 and 1 take 20 each, beside 10 for 0. At
    // last 1 is asked for whole, in 40, and both are hits.
    expect(outcome.passes.map(({ endNs }) => endNs)).toEqual([70, 90, 120, 150, 180, 230, 250]);
    expect(outcome.passes.map(({ copies }) => copies)).toEqual([[1], [1], [1, 2], [2, 3], [1, 3], [1, 3], [1, 3]]);
    expect(outcome.passes.at(-1)!.gpu).toEqual([0, 1]);
    expect(outcome).toMatchObject({ copyHits: 1, copies: 4, copyEvictions: 2, degraded: 5, h2d: { demands: 6, demandBytes: 40 } });
    expect([sum(outcome, 'hits'), sum(outcome, 'misses'), sum(outcome, 'streamed')]).toEqual([7, 7, 0]);
    expect(outcome.peakBytes).toBe(30);
  });

  it('L13 copies that are slices: only the rest is loaded, and an evicted expert leaves its slice', async () => {
    const outcome = await copying(true, [0, 1], [1, 0], [2, 3], [1, 0]);
    // The rest of 1 comes in 20, beside 10 for 0. Then 2 comes whole in 40, 1 leaves its slice, and the copy of 3 comes in 20: 60 + 10. At
    // last the rest of 1 again; 2 leaves its slice, for which that of 3 goes.
    expect(outcome.passes.map(({ endNs }) => endNs)).toEqual([70, 100, 170, 200]);
    expect(outcome.passes.map(({ gpu }) => gpu)).toEqual([[0], [0, 1], [0, 2], [0, 1]]);
    expect(outcome.passes.map(({ copies }) => copies)).toEqual([[1], [], [1, 3], [2]]);
    expect(outcome).toMatchObject({ copyHits: 0, copies: 2, copyEvictions: 1, degraded: 2, h2d: { demands: 6, demandBytes: 40 } });
  });
});

describe('L14 Third tier', () => {
  // SSD 4 ns a byte = 40, h2d 1 ns a byte = 10.
  const hardware = wholeMachine([wholeLink('h2d', 1), wholeLink('ssd', 4)]);

  it('L14 a miss in DRAM crosses the SSD link, then the GPU link; DRAM keeps it', async () => {
    // One GPU slot, two in DRAM. Pass 1: 0 from the SSD, 40 + 10 + 10. Pass 2: 1 likewise, evicting 0 from the GPU, not from DRAM.
    // Pass 3: 0 from DRAM: 10 + 10. DRAM was asked for 0 last, so 2 (pass 4) evicts 1 there.
    const outcome = await simulateByEngine(
      world({
        layers: [{}],
        hardware,
        capacityBytes: 10,
        dram: { policy: 'lru', capacityBytes: 20 },
        passes: single([0], [1], [0], [2]),
      }),
    );
    expect(outcome.passes.map(({ endNs }) => endNs)).toEqual([60, 120, 140, 200]);
    expect(outcome.passes.map(({ dram }) => dram)).toEqual([[0], [0, 1], [0, 1], [0, 2]]);
    expect(outcome.ssd!.demands).toBe(3);
  });

  it('L14 the loads whose weights are in DRAM go first', async () => {
    // Pass 1 brings 0 to DRAM; the GPU holds nothing. Pass 2 (from 60) demands 1 (on the SSD, in DRAM at 100) and 0 (in DRAM): 0 is
    // loaded 60-70 and runs until 80, 1 is loaded 100-110 and runs until 120.
    const outcome = await simulateByEngine(
      world({ layers: [{}], hardware, capacityBytes: 0, dram: { policy: 'lru', capacityBytes: 20 }, passes: single([0], [1, 0]) }),
    );
    expect(outcome.passes.map(({ endNs }) => endNs)).toEqual([60, 120]);
  });

  it('L14 evicting moves no bytes; exclusive tiers write the victim back before its slot is free', async () => {
    // One slot: 1 replaces 0. Inclusive: load 20-30, run until 40. Exclusive: write back 20-30, load 30-40, run until 50.
    const passes = single([0], [1]);
    const inclusive = await simulateByEngine(world({ layers: [{}], capacityBytes: 10, passes }));
    expect(inclusive.passes.map(({ endNs }) => endNs)).toEqual([20, 40]);
    expect(inclusive).toMatchObject({ writeBacks: 0, h2d: { demandBytes: 20 } });
    const exclusive = await simulateByEngine(world({ layers: [{}], capacityBytes: 10, passes, exclusive: true }));
    expect(exclusive.passes.map(({ endNs }) => endNs)).toEqual([20, 50]);
    expect(exclusive).toMatchObject({ writeBacks: 1, writeBackBytes: 10, h2d: { demandBytes: 20 } });
  });
});
