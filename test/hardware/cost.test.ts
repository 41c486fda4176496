// The roofline, by hand.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CostModel } from '../../src/hardware/cost.js';
import { attendedPairs } from '../../src/hardware/dense-cost.js';
import type { ModelSpec } from '../../src/model/spec.js';
import { full, TOY as hardware, layer, none } from './toy.js';

const model: ModelSpec = {
  name: 'toy',
  quantization: 'bf16',
  hidden: 0,
  layers: [
    { ...layer, index: 0, offset: 0 },
    { ...layer, index: 1, offset: 4, expertBytes: 400, flopsPerToken: 800 },
  ],
  dense: {
    segments: [
      { weightBytes: 50, flopsPerToken: 100, attention: [full, full, { ...full, window: 4 }] },
      { weightBytes: 60, flopsPerToken: 100, attention: [none] },
      { weightBytes: 1000, flopsPerToken: 0, flopsPerSequence: 2000, attention: [] },
    ],
    weightBytes: 1110,
    kvBytesPerToken: 6,
  },
  experts: 8,
  parameters: { total: 0, active: 0 },
};
const cost = new CostModel(model, hardware);

describe('CostModel', () => {
  it('prices an expert by its bytes until its operations take longer', () => {
    expect(cost.expertNs(0, 1)).toBe(100 + 3);
    expect(cost.expertNs(0, 5)).toBe(100 + 3);
    expect(cost.expertNs(0, 6)).toBe(120 + 3);
    expect(cost.expertNs(1, 1)).toBe(400 + 3);
    expect(cost.cpuExpertNs(0, 1)).toBe(200 + 3);
    expect(cost.cpuExpertNs(0, 2)).toBe(400 + 3);
    expect(cost.handoverNs).toBe(13);
    expect(cost.passNs).toBe(11);
  });

  it('marks segments that cost what the one before does, and no others', () => {
    expect([...cost.repeats]).toEqual([0, 0, 0]);
    const [first, second] = model.dense.segments as [(typeof model.dense.segments)[0], (typeof model.dense.segments)[0]];
    const wider = { ...first, attention: [full, full, { ...full, window: 5 }] };
    const segments = [first, { ...first }, second, first, wider, wider];
    const several = new CostModel({ ...model, dense: { ...model.dense, segments } }, hardware);
    expect([...several.repeats]).toEqual([0, 1, 0, 0, 0, 1]);
    for (const tokens of [1, 7]) {
      const prices = segments.map((_, s) => several.denseNs(s, tokens, [3], [tokens], 1));
      expect(prices[1]).toBe(prices[0]);
      expect(prices[5]).toBe(prices[4]);
    }
  });

  it('has no CPU price where there is no CPU', () => {
    const alone = new CostModel(model, { ...hardware, cpu: null });
    expect(alone.cpuExpertNs(0, 1)).toBe(Number.POSITIVE_INFINITY);
    expect(alone.handoverNs).toBe(Number.POSITIVE_INFINITY);
  });

  it('a CPU that is throttled takes so much longer, its launches do not', () => {
    const slow = new CostModel(model, hardware);
    slow.throttleCpu(0.5);
    expect(slow.cpuExpertNs(0, 1)).toBe(400 + 3);
    slow.throttleCpu(1);
    expect(slow.cpuExpertNs(0, 1)).toBe(200 + 3);
  });
});

describe('CostModel of sequences', () => {
  it('reads dense weights once for each group of sequences that attend together', () => {
    const apart = new CostModel(model, hardware);
    apart.attending = 2;
    // Segment 2 is bound by its bytes, which every group reads.
    const whole = cost.denseNs(2, 5, [0, 0, 0, 0, 0], [1, 1, 1, 1, 1], 5);
    const one = (sequences: number) => cost.denseNs(2, sequences, [0, 0], [1, 1], sequences);
    expect(apart.denseNs(2, 5, [0, 0, 0, 0, 0], [1, 1, 1, 1, 1], 5)).toBe(one(2) + one(2) + one(1));
    expect(apart.denseNs(2, 5, [0, 0, 0, 0, 0], [1, 1, 1, 1, 1], 5)).toBeGreaterThan(whole);
    expect(apart.denseNs(2, 2, [0, 0], [1, 1], 2)).toBe(one(2));
    // Of a layer with attention, each sequence has its own context and tokens: groups of (0, 3) and (7), 2 + 1 and 4 tokens.
    const groups = cost.denseNs(0, 3, [0, 3], [2, 1], 2) + cost.denseNs(0, 4, [7], [4], 1);
    expect(apart.denseNs(0, 7, [0, 3, 7], [2, 1, 4], 3)).toBe(groups);
  });

  it('unpacks the latent of the whole context once a pass, for prompts of 128 tokens and more', () => {
    const latent = { ...full, unpacked: { flopsPerPair: 10, flopsPerToken: 5, bytesPerToken: 4 } };
    const segments = [{ weightBytes: 0, flopsPerToken: 0, attention: [latent] }];
    const one = { ...model, dense: { ...model.dense, segments } };
    const unpacking = new CostModel(one, { ...hardware, gpu: { ...hardware.gpu, unpacksLatent: true } });
    // 73 + ... + 200 = 17,472 pairs of 10 operations, 10 a ns; 200 tokens of 5 operations and 4 bytes, 1 a ns.
    expect(unpacking.denseNs(0, 128, [72], [128], 1)).toBeCloseTo(17_472 + 200 * (0.5 + 4) + 7, 6);
    // Fewer tokens work on the latent: 74 + ... + 200 = 17,399 pairs of 30 operations.
    expect(unpacking.denseNs(0, 127, [73], [127], 1)).toBeCloseTo(3 * 17_399 + 7, 6);
    expect(new CostModel(one, hardware).denseNs(0, 128, [72], [128], 1)).toBeCloseTo(3 * 17_472 + 7, 6);
  });

  it('reads weights once and the KV cache of each sequence once, within the window', () => {
    // One sequence with 9 tokens before: 50 + 10 tokens x 2 layers x 2 + 4 tokens x 2 = 98 bytes; 100 + 10 x 60 + 4 x 30 = 820 operations.
    expect(cost.denseNs(0, 1, [9], [1], 1)).toBe(98 + 3 * 7);
    // A second sequence with 1 token before adds 2 x 4 + 2 x 2 = 12 bytes; entries beyond `sequences` do not count.
    expect(cost.denseNs(0, 2, [9, 1, 500], [1, 1, 1], 2)).toBe(110 + 3 * 7);
  });

  it('is bound by operations where tokens are many', () => {
    // 100 prompt tokens, none before: 100 x 100 + 5050 pairs x 60 + (1 + 2 + 3 + 97 x 4 pairs) x 30 operations, at 10 per ns.
    expect(cost.denseNs(0, 100, [0], [100], 1)).toBe((10_000 + 5050 * 60 + 394 * 30) / 10 + 21);
  });

  it('computes logits for the last token of a sequence only', () => {
    expect(cost.denseNs(1, 1, [9], [1], 1)).toBe(60 + 7);
    expect(cost.denseNs(2, 100, [0], [100], 1)).toBe(1000);
    expect(cost.denseNs(2, 10, new Int32Array(10), new Int32Array(10).fill(1), 10)).toBe(2000);
  });
});

describe('a CPU of two sockets', () => {
  // One socket reads 0.5 byte/ns and computes 1 FLOP/ns. Experts of 100 bytes and 200 operations an activation, launch 3 ns.
  const on = (numa: 'expert' | 'tensor') => {
    const sockets = { count: 2, numa, interconnect: { bandwidth: 0.25e9, latencyNs: 5 } };
    return new CostModel(model, { ...hardware, cpu: { ...hardware.cpu!, sockets } });
  };

  it('expert: each computes experts of its own, as one socket does', () => {
    expect(on('expert').cpuQueues).toBe(2);
    expect(on('expert').cpuExpertNs(0, 2)).toBe(cost.cpuExpertNs(0, 2));
    expect(cost.cpuQueues).toBe(1);
  });

  it('tensor: both compute half of each expert, and wait for one another', () => {
    expect(on('tensor').cpuQueues).toBe(1);
    expect(on('tensor').cpuExpertNs(0, 1)).toBe(100 + 3 + 5); // 50 bytes at 0.5, or 100 operations at 1
    expect(on('tensor').cpuExpertNs(0, 2)).toBe(200 + 3 + 5);
  });

  it("tensor: memories get in one another's way, cores that unpack do not", () => {
    const formats = [{ format: 'q4_k', bytes: 100, weights: 100 }];
    const packed = { ...model, layers: model.layers.map((one) => ({ ...one, flopsPerToken: 0, formats })) };
    const ns = (efficiency: number) => {
      const sockets = { count: 2, numa: 'tensor' as const, efficiency, interconnect: { bandwidth: 1, latencyNs: 0 } };
      // 100 weights at 0.25 a ns on one socket, at 0.5 on two.
      const cpu = { ...hardware.cpu!, launchNs: 0, unpacking: { k: 0.25e9 }, sockets };
      return new CostModel(packed, { ...hardware, cpu }).cpuExpertNs(0, 1);
    };
    expect(ns(1)).toBe(200);
    expect(ns(0.5)).toBe(200); // 100 bytes from both memories at 0.5 byte/ns
    expect(ns(0.25)).toBe(400);
  });

  it('interleaved: half of what each reads comes over the interconnect', () => {
    const few = { ...model, layers: model.layers.map((one) => ({ ...one, flopsPerToken: 0 })) };
    const ns = (bandwidth: number) => {
      const sockets = { count: 2, numa: 'interleaved' as const, interconnect: { bandwidth, latencyNs: 5 } };
      return new CostModel(few, { ...hardware, cpu: { ...hardware.cpu!, sockets } }).cpuExpertNs(0, 1);
    };
    expect(ns(0.25e9)).toBe(100 + 3 + 5); // 25 bytes at 0.25 byte/ns
    expect(ns(2e9)).toBe(100 + 3 + 5); // 100 bytes from both memories, 1 byte/ns together
  });

  it('no placement delivers more than the sum of memories, nor interleaved more than tensor', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 8 }),
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        fc.double({ min: 0.1, max: 1, noNaN: true }),
        (count, rate, efficiency) => {
          const few = { ...model, layers: model.layers.map((one) => ({ ...one, flopsPerToken: 0 })) };
          const ns = (numa: 'expert' | 'tensor' | 'interleaved') => {
            const sockets = { count, numa, efficiency, interconnect: { bandwidth: rate * 1e9, latencyNs: 0 } };
            return new CostModel(few, { ...hardware, cpu: { ...hardware.cpu!, launchNs: 0, sockets } }).cpuExpertNs(1, 1);
          };
          // 400 bytes; each socket's memory delivers 0.5 byte/ns.
          expect(ns('tensor')).toBeGreaterThanOrEqual(400 / (0.5 * count) - 1e-9);
          expect(ns('interleaved')).toBeGreaterThanOrEqual(ns('tensor') - 1e-9);
          expect(ns('expert')).toBeGreaterThanOrEqual(400 / 0.5 - 1e-9);
        },
      ),
    );
  });
});

describe('attendedPairs', () => {
  it('is the sum of min(position, window), with and without a window', () => {
    const small = fc.integer({ min: 0, max: 40 });
    fc.assert(
      fc.property(
        small,
        small,
        fc.oneof(fc.integer({ min: 1, max: 50 }), fc.constant(Number.POSITIVE_INFINITY)),
        (context, tokens, window) => {
          let sum = 0;
          for (let position = context + 1; position <= context + tokens; position++) sum += Math.min(position, window);
          expect(attendedPairs(context, tokens, window)).toBe(sum);
        },
      ),
    );
  });
});
