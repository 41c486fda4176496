// What moeprof reads off configurations of models that people run, against what their publishers state, counted as they count.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configProfile } from '../../../src/model/load/huggingface.js';
import { windowOf } from '../../../src/model/profile.js';
import { findQuantization } from '../../../src/model/quantization/index.js';
import type { ModelSpec } from '../../../src/model/spec.js';
import { buildModel } from '../profiles.js';

type Json = Record<string, unknown>;

const fixture = (name: string): Json =>
  JSON.parse(readFileSync(join(import.meta.dirname, `../../fixtures/models/${name}.json`), 'utf8')) as Json;
const read = (json: Json): ModelSpec => buildModel(configProfile(json, 'model/config.json'), findQuantization('bf16'));

/** A tied table is in the model once, as its head. */
const tableOf = (json: Json): number => {
  const { hidden_size, vocab_size } = (json.text_config ?? json) as Record<string, number>;
  return hidden_size! * vocab_size!;
};

/** Half of the last digit of a stated figure. */
const halfDigit = (stated: number): number => 0.5 * 10 ** -(String(stated).split('.')[1]?.length ?? 0);

/** Bytes of keys and values of a token in `layers` layers with `heads` heads of `width`, in 16 bits. */
const kv = (layers: number, heads: number, width: number): number => layers * 2 * heads * width * 2;

/**
 * Repository, fixture with its fields, billions in total and active, the vocabulary's tables among the active (2: embedding and head), and
 * bytes of keys and values of a token. Totals and actives: model cards, unless a line says otherwise; seen in November 2026.
 */
const STATED: readonly (readonly [hub: string, fixture: string, total: number, active: number, tables: 0 | 1 | 2, kvBytes: number])[] = [
  // README_WEIGHTS.md of DeepSeek-V3-Base: 671 B; 36.6 B, 0.9 B for the head included. A latent of 512 and 64 rotary values.
  ['deepseek-ai/DeepSeek-R1', 'deepseek-v3', 671, 36.6, 1, 61 * (512 + 64) * 2],
  ['stepfun-ai/Step-3.5-Flash', 'step-3.7-flash', 196, 11, 0, kv(45, 8, 128)],
  // 109 B counts a vision encoder of about 1 B.
  ['meta-llama/Llama-4-Scout-17B-16E-Instruct', 'llama-4-scout', 109, 17, 2, kv(48, 8, 128)],
  ['baidu/ERNIE-4.5-21B-A3B-PT', 'ernie-4.5-21b-a3b', 21.8, 3, 0, kv(28, 4, 128)],
  ['Qwen/Qwen3-30B-A3B', 'qwen3-30b-a3b', 30.5, 3.3, 2, kv(48, 4, 128)],
  // Model card (arXiv 2508.10925), Table 1: 20.91 B, 3.61 B, with the unembedding and without the embedding.
  ['openai/gpt-oss-20b', 'gpt-oss-20b', 20.91, 3.61, 1, kv(24, 8, 64)],
  ['openai/gpt-oss-120b', 'gpt-oss-120b', 116.83, 5.13, 1, kv(36, 8, 64)],
  // Technical report (arXiv 2508.06471), Table 1: neither table is counted.
  ['zai-org/GLM-4.5-Air', 'glm-4.5-air', 106, 12, 0, kv(46, 8, 128)],
  ['tencent/Hunyuan-A13B-Instruct', 'hunyuan-a13b', 80, 13, 1, kv(32, 8, 128)],
  ['MiniMaxAI/MiniMax-M2', 'minimax-m2.5', 230, 10, 1, kv(62, 8, 128)],
  // The checkpoint holds 1,026 B; the report says 1.04 T.
  ['moonshotai/Kimi-K2-Instruct', 'kimi-k2', 1026, 32, 1, 61 * (512 + 64) * 2],
  ['ibm-granite/granite-3.0-1b-a400m-instruct', 'granite-3.0-1b-a400m', 1.3, 0.4, 0, kv(24, 8, 64)],
  // Card: 3.2 B active, 3.6 B with embeddings. Six layers with attention.
  ['nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16', 'nemotron-3-nano-30b-a3b', 31.6, 3.2, 1, kv(6, 2, 128)],
  ['nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16', 'nemotron-3-nano-30b-a3b', 31.6, 3.6, 2, kv(6, 2, 128)],
  ['allenai/OLMoE-1B-7B-0924', 'olmoe-1b-7b', 6.9, 1.3, 2, kv(16, 16, 128)],
  // Card: 1.43 B active, 789 M of them outside the tables.
  ['inclusionAI/Ling-mini-2.0', 'ling-mini-2.0', 16.26, 1.43, 2, kv(20, 4, 128)],
  ['inclusionAI/Ling-mini-2.0', 'ling-mini-2.0', 16.26, 0.789, 0, kv(20, 4, 128)],
];

describe('the configuration of', () => {
  it.each(STATED)('%s (%s) gives %d B, of which %d B active with %i tables', (_, name, total, active, tables, kvBytes) => {
    const json = fixture(name);
    const { dense, parameters } = read(json);
    const rows = json.tie_word_embeddings === true ? 0 : tableOf(json);
    const counted = parameters.active + (tables === 2 ? rows : 0) - (tables === 0 ? tableOf(json) : 0);
    expect(Math.abs(parameters.total / 1e9 - total)).toBeLessThan(Math.max(0.015 * total, halfDigit(total)));
    expect(Math.abs(counted / 1e9 - active)).toBeLessThan(Math.max(0.02 * active, halfDigit(active)));
    expect(dense.kvBytesPerToken).toBe(kvBytes);
  });

  it('Qwen3-30B-A3B has 29.9 B outside the tables, as its card has it', () => {
    const json = fixture('qwen3-30b-a3b');
    expect((read(json).parameters.total - 2 * tableOf(json)) / 1e9).toBeCloseTo(29.9, 1);
  });
});

describe('the configuration of Step-3.5-Flash', () => {
  const json = fixture('step-3.7-flash');
  const other = json.attention_other_setting as Json;

  it('has 96 query heads in the 33 layers with a window, 64 in the others, and 8 of keys everywhere', () => {
    const { dense } = read(json);
    const attention = dense.segments.flatMap((segment) => segment.attention);
    expect(attention.map(({ heads, window }) => [heads, window])).toEqual(
      Array.from({ length: 45 }, (_, layer) => (layer % 4 === 0 ? [64, null] : [96, 512])),
    );
    for (const { flopsPerPair, heads, kvBytesPerToken } of attention) {
      expect(kvBytesPerToken).toBe(2 * 8 * 128 * 2);
      // Scores and values: 2 operations each per value of a head.
      expect(flopsPerPair).toBe(2 * 2 * heads! * 128);
    }
  });

  it('counts to the parameter what the fields say', () => {
    const attention = (heads: number): number => 2 * 4096 * heads * 128 + 2 * 4096 * 8 * 128 + 2 * 128 + 2 * 4096;
    const expert = 3 * 4096 * 1280;
    const sparse = 42 * (289 * expert + 4096 * 288 + 288);
    const tables = 2 * 4096 * 128_896 + 4096;
    expect(read(json).parameters.total).toBe(33 * attention(96) + 12 * attention(64) + 3 * 3 * 4096 * 11_264 + sparse + tables);
  });

  it.each<[string, Json]>([
    ['a list of numbers', { moe_layers_enum: Array.from({ length: 42 }, (_, i) => i + 3) }],
    ['a text with spaces', { moe_layers_enum: String(json.moe_layers_enum).replaceAll(',', ', ') }],
    ['a list of kinds', { moe_layers_enum: null, mlp_layer_types: ['dense', 'dense', 'dense', ...new Array<string>(42).fill('sparse')] }],
    ['the first of them', { moe_layers_enum: null, first_k_dense_replace: 3 }],
    ['the usual name for heads of keys', { num_attention_groups: null, num_key_value_heads: 8 }],
  ])('may have %s', (_, change) => {
    expect(read({ ...json, ...change })).toEqual(read(json));
  });

  it('is found nested in that of Step-3.7-Flash, and may have no window', () => {
    expect(read({ model_type: 'step3p7', architectures: ['Step3p7ForConditionalGeneration'], text_config: json })).toEqual(read(json));
    const plain = configProfile({ ...json, layer_types: new Array<string>(45).fill('full_attention') }, 'model/config.json');
    expect(windowOf(plain, 1)).toBeNull();
  });

  it.each<[Json, RegExp]>([
    [{ attention_other_setting: { ...other, num_attention_groups: 4 } }, /attention_other_setting: num_attention_groups: must be 8, as in/],
    [{ attention_other_setting: { ...other, num_attention_heads: null } }, /attention_other_setting: num_attention_heads: is missing/],
    [{ attention_other_setting: { ...other, num_attention_heads: 90 } }, /kvHeads: must divide the number of heads, 90/],
    [{ moe_layers_enum: '3;4' }, /moe_layers_enum: expected a list of whole numbers, not "3;4"/],
    [{ moe_layers_enum: '' }, /moe_layers_enum: expected a list of whole numbers, not ""/],
  ])('is refused where it says what no layer can have (%#)', (change, message) => {
    expect(() => read({ ...json, ...change })).toThrow(message);
  });
});
