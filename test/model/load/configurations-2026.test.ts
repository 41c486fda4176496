// Configurations of 2026, written by hand from public facts, against published parameters; and each bent in one field.
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/base/errors.js';
import { configProfile } from '../../../src/model/load/huggingface.js';
import { findQuantization } from '../../../src/model/quantization/index.js';
import { buildModel } from '../profiles.js';

type Json = Readonly<Record<string, unknown>>;

/** A word a layer: `period` words, over and over. */
const periods = (layers: number, ...words: readonly string[]): string[] =>
  Array.from({ length: layers }, (_, i) => words[i % words.length]!);
const windows = (layers: number): string[] => periods(layers, ...Array(3).fill('sliding_attention'), 'full_attention');
const deltas = (layers: number): string[] => periods(layers, ...Array(3).fill('linear_attention'), 'full_attention');
const stem = (model_type: string, num_hidden_layers: number, hidden_size: number, vocab_size: number): Json => ({
  model_type,
  num_hidden_layers,
  hidden_size,
  vocab_size,
});
const gqa = (num_attention_heads: number, num_key_value_heads: number, head_dim: number): Json => ({
  num_attention_heads,
  num_key_value_heads,
  head_dim,
});
const mla = (num_attention_heads: number, q_lora_rank: number | null, qk_nope_head_dim: number, v_head_dim: number): Json => ({
  num_attention_heads,
  q_lora_rank,
  kv_lora_rank: 512,
  qk_nope_head_dim,
  qk_rope_head_dim: 64,
  v_head_dim,
});
const moe = (experts: string, count: number, num_experts_per_tok: number, moe_intermediate_size: number): Json => ({
  [experts]: count,
  num_experts_per_tok,
  moe_intermediate_size,
});

/** Billions in total, and active: with the head, and without the embedding unless a line names the tables (0: neither, 2: both). */
interface Stated {
  readonly total: number;
  readonly active: number;
  readonly tables?: 0 | 2;
  readonly mtp?: number;
  readonly config: Json;
}

const MODELS: Readonly<Record<string, Stated>> = {
  'DeepSeek-V3.2': {
    ...{ total: 671, active: 37, mtp: 1 },
    config: {
      ...stem('deepseek_v32', 61, 7168, 129280),
      ...mla(128, 1536, 128, 128),
      ...moe('n_routed_experts', 256, 8, 2048),
      ...{ n_shared_experts: 1, first_k_dense_replace: 3, intermediate_size: 18432, num_nextn_predict_layers: 1, index_topk: 2048 },
    },
  },
  'Kimi-K2.6': {
    ...{ total: 1026, active: 32 },
    config: {
      model_type: 'kimi_k25',
      vision_config: { num_hidden_layers: 27, hidden_size: 1152 },
      text_config: {
        ...stem('kimi_k2', 61, 7168, 163840),
        ...mla(64, 1536, 128, 128),
        ...moe('n_routed_experts', 384, 8, 2048),
        ...{ n_shared_experts: 1, first_k_dense_replace: 1, intermediate_size: 18432 },
      },
    },
  },
  'GLM-5.2': {
    ...{ total: 744, active: 40, mtp: 1 },
    config: {
      ...stem('glm_moe_dsa', 78, 6144, 154880),
      ...mla(64, 2048, 192, 256),
      ...moe('n_routed_experts', 256, 8, 2048),
      ...{ n_shared_experts: 1, first_k_dense_replace: 3, intermediate_size: 12288, num_nextn_predict_layers: 1 },
    },
  },
  'GLM-4.7-Flash': {
    ...{ total: 30, active: 3, tables: 0, mtp: 1 },
    config: {
      ...stem('glm4_moe_lite', 47, 2048, 154880),
      ...mla(20, 768, 192, 256),
      ...moe('n_routed_experts', 64, 4, 1536),
      ...{ n_shared_experts: 1, first_k_dense_replace: 1, intermediate_size: 10240, num_nextn_predict_layers: 1 },
    },
  },
  'Qwen3.5-35B-A3B': {
    ...{ total: 35, active: 3, mtp: 1 },
    config: {
      model_type: 'qwen3_5_moe',
      vision_config: { depth: 27, hidden_size: 1152 },
      text_config: {
        ...stem('qwen3_5_moe_text', 40, 2048, 248320),
        ...gqa(16, 2, 256),
        ...moe('num_experts', 256, 8, 512),
        ...{ shared_expert_intermediate_size: 512, layer_types: deltas(40), linear_num_value_heads: 32, mtp_num_hidden_layers: 1 },
      },
    },
  },
  'Qwen3.8-2.4T-A95B': {
    ...{ total: 2400, active: 95, mtp: 1 },
    config: {
      ...stem('qwen3_5_moe', 92, 8192, 248320),
      ...gqa(64, 4, 256),
      ...moe('num_experts', 512, 10, 2048),
      ...{ shared_expert_intermediate_size: 2048, full_attention_interval: 4, linear_num_value_heads: 128, mtp_num_hidden_layers: 1 },
    },
  },
  'MiMo-V2-Flash': {
    ...{ total: 309, active: 15 },
    config: {
      ...stem('mimo_v2_flash', 48, 4096, 152576),
      ...{
        ...gqa(64, 4, 192),
        v_head_dim: 128,
        swa_num_attention_heads: 64,
        swa_num_key_value_heads: 8,
        swa_head_dim: 192,
        swa_v_head_dim: 128,
      },
      ...{ hybrid_layer_pattern: Array.from({ length: 48 }, (_, i) => (i === 0 || i % 6 === 5 ? 0 : 1)), sliding_window_size: 128 },
      ...moe('n_routed_experts', 256, 8, 2048),
      ...{ moe_layer_freq: Array.from({ length: 48 }, (_, i) => (i === 0 ? 0 : 1)), intermediate_size: 16384 },
    },
  },
  'Trinity-Mini': {
    ...{ total: 26, active: 3 },
    config: {
      ...stem('afmoe', 32, 2048, 200192),
      ...{ ...gqa(32, 4, 128), sliding_window: 2048, layer_types: windows(32) },
      ...{ ...moe('num_experts', 128, 8, 1024), num_shared_experts: 1, num_dense_layers: 2, intermediate_size: 6144 },
    },
  },
  'Trinity-Large': {
    ...{ total: 398, active: 13 },
    config: {
      ...stem('afmoe', 60, 3072, 200192),
      ...{ ...gqa(48, 8, 128), sliding_window: 4096, layer_types: windows(60) },
      ...{ ...moe('num_experts', 256, 4, 3072), num_shared_experts: 1, num_dense_layers: 6, intermediate_size: 12288 },
    },
  },
  Hy3: {
    ...{ total: 295, active: 21, mtp: 1 },
    config: {
      ...{ ...stem('hy_v3', 80, 4096, 120832), ...gqa(64, 8, 128), qk_norm: true, first_k_dense_replace: 1, intermediate_size: 13312 },
      ...{ ...moe('num_experts', 192, 8, 1536), num_shared_experts: 1, num_nextn_predict_layers: 1 },
    },
  },
  'Hy-MT2-30B-A3B': {
    ...{ total: 30, active: 3 },
    config: {
      ...{ ...stem('hy_mt2', 48, 2048, 120832), ...gqa(32, 4, 128), qk_norm: true, first_k_dense_replace: 1, intermediate_size: 6912 },
      ...{ ...moe('num_experts', 128, 8, 768), num_shared_experts: 1 },
    },
  },
  'Solar-Open-100B': {
    ...{ total: 102.6, active: 12 },
    config: {
      ...{ ...stem('solar_open', 48, 4096, 196608), ...gqa(64, 8, 128), first_k_dense_replace: 0, intermediate_size: 10240 },
      ...{ ...moe('n_routed_experts', 128, 8, 1280), n_shared_experts: 1 },
    },
  },
  'K-EXAONE-236B-A23B': {
    ...{ total: 236, active: 23, mtp: 1 },
    config: {
      ...{ ...stem('exaone_moe', 48, 6144, 153600), ...gqa(64, 8, 128), sliding_window: 128, layer_types: windows(48) },
      ...{ ...moe('num_experts', 128, 8, 2048), num_shared_experts: 1, first_k_dense_replace: 1, intermediate_size: 18432 },
      num_nextn_predict_layers: 1,
    },
  },
  'LFM2.5-8B-A1B': {
    ...{ total: 8.47, active: 1.69 },
    config: {
      ...{ ...stem('lfm2_moe', 24, 2048, 128000), num_attention_heads: 32, num_key_value_heads: 8, conv_L_cache: 3, tie_embedding: true },
      layer_types: Array.from({ length: 24 }, (_, i) => ([2, 6, 10, 14, 18, 21].includes(i) ? 'full_attention' : 'conv')),
      ...{ ...moe('num_experts', 32, 4, 1792), num_dense_layers: 2, intermediate_size: 7168 },
    },
  },
  'Nemotron-3-Super-120B-A12B': {
    ...{ total: 120.67, active: 12.23, mtp: 1 },
    config: {
      ...{ ...stem('nemotron_h', 88, 4096, 131072), ...gqa(32, 2, 128) },
      hybrid_override_pattern: 'MEMEMEM*EMEMEMEM*EMEMEMEM*EMEMEMEMEM*EMEMEMEMEM*EMEMEMEMEM*EMEMEMEMEM*EMEMEMEM*EMEMEMEME',
      ...{ ...moe('n_routed_experts', 512, 22, 2688), moe_latent_size: 1024, n_shared_experts: 1 },
      ...{ moe_shared_expert_intermediate_size: 5376, mamba_num_heads: 128, mamba_head_dim: 64, n_groups: 8, num_nextn_predict_layers: 1 },
    },
  },
  'Command A+': {
    ...{ total: 218, active: 25 },
    config: {
      model_type: 'cohere2_vision',
      text_config: {
        ...{ ...stem('cohere2_moe', 32, 4096, 262144), ...gqa(128, 8, 128), sliding_window: 4096, layer_types: windows(32) },
        ...{ ...moe('num_experts', 128, 8, 4096), shared_expert_intermediate_size: 16384, tie_word_embeddings: true },
      },
    },
  },
  'Laguna-XS-2.1': {
    ...{ total: 33, active: 3 },
    config: {
      ...{ ...stem('laguna', 40, 2048, 100352), ...gqa(48, 8, 128), sliding_window: 512 },
      layer_types: periods(40, 'full_attention', ...Array(3).fill('sliding_attention')),
      num_attention_heads_per_layer: Array.from({ length: 40 }, (_, i) => (i % 4 === 0 ? 48 : 64)),
      ...{ ...moe('num_experts', 256, 8, 512), shared_expert_intermediate_size: 512, mlp_only_layers: [0], intermediate_size: 8192 },
    },
  },
  'Sarvam-105B': {
    ...{ total: 105, active: 11.34 },
    config: {
      ...{ ...stem('sarvam_mla', 32, 4096, 262144), ...mla(64, null, 128, 128) },
      ...{ ...moe('num_experts', 128, 8, 2048), num_shared_experts: 1, first_k_dense_replace: 1, intermediate_size: 16384 },
    },
  },
  'Mellum2-12B-A2.5B': {
    ...{ total: 12, active: 2.5, tables: 2 },
    config: {
      ...{ ...stem('mellum', 28, 2304, 98304), ...gqa(32, 4, 128), sliding_window: 1024, layer_types: windows(28) },
      ...moe('num_experts', 64, 8, 896),
    },
  },
  'MiniMax-M3': {
    ...{ total: 428, active: 23, tables: 0 },
    config: {
      ...{ ...stem('minimax_m3', 60, 6144, 200064), ...gqa(64, 4, 128), qk_norm: true, dense_intermediate_size: 12288 },
      ...{ ...moe('num_local_experts', 128, 4, 3072), n_shared_experts: 1, first_k_dense_replace: 3, intermediate_size: 12288 },
    },
  },
};

const profileOf = (config: Json) => configProfile(config, 'model/config.json');

describe('the configuration of', () => {
  it.each(Object.entries(MODELS))('%s has the published parameters', (_, { active, config, mtp, tables, total }) => {
    const profile = profileOf(config);
    const { parameters } = buildModel(profile, findQuantization('bf16'));
    const table = profile.hidden * profile.vocab;
    const counted = parameters.active + (tables === 2 ? table : tables === 0 ? -table : 0);
    expect(Math.abs(parameters.total / 1e9 / total - 1)).toBeLessThan(0.03);
    // A figure of one digit is that digit rounded.
    expect(Math.abs(counted / 1e9 / active - 1)).toBeLessThan(Math.max(0.07, active < 10 && Number.isInteger(active) ? 0.5 / active : 0));
    expect(profile.mtpLayers ?? 0).toBe(mtp ?? 0);
  });

  it.each([
    // Nine layers in full, 39 with a window of 128: four and eight heads of 192 + 128.
    ['MiMo-V2-Flash', (9 * 4 + 39 * 8) * 320 * 2],
    ['Trinity-Mini', 32 * 2 * 4 * 128 * 2],
    ['Laguna-XS-2.1', 40 * 2 * 8 * 128 * 2],
    ['Kimi-K2.6', 61 * 576 * 2],
    ['Qwen3.5-35B-A3B', 10 * 2 * 2 * 256 * 2],
    ['LFM2.5-8B-A1B', 6 * 2 * 8 * 64 * 2],
    ['Nemotron-3-Super-120B-A12B', 8 * 2 * 2 * 128 * 2],
  ])('%s adds %d bytes of keys, values and latents a token', (name, bytes) => {
    const { dense } = buildModel(profileOf(MODELS[name]!.config), findQuantization('bf16'));
    expect(dense.kvBytesPerToken).toBe(bytes);
  });
});

/** Each model without a field that it needs, or with one that is bent. */
const BENT: readonly (readonly [name: string, field: string, value: unknown, message: RegExp])[] = [
  ['DeepSeek-V3.2', 'kv_lora_rank', '512', /kv_lora_rank: expected/],
  ['Kimi-K2.6', 'n_routed_experts', undefined, /(n_routed_experts|num_experts).*is missing/],
  ['GLM-5.2', 'v_head_dim', undefined, /v_head_dim.*is missing/],
  ['GLM-4.7-Flash', 'num_experts_per_tok', 65, /topK|num_experts_per_tok/],
  ['Qwen3.5-35B-A3B', 'moe_intermediate_size', undefined, /moe_intermediate_size.*is missing/],
  ['Qwen3.8-2.4T-A95B', 'mtp_num_hidden_layers', 'one', /mtp_num_hidden_layers: expected/],
  ['MiMo-V2-Flash', 'swa_num_key_value_heads', 7, /kvHeads|swa_num_key_value_heads/],
  ['Trinity-Mini', 'num_experts', 0, /num_experts: must be/],
  ['Trinity-Large', 'num_hidden_layers', -1, /num_hidden_layers: must be/],
  ['Hy3', 'vocab_size', undefined, /vocab_size.*is missing/],
  ['Hy-MT2-30B-A3B', 'head_dim', 1.5, /head_dim: expected/],
  ['Solar-Open-100B', 'num_attention_heads', undefined, /num_attention_heads.*is missing/],
  ['K-EXAONE-236B-A23B', 'first_k_dense_replace', 48, /no layer of this model has experts/],
  ['LFM2.5-8B-A1B', 'hidden_size', null, /hidden_size.*(is missing|must be)/],
  ['Nemotron-3-Super-120B-A12B', 'hybrid_override_pattern', 'MEM-', /a dense FFN is not modelled/],
  ['Command A+', 'num_experts_per_tok', undefined, /num_experts_per_tok.*is missing/],
  ['Laguna-XS-2.1', 'num_attention_heads_per_layer', [...Array(39).fill(48), 40], /must be 48 in layer 39/],
  ['Sarvam-105B', 'qk_nope_head_dim', undefined, /qk_nope_head_dim.*is missing/],
  ['Mellum2-12B-A2.5B', 'num_hidden_layers', 1e9, /num_hidden_layers: must/],
  ['MiniMax-M3', 'num_key_value_heads', 5, /kvHeads|num_key_value_heads/],
];

describe('a configuration that is bent', () => {
  it('is tried for each model', () => expect(BENT.map(([name]) => name)).toEqual(Object.keys(MODELS)));

  it.each(BENT)('of %s in %s (%j) is refused in a line', (name, field, value, message) => {
    const { config } = MODELS[name]!;
    const { text_config: inner } = config as { readonly text_config?: Json };
    const bent = inner === undefined ? { ...config, [field]: value } : { ...config, text_config: { ...inner, [field]: value } };
    const read = (): unknown => buildModel(profileOf(JSON.parse(JSON.stringify(bent)) as Json), findQuantization('bf16'));
    expect(read).toThrow(UserError);
    expect(read).toThrow(message);
    expect(read).not.toThrow(/\n/);
  });
});
