// Hand-computed models: where each byte and operation goes.
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { loadModel } from '../../src/model/load/load.js';
import { ModelProfileSchema } from '../../src/model/profile.js';
import { findQuantization } from '../../src/model/quantization/index.js';
import type { ModelSpec } from '../../src/model/spec.js';
import { parseYaml } from '../support/yaml.js';
import { buildModel } from './profiles.js';

const build = (yaml: string, quantization = 'bf16'): ModelSpec =>
  buildModel(parseYaml(yaml, 'm.yaml', ModelProfileSchema), findQuantization(quantization));

const TINY = `
name: tiny
layers: 2
hidden: 4
vocab: 10
attention: { kind: gqa, heads: 2, kvHeads: 1, headDim: 3 }
moe: { experts: 5, topK: 2, intermediate: 6 }
`;

describe('buildModel', () => {
  it('counts a small model by hand', () => {
    const model = build(TINY);
    const expert = 3 * 4 * 6;
    // query 4x6, key and value 4x3 each, output 6x4; router 4x5; two norms of 4.
    const layer = 24 + 12 + 12 + 24 + 20 + 8;
    const head = 4 * 10;
    expect(model.parameters.total).toBe(2 * (layer + 5 * expert) + 4 + 2 * head);
    // The embedding is no part of what a token goes through; as a head it is.
    const active = 2 * (layer + 2 * expert) + 4 + head;
    expect(model.parameters.active).toBe(active);
    expect(build(`${TINY}tiedEmbeddings: true\n`).parameters).toEqual({ total: model.parameters.total - head, active });
    const inBf16 = (weights: number) => [{ format: 'bf16', weights, bytes: 2 * weights }];
    const one = { experts: 5, topK: 2, expertBytes: expert * 2, flopsPerToken: expert * 2, formats: inBf16(expert) };
    expect(model.layers).toEqual([
      { ...one, index: 0, offset: 0 },
      { ...one, index: 1, offset: 5 },
    ]);
    const attention = { kvBytesPerToken: 2 * 3 * 2, flopsPerPair: 4 * 2 * 3, heads: 2, window: null };
    const segment = {
      weightBytes: layer * 2,
      flopsPerToken: 2 * (layer - 8),
      flopsPerSequence: 0,
      attention: [attention],
      formats: inBf16(layer),
    };
    const tail = { weightBytes: (4 + head) * 2, flopsPerToken: 0, flopsPerSequence: 2 * head, attention: [], formats: inBf16(4 + head) };
    expect(model.dense.segments).toEqual([segment, segment, tail]);
    expect(model.dense.weightBytes).toBe(2 * (2 * layer + 4 + 2 * head));
    expect(model.dense.kvBytesPerToken).toBe(24);
    expect(model.experts).toBe(10);
  });

  it('weighs a tied embedding once', () => {
    expect(build(`${TINY}tiedEmbeddings: true`).dense.weightBytes).toBe(build(TINY).dense.weightBytes - 4 * 10 * 2);
  });

  it('puts dense layers where they run: the first before the first routing, others between, the rest into the tail', () => {
    const model = build(`
name: m
layers: 6
hidden: 4
vocab: 10
attention: { kind: gqa, heads: 1, kvHeads: 1, headDim: 4 }
moe: { experts: 4, topK: 1, intermediate: 6, first: 1, every: 3 }
dense: { intermediate: 8 }
`);
    // Layers 0 dense, 1 MoE, 2 and 3 dense, 4 MoE, 5 dense.
    expect(model.dense.segments.map((segment) => segment.attention.length)).toEqual([2, 3, 1]);
    const attention = 4 * 16 + 8;
    const dense = 3 * 4 * 8;
    const router = 16;
    expect(model.dense.segments.map((segment) => segment.weightBytes / 2)).toEqual([
      2 * attention + dense + router,
      3 * attention + 2 * dense + router,
      attention + dense + 4 + 40,
    ]);
  });

  it('lets layers differ in experts, top-k and width', () => {
    const model = build(
      TINY.replace('intermediate: 6 }', 'intermediate: 6, overrides: [{ layers: [1, 1], experts: 3, topK: 1, intermediate: 12 }] }'),
    );
    expect(model.layers.map((layer) => [layer.experts, layer.topK, layer.expertBytes, layer.offset])).toEqual([
      [5, 2, 144, 0],
      [3, 1, 288, 5],
    ]);
    expect(model.experts).toBe(8);
  });
});

describe('buildModel, part by part', () => {
  it('counts biases, shared experts and their gate', () => {
    const bare = build(TINY);
    const full = build(
      TINY.replace('headDim: 3 }', 'headDim: 3, bias: true, outBias: true, qkNorm: true }').replace(
        'intermediate: 6 }',
        'intermediate: 6, bias: true, routerBias: true, shared: { intermediate: 7, gated: true } }',
      ),
    );
    const dense = 12 + 4 + 6 + 5 + 3 * 4 * 7 + 4; // qkv bias, output bias, two norms of 3, router bias, shared FFN, its gate
    const expert = 6 + 6 + 4; // gate, up and down bias
    expect(full.parameters.total - bare.parameters.total).toBe(2 * (dense + 5 * expert));
    expect(full.layers[0]!.expertBytes - bare.layers[0]!.expertBytes).toBe(2 * expert);
    expect(full.layers[0]!.flopsPerToken).toBe(bare.layers[0]!.flopsPerToken);
  });

  it('keeps a window in the layers that have one', () => {
    const model = build(TINY.replace('headDim: 3 }', 'headDim: 3, window: { size: 128, layers: 1, of: 2 } }'));
    expect(model.dense.segments.flatMap((segment) => segment.attention.map((one) => one.window))).toEqual([128, null]);
  });

  it('prices layers without attention by their mixer', () => {
    const model = build(TINY.replace('headDim: 3 }', 'headDim: 3, every: 2, offset: 1, otherwise: { kind: mamba, parameters: 100 } }'));
    expect(model.dense.segments[0]!.attention).toEqual([{ kvBytesPerToken: 0, flopsPerPair: 0, window: null, launches: 70 / 23 }]);
    expect(model.dense.segments[0]!.weightBytes).toBe((100 + 20 + 8) * 2);
    expect(model.dense.kvBytesPerToken).toBe(12);
  });

  it('stores latent attention as one latent and one rope key per token', () => {
    // DeepSeek-V3: (512 + 64) x 2 bytes x 61 layers = 70,272 bytes per token.
    const { dense } = loadModel('deepseek-v3');
    expect(dense.kvBytesPerToken).toBe(70_272);
    expect(dense.segments[1]!.attention[0]!.flopsPerPair).toBe(128 * (2 * 576 + 2 * 512));
    // Unpacked, 128 heads with keys of 128 + 64 and values of 128: 3.4 times fewer operations a pair, and the product that unpacks them.
    expect(dense.segments[1]!.attention[0]!.unpacked).toEqual({
      flopsPerPair: 128 * 2 * 320,
      flopsPerToken: 128 * 2 * 512 * 256,
      bytesPerToken: 128 * 3840,
    });
    // Qwen3-30B: 2 x 4 KV heads x 128 x 2 bytes x 48 layers.
    expect(loadModel('qwen3-30b-a3b').dense.kvBytesPerToken).toBe(98_304);
  });
});

describe('a profile that contradicts itself', () => {
  it.each([
    [TINY.replace('topK: 2', 'topK: 6'), 'm.yaml:7:26: moe.topK: a token cannot choose 6 of 5 experts'],
    [TINY.replace('experts: 5', 'experts: 5, first: 1'), 'm.yaml:2:1: has dense layers; add dense: { intermediate: ... }'],
    [
      `${TINY.replace('experts: 5', 'experts: 5, first: 2')}dense: { intermediate: 8 }`,
      /moe\.first: must be less than the number of layers, 2$/,
    ],
    [TINY.replace('heads: 2, kvHeads: 1', 'heads: 2, kvHeads: 3'), /attention\.kvHeads: must divide the number of heads, 2$/],
    [TINY.replace('heads: 2', 'head: 2'), /attention: unknown key "head"; did you mean "heads"/],
    [
      TINY.replace('experts: 5', 'experts: 5, overrides: [{ layers: [1, 2] }]'),
      /overrides\.0\.layers: must be \[first, last\] within 0\.\.1$/,
    ],
    [TINY.replace('experts: 5', 'experts: 5, overrides: [{ layers: [0, 1], topK: 9 }]'), /overrides\.0: topK must not exceed experts$/],
  ])('is refused with its place', (yaml, message) => {
    expect(() => build(yaml)).toThrow(UserError);
    expect(() => build(yaml)).toThrow(message);
  });

  it('is refused where its format is unknown', () => {
    expect(() => loadModel('mixtral-8x7b', 'q4')).toThrow(/^--quantization: unknown quantization "q4"/);
  });
});
