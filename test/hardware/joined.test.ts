// Several GPUs that are one to a model, by hand.
import { describe, expect, it } from 'vitest';
import { CostModel } from '../../src/hardware/cost.js';
import { denseBytes } from '../../src/hardware/dense-split.js';
import { joinGpus, layerCards } from '../../src/hardware/several-gpus.js';
import type { HardwareSpec } from '../../src/hardware/spec.js';
import type { ModelSpec } from '../../src/model/spec.js';

const device = { computeFraction: 1, bandwidthFraction: 1, launchNs: 3, perLayerNs: 7, perPassNs: 11 };
/** 1 byte/ns and 10 operations/ns. */
const slow = { ...device, peakFlops: 10e9, memoryBandwidth: 1e9 };
/** 2 bytes/ns and 20 operations/ns. */
const fast = { ...device, peakFlops: 20e9, memoryBandwidth: 2e9 };
const interconnect = { bandwidth: 0.5e9, latencyNs: 40 };
const hardware: HardwareSpec = {
  name: 'toy',
  tiers: [
    { name: 'gpu', bytes: 1000 },
    { name: 'dram', bytes: 1e6 },
  ],
  links: [{ name: 'h2d', bandwidth: 0.25e9, latencyNs: 20, lanes: 1, chunkBytes: null }],
  gpu: slow,
  gpus: { count: 2, interconnect },
  cpu: { ...device, peakFlops: 1e9, memoryBandwidth: 0.4e9, handoverNs: 13 },
};
const unlike: HardwareSpec = { ...hardware, gpus: { count: 2, interconnect, others: [{ device: fast, bytes: 3000 }] } };
const layer = { experts: 4, topK: 2, expertBytes: 100, flopsPerToken: 200 };
const attention = [{ kvBytesPerToken: 2, flopsPerPair: 0, window: null }];
/** Four layers of 60 bytes with experts, and a head of 100 bytes; 6 values of an activation. */
const model: ModelSpec = {
  name: 'toy',
  quantization: 'bf16',
  hidden: 6,
  layers: [0, 1, 2, 3].map((index) => ({ ...layer, index, offset: 4 * index })),
  dense: {
    segments: [
      ...[0, 1, 2, 3].map(() => ({ weightBytes: 60, flopsPerToken: 100, attention })),
      { weightBytes: 100, flopsPerToken: 0, attention: [] },
    ],
    weightBytes: 340,
    kvBytesPerToken: 8,
  },
  experts: 16,
  parameters: { total: 0, active: 0 },
};

describe('layers over GPUs', () => {
  it('are held in proportion to memory, one after another', () => {
    const card = (bytes: number) => ({ device: slow, bytes });
    expect(layerCards([card(1), card(1)], 5)).toEqual([0, 0, 0, 1, 1]);
    expect(layerCards([card(1000), card(3000)], 5)).toEqual([0, 0, 1, 1, 1]);
    expect(layerCards([card(1), card(1), card(1)], 3)).toEqual([0, 1, 2]);
  });

  const joined = joinGpus(unlike, 'layers');
  const placement = { layers: [0, 0, 1, 1], head: 1, kvInDram: false };
  const cost = new CostModel(model, joined, placement);

  it('take the time of the card that holds them', () => {
    // 60 bytes and a KV cache of 10 tokens x 2 bytes, on the slow card and on the fast one; 7 ns a layer.
    expect(cost.denseNs(0, 1, [9], [1], 1)).toBe(80 + 7);
    expect(cost.denseNs(1, 1, [9], [1], 1)).toBe(80 + 7);
    // From card to card: 40 ns, and 6 values of 4 bytes at 0.5 byte/ns.
    expect(cost.denseNs(2, 1, [9], [1], 1)).toBe(40 + 7 + 40 + 48);
    expect(cost.denseNs(3, 1, [9], [1], 1)).toBe(40 + 7);
    expect(cost.denseNs(4, 1, [9], [1], 1)).toBe(50);
    // A prompt of 10 tokens hands on ten activations.
    expect(cost.denseNs(2, 10, [0], [10], 1)).toBe(50 + 7 + 40 + 480);
    expect([0, 1, 2, 3].map((index) => cost.expertNs(index, 1))).toEqual([103, 103, 53, 53]);
  });

  it('have the memory of all', () => {
    expect(joined.tiers[0]!.bytes).toBe(4000);
    expect(joined.gpus).toBeUndefined();
    expect(joined.links).toEqual(hardware.links);
    expect(denseBytes(model, placement, (one) => one === 1)).toEqual({ weightBytes: 220, kvBytesPerToken: 4 });
  });
});

describe('tensors over GPUs', () => {
  const joined = joinGpus(hardware, 'tensor');
  const cost = new CostModel(model, joined, { layers: [0, 0, 0, 0], head: 0, kvInDram: false });

  it('are read by all at once, and meet twice a layer', () => {
    // 80 bytes at 2 bytes/ns; two all-reduces of 40 ns, each of (2 - 1) / 2 of 6 values of 2 bytes, twice, at 0.5 byte/ns.
    expect(cost.denseNs(0, 1, [9], [1], 1)).toBe(40 + 7 + 2 * (40 + 24));
    expect(cost.denseNs(4, 1, [9], [1], 1)).toBe(50);
    expect(cost.expertNs(0, 1)).toBe(50 + 3);
  });

  it('come over all links, no faster than host memory delivers', () => {
    expect(joined.tiers[0]!.bytes).toBe(2000);
    expect(joined.links[0]!.bandwidth).toBe(0.4e9);
    expect(joinGpus({ ...hardware, cpu: null }, 'tensor').links[0]!.bandwidth).toBe(0.5e9);
  });

  it('are not cut over GPUs that differ', () => {
    expect(() => joinGpus(unlike, 'tensor')).toThrow(/toy: its GPUs differ, and a tensor is cut over GPUs that are alike; take layers/);
  });
});

it('one GPU is joined with none', () => {
  const { gpus: _, ...one } = hardware;
  expect(joinGpus(one, 'layers')).toEqual(one);
});
