// Models of which only a shape is known, held against the profiles of models that are known in full.
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../src/model/load/load.js';
import { type ModelShape, profileOfShape } from '../../src/model/load/measured.js';
import { findQuantization } from '../../src/model/quantization/index.js';
import { buildModel, loadModelProfile } from './profiles.js';

/** What a measurement would say of a bundled model: rounded figures. */
function shapeOf(name: string): ModelShape {
  const { layers, hidden, moe, published } = loadModelProfile(name);
  return {
    layers,
    moe_layers: layers - moe.first,
    experts: moe.experts,
    top_k: moe.topK,
    hidden,
    expert_intermediate: moe.intermediate,
    shared_experts: Math.round((moe.shared?.intermediate ?? 0) / moe.intermediate),
    total_b: Math.round(published!.total / 1e9),
    active_b: Math.round((published!.active ?? 0) / 1e9),
  };
}

describe('a shape', () => {
  it.each(['qwen3-30b-a3b', 'qwen3-235b-a22b', 'glm-4.5', 'deepseek-v3', 'mixtral-8x7b', 'minimax-m2.5', 'glm-5.2', 'qwen3.5-122b-a10b'])(
    'of %s has its experts, and its parameters within 2 percent, 17 per token',
    (name) => {
      const real = loadModel(name, 'bf16');
      const model = buildModel(profileOfShape(name, shapeOf(name)), findQuantization('bf16'));
      expect(model.layers.map(({ experts, topK, expertBytes }) => [experts, topK, expertBytes])).toEqual(
        real.layers.map(({ experts, topK, expertBytes }) => [experts, topK, expertBytes]),
      );
      expect(Math.abs(model.parameters.total / real.parameters.total - 1)).toBeLessThan(0.02);
      expect(Math.abs(model.parameters.active / real.parameters.active - 1)).toBeLessThan(0.17);
    },
  );

  it('keeps attention within what there is, whatever the parameters are rounded to', () => {
    const heads = (active_b: number): number => {
      const { attention } = profileOfShape('m', { ...shapeOf('qwen3-30b-a3b'), active_b });
      return attention.heads;
    };
    // Usual are 2 x 2048 / 128 = 32 query heads: at least half of them and at most twice as many.
    expect(heads(0.5)).toBe(16);
    expect(heads(3)).toBe(24);
    expect(heads(30)).toBe(64);
  });

  it('gives leading dense layers the width of the experts that a token uses', () => {
    const profile = profileOfShape('m', shapeOf('deepseek-v3'));
    expect(profile.moe.first).toBe(3);
    expect(profile.dense?.intermediate).toBe(18_432);
  });
});
