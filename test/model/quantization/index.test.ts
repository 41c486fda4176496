// Formats against files in the world: sizes of published GGUF files, and what a llama.cpp runtime reported of its tensors.
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/base/errors.js';
import { loadModel } from '../../../src/model/load/load.js';
import { findQuantization, QUANTIZATIONS } from '../../../src/model/quantization/index.js';
import { moreBits } from '../../../src/model/quantization/llama.js';
import { bitsOf, type TensorPlace, type TensorRole } from '../../../src/model/quantization/rule.js';
import { expertBytesTotal } from '../../../src/model/spec.js';

const place = (columns: number, layer = 0, layers = 48, experts = 128): TensorPlace => ({
  columns,
  layer,
  layers,
  experts,
  groups: 8,
  mixer: 'heads',
  tied: false,
});
/** Bits of a role in Unsloth's mixture, by the mixer of the model. */
const dynamicBits = (role: TensorRole, mixer: TensorPlace['mixer']): number =>
  bitsOf(findQuantization('ud-q2_k_xl').stored(role, { ...place(4096), mixer }));
const bits = (format: string, role: TensorRole, columns = 4096, layer = 0, layers = 48, experts = 128): number =>
  bitsOf(findQuantization(format).stored(role, place(columns, layer, layers, experts)));

describe('formats', () => {
  it('have the bits of their blocks', () => {
    expect(bits('bf16', 'expert-in')).toBe(16);
    expect(bits('fp8', 'expert-in')).toBeCloseTo(8.002, 3);
    expect(bits('int4', 'expert-in')).toBeCloseTo(4.15625, 6);
    expect(bits('q8_0', 'expert-in')).toBe((34 * 8) / 32);
    expect(bits('q4_0', 'expert-in')).toBe((18 * 8) / 32);
    expect(bits('mxfp4', 'expert-in')).toBe((17 * 8) / 32);
    expect(bits('q6_k', 'expert-in')).toBe((210 * 8) / 256);
    expect(bits('q4_k_m', 'expert-in')).toBe((144 * 8) / 256);
    expect(bits('q5_k_m', 'expert-in')).toBe((176 * 8) / 256);
    expect(bits('hqq2', 'expert-down')).toBe(3.12);
    expect(bits('hqq3', 'expert-down')).toBe(3.85);
  });

  it('keep routers and vectors at 16 or 32 bits, whatever they do to the rest', () => {
    for (const format of QUANTIZATIONS) {
      // MLX keeps routers at 8 bits.
      for (const role of ['router', 'vector'] as const)
        if (role === 'vector' || !format.name.startsWith('mlx'))
          expect([16, 32], format.name).toContain(bitsOf(format.stored(role, place(4096))));
    }
  });

  it('give more bits to the head, and to value and down projections of half the layers', () => {
    expect(bits('q4_k_m', 'head')).toBe(6.5625);
    expect(bits('q4_k_m', 'embedding')).toBe(4.5);
    expect(bitsOf(findQuantization('q4_k_m').stored('embedding', { ...place(4096), tied: true }))).toBe(6.5625);
    expect(bits('q4_k_m', 'value', 4096, 0)).toBe(6.5625);
    expect(bits('q4_k_m', 'value', 4096, 6)).toBe(4.5);
    expect(bits('q4_k_m', 'expert-down', 4096, 8)).toBe(6.5625);
    expect(bits('mxfp4', 'expert-down', 2880, 0)).toBe(4.25);
    expect(bits('mxfp4', 'attention-out', 4096)).toBe(8.5);
    for (const layers of [24, 32, 48, 56, 94]) {
      const more = Array.from({ length: layers }, (_, layer) => moreBits(layer, layers)).filter(Boolean).length;
      expect(Math.abs(more / layers - 0.5)).toBeLessThan(0.02);
    }
  });

  it('spend more on the attention of models with eight experts', () => {
    expect(bits('q4_k_m', 'key', 4096, 6, 32, 8)).toBe(8.5);
    expect(bits('q4_k_m', 'value', 4096, 6, 32, 8)).toBe(8.5);
    expect(bits('q4_k_m', 'attention-out', 4096, 6, 32, 8)).toBe(5.5);
    expect(bits('q4_k_m', 'attention-out', 4096, 6, 32, 16)).toBe(4.5);
  });

  it('fall back where a row is no multiple of the block', () => {
    expect(bits('q4_k_m', 'expert-down', 1408, 6)).toBe(5.5);
    expect(bits('q4_k_m', 'expert-down', 1408, 0)).toBe(8.5);
    expect(bits('q4_k_m', 'expert-in', 100)).toBe(16);
  });

  it('are unknown by any other name', () => {
    expect(findQuantization('Q4_K_M').name).toBe('q4_k_m');
    expect(() => findQuantization('q4_m')).toThrow(UserError);
    expect(() => findQuantization('q4_m')).toThrow(/^unknown quantization "q4_m"; did you mean .*"q4_k_m"/);
  });
});

describe('an expert of Qwen3-30B-A3B in q4_k_m, as a llama.cpp runtime reported it', () => {
  const weights = 2048 * 768;
  // gate and up at 4.5 bits; down at 6.5625 bits in 24 layers (3,059,712 bytes) and at 4.5 in the others (2,654,208 bytes).
  const bytes = (layer: number): number =>
    (weights * (2 * bits('q4_k_m', 'expert-in', 2048, layer) + bits('q4_k_m', 'expert-down', 768, layer))) / 8;
  const large = [0, 1, 2, 3, 4, 5, 8, 11, 14, 17, 20, 23, 26, 29, 32, 35, 38, 41, 42, 43, 44, 45, 46, 47];

  it('has two sizes, layer by layer', () => {
    for (let layer = 0; layer < 48; layer++) expect(bytes(layer)).toBe(large.includes(layer) ? 3_059_712 : 2_654_208);
  });

  it('is priced at their mean in every layer', () => {
    const { layers } = loadModel('qwen3-30b-a3b', 'q4_k_m');
    expect(layers.map((layer) => layer.expertBytes)).toEqual(Array(48).fill((3_059_712 + 2_654_208) / 2));
  });

  it('stands in layers whose dense part has 11,953,152 or 11,682,816 bytes', () => {
    const { segments } = loadModel('qwen3-30b-a3b', 'q4_k_m').dense;
    for (let layer = 0; layer < 48; layer++) expect(segments[layer]!.weightBytes).toBe(large.includes(layer) ? 11_953_152 : 11_682_816);
  });
});

describe('whole files', () => {
  // Sizes in GB as published beside the files; tokenizer and alignment make a file a few MB larger than its weights.
  it.each([
    ['qwen3-30b-a3b', 'q4_k_m', 18.56],
    ['gpt-oss-20b', 'mxfp4', 12.11],
    ['gpt-oss-120b', 'mxfp4', 63.39],
    ['mixtral-8x22b', 'q4_k_m', 85.59],
    ['mixtral-8x22b', 'q5_k_m', 99.96],
    ['deepseek-v2-lite', 'q4_k_m', 10.36],
    // Files of before April 2024 kept all down projections at 4.5 bits and are smaller (26.4 GB).
    ['mixtral-8x7b', 'q4_k_m', 28.45],
    // Mixtral-offloading, Table 1: 17.54 and 21.37 GiB.
    ['mixtral-8x7b', 'hqq2', (17.54 * 2 ** 30) / 1e9],
    ['mixtral-8x7b', 'hqq3', (21.37 * 2 ** 30) / 1e9],
  ])('%s in %s has %f GB', (name, format, gigabytes) => {
    const model = loadModel(name, format);
    const size = (expertBytesTotal(model) + model.dense.weightBytes) / 1e9;
    expect(Math.abs(size / gigabytes - 1)).toBeLessThan(0.003);
  });

  it('kimi-k3 in mxfp4_hf has 1,560.94 GB, its vision encoder included, within .5 %', () => {
    const model = loadModel('kimi-k3');
    expect(Math.abs((expertBytesTotal(model) + model.dense.weightBytes) / 1_560.94e9 - 1)).toBeLessThan(0.005);
  });
});

describe("Unsloth's mixtures", () => {
  it('keep what unpacks a latent, and attention beside states, in q8_0', () => {
    expect(dynamicBits('latent', 'latent')).toBe(8.5);
    expect((['state', 'projection', 'key', 'attention-out'] as const).map((role) => dynamicBits(role, 'state'))).toEqual([
      8.5, 8.5, 8.5, 8.5,
    ]);
    expect((['projection', 'ffn-down', 'embedding', 'head'] as const).map((role) => dynamicBits(role, 'latent'))).toEqual([
      4.5, 4.5, 4.5, 6.5625,
    ]);
    expect(dynamicBits('projection', 'heads')).toBe(5.5);
  });

  // ik-394-2, 233.18 GiB: 12 layers of everything but experts take 2,146.47 MiB, of which one down projection takes 476 more than others.
  it('give the rest of a size to down projections of the last layers', () => {
    const { tensors } = loadModel('deepseek-v3', 'ud-q2_k_xl:size=233.18GiB').anatomy!;
    const mib = (of: RegExp): number => tensors.reduce((sum, { bytes, name }) => (of.test(name) ? sum + bytes / 2 ** 20 : sum), 0);
    expect(mib(/^blk\.20\.(?!ffn_.*_exps)/)).toBeCloseTo((2146.47 - 476) / 12, 0);
    expect(mib(/^blk\.54\.ffn_down_exps/)).toBeLessThan(1600);
    expect([56, 58, 60].map((layer) => mib(new RegExp(`^blk\\.${layer}\\.ffn_down_exps`)))).toEqual([2016, 2016, 2016]);
  });
});
