// A machine and layers of round figures, so that prices can be computed by hand.
import type { HardwareSpec } from '../../src/hardware/spec.js';

const device = { computeFraction: 0.5, bandwidthFraction: 0.5, launchNs: 3, perLayerNs: 7, perPassNs: 11 };

/** 1 byte/ns and 10 FLOP/ns reached on the GPU; 0.5 byte/ns and 1 FLOP/ns on the CPU. */
export const TOY: HardwareSpec = {
  name: 'toy',
  tiers: [
    { name: 'gpu', bytes: 1 },
    { name: 'dram', bytes: 1 },
  ],
  links: [{ name: 'h2d', bandwidth: 1, latencyNs: 0, lanes: 1, chunkBytes: null }],
  gpu: { ...device, peakFlops: 20e9, memoryBandwidth: 2e9 },
  cpu: { ...device, peakFlops: 2e9, memoryBandwidth: 1e9, handoverNs: 13 },
};

/** An MoE layer. */
export const layer = { experts: 4, topK: 2, expertBytes: 100, flopsPerToken: 200 };

/** Attention over the whole context, and a layer without any. */
export const full = { kvBytesPerToken: 2, flopsPerPair: 30, window: null };
export const none = { kvBytesPerToken: 0, flopsPerPair: 0, window: null };
