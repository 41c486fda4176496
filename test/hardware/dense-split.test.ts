// Dense layers on GPU and CPU, by hand.
import { describe, expect, it } from 'vitest';
import { CostModel } from '../../src/hardware/cost.js';
import { type DensePlacement, denseBytes } from '../../src/hardware/dense-split.js';
import type { HardwareSpec, HostDevice } from '../../src/hardware/spec.js';
import type { ModelSpec } from '../../src/model/spec.js';
import { full, layer, none, TOY } from './toy.js';

// Copies of 20 ns and 0.25 byte/ns.
const hardware: HardwareSpec = {
  ...TOY,
  links: [{ name: 'h2d', bandwidth: 0.25e9, latencyNs: 20, lanes: 1, chunkBytes: null }],
  software: { runtime: 'toy', several: 'layers', offloadFrom: 4, offloadCounts: 'pass', overlaps: true, prediction: 0 },
};
/** Four decoder layers: three before the first MoE layer's routing, one without a KV cache before the second's; then the head. */
const model: ModelSpec = {
  name: 'toy',
  quantization: 'bf16',
  hidden: 0,
  layers: [
    { ...layer, index: 0, offset: 0 },
    { ...layer, index: 1, offset: 4 },
  ],
  dense: {
    segments: [
      { weightBytes: 60, flopsPerToken: 120, attention: [full, full, { ...full, window: 4 }] },
      { weightBytes: 60, flopsPerToken: 100, attention: [none] },
      { weightBytes: 1000, flopsPerToken: 0, flopsPerSequence: 2000, attention: [] },
    ],
    weightBytes: 1150,
    kvBytesPerToken: 6,
  },
  experts: 8,
  parameters: { total: 0, active: 0 },
};
const on = (layers: DensePlacement['layers'], head: DensePlacement['head'], kvInDram = false): DensePlacement => ({
  layers,
  head,
  kvInDram,
});
const half = on(['cpu', 'cpu', 0, 0], 'cpu');

describe('layers of which the CPU holds the first two, and the head', () => {
  const cost = new CostModel(model, hardware, half);

  it('take their own time on each device, and half a hand-over from one to the other', () => {
    // CPU: 40 of 60 bytes and 10 tokens x 2 layers x 2 bytes, 160 ns; 80 + 10 x 2 x 30 operations, 680 ns; 2 layers x 7 ns.
    const cpuNs = 680 + 14;
    // GPU: 20 bytes and a window of 4 x 2, 28 ns; 40 + 4 x 30 operations, 16 ns; 1 layer.
    const gpuNs = 28 + 7;
    expect(cost.denseNs(0, 1, [9], [1], 1)).toBeCloseTo(cpuNs + gpuNs + 6.5, 9);
    expect(cost.cpuDenseNs).toBeCloseTo(cpuNs, 9);
    expect(cost.denseNs(1, 1, [9], [1], 1)).toBe(60 + 7);
    expect(cost.cpuDenseNs).toBe(0);
    expect(cost.denseNs(2, 1, [9], [1], 1)).toBe(2000 + 6.5);
  });

  it('are with their experts: the first MoE layer is on the GPU as the layer before its routing is', () => {
    expect([...cost.onCpu]).toEqual([0, 0]);
    expect([...new CostModel(model, hardware, on(['cpu', 'cpu', 'cpu', 0], 0)).onCpu]).toEqual([1, 0]);
    expect([...new CostModel(model, hardware, on(['cpu', 'cpu', 'cpu', 'cpu'], 'cpu')).onCpu]).toEqual([1, 1]);
  });

  it('are copied to the GPU for a prompt, all but their attention', () => {
    // 4 tokens, none before. Copy: 20 ns and 40 bytes at 0.25; the weights on the GPU: 40 ns, or 4 x 80 operations at 10; 2 layers x 7 ns.
    const copied = 20 + 160 + 40 + 14;
    // Attention stays: 16 bytes, or 10 pairs x 60 operations; there and back for each layer.
    const attention = 600 + 2 * 13;
    // The layer of the GPU: 20 + 8 bytes, or 4 x 40 + 10 x 30 operations at 10.
    const own = 46 + 7;
    expect(cost.denseNs(0, 4, [0], [4], 1)).toBeCloseTo(copied + attention + own, 9);
    expect(cost.denseNs(2, 4, [0], [4], 1)).toBe(20 + 4000 + 1000);
    const { software: _, ...never } = hardware;
    // 640 + 10 x 60 operations on the CPU.
    const computed = new CostModel(model, never, half).denseNs(0, 4, [0], [4], 1);
    expect(computed).toBeCloseTo(4 * 80 + 600 + 14 + own + 6.5, 9);
  });

  it('weigh on the device that holds them, the table of tokens with the first', () => {
    const [cpu, gpu] = [denseBytes(model, half, (one) => one === 'cpu'), denseBytes(model, half, (one) => one !== 'cpu')];
    expect(cpu).toEqual({ weightBytes: 30 + 40 + 1000, kvBytesPerToken: 4 });
    expect(gpu).toEqual({ weightBytes: 20 + 60, kvBytesPerToken: 2 });
  });

  it('slow down with the CPU', () => {
    const slow = new CostModel(model, hardware, half);
    slow.throttleCpu(0.5);
    expect(slow.denseNs(0, 1, [9], [1], 1)).toBeCloseTo(2 * 694 + 35 + 6.5, 9);
  });
});

describe('KV caches in DRAM', () => {
  const placement = on([0, 0, 0, 0], 0, true);

  it('are attended to by the CPU, there and back for each layer that has one', () => {
    const cost = new CostModel(model, hardware, placement);
    // GPU: 60 bytes; CPU: 48 bytes at 0.5, or 10 x 60 + 4 x 30 operations.
    expect(cost.denseNs(0, 1, [9], [1], 1)).toBe(60 + 3 * 7 + 720 + 3 * 13);
    expect(cost.denseNs(1, 1, [9], [1], 1)).toBe(60 + 7);
    expect(denseBytes(model, placement, (one) => one === 'cpu')).toEqual({ weightBytes: 0, kvBytesPerToken: 6 });
    expect(denseBytes(model, placement, (one) => one !== 'cpu')).toEqual({ weightBytes: 1150, kvBytesPerToken: 0 });
  });
});

describe('a CPU of several sockets', () => {
  const all = on(['cpu', 'cpu', 'cpu', 'cpu'], 'cpu');
  const headNs = (sockets: HostDevice['sockets']) => {
    const memory = { ...model, dense: { ...model.dense, segments: model.dense.segments.map((one) => ({ ...one, flopsPerSequence: 0 })) } };
    const cpu = { ...hardware.cpu!, ...(sockets && { sockets }) };
    return new CostModel(memory, { ...hardware, cpu }, all).denseNs(2, 1, [0], [1], 1);
  };
  const of = (numa: 'expert' | 'tensor' | 'interleaved', bandwidth = 1e12, efficiency = 1) =>
    headNs({ count: 2, numa, efficiency, interconnect: { bandwidth, latencyNs: 0 } });

  it('reads dense weights from as many memories as they lie in', () => {
    expect(headNs(undefined)).toBe(2000);
    expect(of('expert')).toBe(2000);
    expect(of('tensor')).toBe(1000);
    expect(of('tensor', 1e12, 0.8)).toBeCloseTo(1250, 9);
    expect(of('interleaved')).toBe(1000);
    // Each socket reads 500 bytes, 250 of them from the other over 0.125 byte/ns.
    expect(of('interleaved', 0.125e9)).toBe(2000);
  });
});
