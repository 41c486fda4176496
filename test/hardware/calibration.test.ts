// The cost model, with a machine of parts under a runtime, against a real one: an A10 decoding at batch 1 with llama.cpp, the experts of the first n layers computed on the
// CPU (--n-cpu-moe n). The runtime's constants serve both models and all machines; nothing knows them by name.
import { describe, expect, it } from 'vitest';
import { CostModel } from '../../src/hardware/cost.js';
import { loadModel } from '../../src/model/load/load.js';
import { loadHardware } from '../../src/runtime/machine.js';
import { A10_DECODE } from '../support/a10.js';

const CONTEXT = 64;

/** Tokens per second of one sequence at batch 1: while the CPU computes, the GPU waits. */
function decodeRate(name: string, quantization: string, cpuLayers: number): number {
  const model = loadModel(name, quantization);
  const cost = new CostModel(model, loadHardware('a10'));
  let ns = cost.passNs + cost.denseNs(model.layers.length, 1, [CONTEXT], [1], 1);
  for (const { index, topK } of model.layers) {
    ns += cost.denseNs(index, 1, [CONTEXT], [1], 1);
    ns += index < cpuLayers ? cost.handoverNs + topK * cost.cpuExpertNs(index, 1) : topK * cost.expertNs(index, 1);
  }
  return 1e9 / ns;
}

describe('an A10 with llama.cpp', () => {
  it.each(A10_DECODE)('%s %s with %d layers on the CPU decodes %d tokens/s', (name, quantization, cpuLayers, measured) => {
    // It has one vote among a hundred machines.
    expect(Math.abs(decodeRate(name, quantization, cpuLayers) / measured - 1)).toBeLessThan(0.12);
  });
});

describe('a phone', () => {
  it('computes a token of Qwen3-30B-A3B with 6 experts a layer in the recorded 91 ms', () => {
    const model = loadModel('qwen3-30b-a3b', 'q4_k_m');
    const cost = new CostModel(model, loadHardware('phone-ufs4'));
    let ns = cost.passNs + cost.denseNs(model.layers.length, 1, [CONTEXT], [1], 1);
    for (const { index } of model.layers) ns += cost.denseNs(index, 1, [CONTEXT], [1], 1) + 6 * cost.expertNs(index, 1);
    expect(Math.abs(ns / 91e6 - 1)).toBeLessThan(0.05);
  });
});
