// What CPU and GPU have of the experts of a layer that is split by projections.
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../src/index.js';
import { isSeparable, projectionTensors, splitExperts } from '../../src/model/projections.js';
import { decoderLayerOf } from '../../src/model/spec.js';

describe('splitExperts', () => {
  const model = loadModel('qwen3-30b-a3b', 'q4_k_m');

  it('gives each device its tensors: q4_k_m keeps the down projection of some layers in q6_k', () => {
    // 2,048 x 768 weights a projection; 4.5 bits in q4_k, 6.5625 in q6_k. Layers of a profile weigh what they do on average.
    const weights = 2048 * 768;
    const { cpu, gpu } = splitExperts(model, 0, 'down');
    expect(cpu.formats).toEqual([{ format: 'q6_k', weights, bytes: cpu.expertBytes }]);
    expect(gpu.formats).toEqual([{ format: 'q4_k', weights: 2 * weights, bytes: gpu.expertBytes }]);
    expect(cpu.expertBytes + gpu.expertBytes).toBe(model.layers[0]!.expertBytes);
    expect(cpu.expertBytes / gpu.expertBytes).toBeCloseTo(6.5625 / (2 * 4.5), 5);
    expect(cpu.flopsPerToken).toBeCloseTo(2 * weights, 3);
    expect(gpu.flopsPerToken).toBeCloseTo(4 * weights, 3);
  });

  it('of gate and up is the other way round', () => {
    const [one, other] = [splitExperts(model, 7, 'down'), splitExperts(model, 7, 'gate+up')];
    expect(other.cpu.expertBytes).toBe(one.gpu.expertBytes);
    expect(other.gpu.expertBytes).toBe(one.cpu.expertBytes);
    expect(other.gpu.formats![0]!.weights).toBeCloseTo(one.cpu.formats![0]!.weights, 3);
  });

  it('knows tensors by the decoder layer, also behind layers without experts', () => {
    const behind = loadModel('deepseek-v2-lite', 'q4_k_m');
    expect(decoderLayerOf(behind, 0)).toBe(1);
    expect(projectionTensors(behind, 0, 'gate+up')).toEqual(['blk.1.ffn_gate_exps', 'blk.1.ffn_up_exps']);
    expect(projectionTensors(model, 3, 'down')).toEqual(['blk.3.ffn_down_exps']);
  });

  it('counts biases with their matrix', () => {
    const biased = loadModel('gpt-oss-20b');
    const { cpu, gpu } = splitExperts(biased, 0, 'down');
    // 2,880 x 2,880 weights in blocks of 17 bytes for 32, and 2,880 biases of 4 bytes, each.
    expect(cpu.expertBytes).toBe((2880 * 2880 * 17) / 32 + 4 * 2880);
    expect(gpu.expertBytes).toBe(2 * cpu.expertBytes);
  });

  it('is refused where nothing says which tensors there are', () => {
    const { anatomy: _, ...bare } = model;
    expect(isSeparable(bare, 0)).toBe(false);
    expect(() => splitExperts(bare, 0, 'down')).toThrow(/nothing says which tensors hold the projections of layer 0's experts/);
  });
});
