// config.json files of every family: the model that is read off one is the bundled profile of the same name.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/base/errors.js';
import { FAMILIES } from '../../../src/model/families/index.js';
import { configProfile } from '../../../src/model/load/huggingface.js';
import { isMoeLayer, type ModelProfile, windowOf } from '../../../src/model/profile.js';
import { findQuantization } from '../../../src/model/quantization/index.js';
import { cases } from '../../cases.js';
import { temporaryFolder } from '../../support/folder.js';
import { buildModel, loadConfig, loadModelProfile } from '../profiles.js';

type Json = Record<string, unknown>;

const FOLDER = join(import.meta.dirname, '../../fixtures/models');
const NAMES = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.json'))
  .map((name) => name.slice(0, -5));
const fixture = (name: string): Json => JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8')) as Json;
const profileOf = (json: Json): ModelProfile => configProfile(json, 'some-model/config.json');
/** The model, without the name of its family, of which several have the same shape. */
const build = (profile: ModelProfile, format: string) => {
  const { architecture: _, ...model } = buildModel(profile, findQuantization(format));
  return model;
};

describe('config.json of', () => {
  it.each(NAMES)('%s gives the model of the bundled profile', (name) => {
    const profile = loadConfig(join(FOLDER, `${name}.json`));
    const bundled = loadModelProfile(name);
    expect(profile.name).toBe(name);
    // Most fixtures leave the context out, which no size follows from.
    const { mtpLayers, trainedContext } = bundled;
    if (mtpLayers !== undefined && profile.mtpLayers !== 0) expect(profile.mtpLayers ?? mtpLayers).toBe(mtpLayers);
    if (trainedContext !== undefined) expect(profile.trainedContext ?? trainedContext).toBe(trainedContext);
    for (const format of ['bf16', 'q4_k_m'])
      expect(build({ ...profile, mtpLayers, trainedContext }, format)).toEqual(build(bundled, format));
  });

  it.each(FAMILIES.map(({ types }) => types))('the family of %s is among them', (...types) => {
    expect(NAMES.map((name) => fixture(name).model_type).some((type) => types.includes(type as string))).toBe(true);
  });
});

describe('fields', () => {
  it('may be nested, with what holds for the whole model outside', () => {
    const text = fixture('qwen3-30b-a3b');
    const { tie_word_embeddings: tied, ...inner } = text;
    const outer = { model_type: 'qwen3_vl_moe', tie_word_embeddings: tied, text_config: { ...inner, model_type: 'qwen3_vl_moe_text' } };
    const speech = { model_type: 'qwen3_omni_moe', thinker_config: { text_config: inner } };
    const expected = build(profileOf(text), 'bf16');
    expect(build(profileOf(outer), 'bf16')).toEqual(expected);
    expect(build(profileOf(speech), 'bf16')).toEqual(expected);
  });

  it('tell the family by the architecture where the model type does not', () => {
    const grok2 = profileOf({
      ...fixture('grok-1'),
      model_type: 'git',
      architectures: ['Grok1ForCausalLM'],
      residual_moe: true,
      moe_intermediate_size: 16384,
      tie_word_embeddings: false,
    });
    expect(grok2.moe).toMatchObject({ intermediate: 16384, shared: { intermediate: 32768 } });
  });

  it('place dense layers wherever they are', () => {
    const moeLayers = (json: Json): number[] => {
      const profile = profileOf({ ...fixture('qwen3-30b-a3b'), num_hidden_layers: 8, ...json });
      return Array.from({ length: 8 }, (_, layer) => layer).filter((layer) => isMoeLayer(profile, layer));
    };
    expect(moeLayers({ mlp_only_layers: [0, 3, 7] })).toEqual([1, 2, 4, 5, 6]);
    expect(moeLayers({ decoder_sparse_step: 2 })).toEqual([1, 3, 5, 7]);
    expect(moeLayers({ decoder_sparse_step: 3, mlp_only_layers: [5] })).toEqual([2]);
    const ernie = profileOf({ ...fixture('ernie-4.5-21b-a3b'), num_hidden_layers: 6, moe_layer_start_index: 2, moe_layer_end_index: 4 });
    expect([0, 1, 2, 3, 4, 5].map((layer) => isMoeLayer(ernie, layer))).toEqual([false, false, true, true, true, false]);
  });

  it('say which layers have a window', () => {
    const windows = (json: Json, layers: number): (number | null)[] => {
      const profile = profileOf(json);
      return Array.from({ length: layers }, (_, layer) => windowOf(profile, layer));
    };
    expect(windows(fixture('gpt-oss-20b'), 3)).toEqual([128, null, 128]);
    expect(windows(fixture('llama-4-scout'), 5)).toEqual([8192, 8192, 8192, null, 8192]);
    expect(windows({ ...fixture('mixtral-8x7b'), sliding_window: 4096 }, 2)).toEqual([4096, 4096]);
    expect(windows(fixture('phi-3.5-moe'), 1)).toEqual([null]);
  });

  it('may differ from layer to layer', () => {
    const topK = new Array<number>(32).fill(8);
    topK[1] = 4;
    const { layers } = build(profileOf({ ...fixture('hunyuan-a13b'), moe_topk: topK }), 'bf16');
    expect(layers.slice(0, 3).map((layer) => layer.topK)).toEqual([8, 4, 8]);
  });
});

describe('fields of hybrid models', () => {
  it('describe Granite 4 with its Mamba-2 layers', () => {
    // granite-4.0-h-tiny: 7 B in total, 1 B active.
    const types = Array.from({ length: 40 }, (_, layer) => ([5, 15, 25, 35].includes(layer) ? 'attention' : 'mamba'));
    const profile = profileOf({
      model_type: 'granitemoehybrid',
      hidden_size: 1536,
      num_hidden_layers: 40,
      num_attention_heads: 12,
      num_key_value_heads: 4,
      vocab_size: 100352,
      tie_word_embeddings: true,
      intermediate_size: 512,
      shared_intermediate_size: 1024,
      num_local_experts: 64,
      num_experts_per_tok: 6,
      layer_types: types,
      mamba_d_conv: 4,
      mamba_d_head: 64,
      mamba_d_state: 128,
      mamba_expand: 2,
      mamba_n_groups: 1,
      mamba_n_heads: 48,
      mamba_conv_bias: true,
      mamba_proj_bias: false,
    });
    const { parameters, dense } = build(profile, 'bf16');
    expect(parameters.total / 6.94e9).toBeCloseTo(1, 2);
    expect(dense.kvBytesPerToken).toBe(4 * 2 * 4 * 128 * 2);
  });
});

describe('families beyond their fixture', () => {
  it('read Kimi-K2.5, flat or with its language model nested', () => {
    const k2 = fixture('kimi-k2');
    const expected = build(profileOf(k2), 'int4');
    const { quantization_config: _, ...text } = k2;
    expect(build(profileOf({ ...text, model_type: 'kimi_k25', architectures: ['KimiK25ForConditionalGeneration'] }), 'int4')).toEqual(
      expected,
    );
    const quantization_config = {
      quant_method: 'compressed-tensors',
      config_groups: { group_0: { weights: { num_bits: 4, group_size: 32 } } },
    };
    const nested = profileOf({ model_type: 'kimi_k25', text_config: { ...text, quantization_config } });
    expect(nested).toMatchObject({ quantization: 'int4' });
    expect(nested.note).toBeUndefined();
    expect(build(nested, 'int4')).toEqual(expected);
  });

  it('read Nemotron-3-Super, whose experts work on a latent: 120 B', () => {
    const { hybrid_override_pattern: _, ...nano } = fixture('nemotron-3-nano-30b-a3b');
    const kinds = { M: 'mamba', E: 'moe', '*': 'attention' } as const;
    // Of 88 layers 40 have experts, 40 are Mamba-2, 8 attention.
    const pattern = 'MEMEMEMEM*E'.repeat(8);
    const layers_block_type = [...pattern].map((letter) => kinds[letter as keyof typeof kinds]);
    const profile = profileOf({
      ...nano,
      hidden_size: 4096,
      num_hidden_layers: 88,
      layers_block_type,
      mamba_num_heads: 128,
      n_routed_experts: 512,
      num_experts_per_tok: 22,
      moe_intermediate_size: 2688,
      moe_latent_size: 1024,
      moe_shared_expert_intermediate_size: 5376,
    });
    const { layers, parameters } = build(profile, 'bf16');
    expect(layers).toHaveLength(40);
    // One expert: 1024 x 2688 to and back, 16 bits each.
    expect(layers[0]).toMatchObject({ experts: 512, topK: 22, expertBytes: 2 * 2 * 1024 * 2688 });
    expect(Math.abs(parameters.total / 120e9 - 1)).toBeLessThan(0.01);
    expect(parameters.active / 12e9).toBeLessThan(1.15);
  });

  it('read LFM2.5, whose vocabulary is larger, and Ling-flash-2.0: 103 B', () => {
    expect(build(profileOf({ ...fixture('lfm2-8b-a1b'), vocab_size: 128000 }), 'bf16').parameters.total / 8.468e9).toBeCloseTo(1, 3);
    const flash = profileOf({
      ...fixture('ling-mini-2.0'),
      hidden_size: 4096,
      num_hidden_layers: 32,
      num_attention_heads: 32,
      intermediate_size: 9216,
      moe_intermediate_size: 1024,
    });
    expect(build(flash, 'bf16').parameters.total / 102.9e9).toBeCloseTo(1, 3);
  });

  it('price DeepSeek-V4-Flash as its checkpoint is stored: experts of 4 bits', () => {
    const { layers } = build(loadConfig(join(FOLDER, 'deepseek-v4-flash.json')), 'mxfp4');
    expect(layers[0]!.expertBytes).toBe((3 * 4096 * 2048 * 4.25) / 8);
  });
});

describe('families beyond any profile', () => {
  it.each([
    [{ hybrid_override_pattern: 'MEMX' }, /a layer of kind "X" is not modelled/],
    [{ hybrid_override_pattern: 'MEMM-' }, /hybrid_override_pattern: a dense FFN is not modelled/],
    [{ hybrid_override_pattern: null }, /hybrid_override_pattern: is missing/],
  ])('refuse of Nemotron what no profile can say (%#)', (json, message) => {
    expect(() => profileOf({ ...fixture('nemotron-3-nano-30b-a3b'), ...json })).toThrow(message);
  });

  it('refuse what has no experts, and lists that are too short', () => {
    expect(() => profileOf({ ...fixture('gemma-4-26b-a4b'), enable_moe_block: false })).toThrow(
      /enable_moe_block: false is a model without/,
    );
    expect(() => profileOf({ ...fixture('deepseek-v4-flash'), compress_ratios: [4] })).toThrow(
      /compress_ratios: expected one value for each of/,
    );
    expect(() => profileOf({ ...fixture('deepseek-v4-flash'), qk_rope_head_dim: 512 })).toThrow(/head_dim: must exceed/);
    expect(() => profileOf({ ...fixture('longcat-flash'), num_layers: 501 })).toThrow(/num_layers: must be at most 500, not 501/);
  });
});

describe('a model of no known family', () => {
  const renamed = (name: string, change: Json = {}): Json => ({
    ...fixture(name),
    architectures: ['New'],
    model_type: 'brand_new',
    ...change,
  });

  it.each(['qwen3-30b-a3b', 'deepseek-v2', 'olmoe-1b-7b', 'kimi-k2', 'glm-4.5', 'ling-mini-2.0', 'mixtral-8x7b'])(
    'is read by the usual fields, as %s shows: the same experts, nearly the same parameters, and a note',
    (name) => {
      const usual = profileOf(renamed(name));
      const [read, known] = [build(usual, 'bf16'), build(loadModelProfile(name), 'bf16')];
      expect(read.layers).toEqual(known.layers);
      expect(read.parameters.total / known.parameters.total).toBeCloseTo(1, 3);
      expect(read.note).toBe(usual.note);
      expect(usual.note).toMatch(/^some-model\/config\.json: model_type "brand_new" is of no known family; read by the usual fields: /);
      expect(known.note).toBeUndefined();
    },
  );

  it('may say which layers have experts by a list of kinds or of flags, and shared experts by their width', () => {
    const moeLayers = (json: Json): number[] => {
      const profile = profileOf(renamed('qwen3-30b-a3b', { num_hidden_layers: 4, ...json }));
      return [0, 1, 2, 3].filter((layer) => isMoeLayer(profile, layer));
    };
    expect(moeLayers({ mlp_layer_types: ['dense', 'sparse', 'sparse', 'dense'] })).toEqual([1, 2]);
    expect(moeLayers({ moe_layer_freq: [0, 1, 0, 1] })).toEqual([1, 3]);
    expect(moeLayers({ first_k_dense_replace: 3 })).toEqual([3]);
    expect(moeLayers({ decoder_sparse_step: 2, mlp_only_layers: [3] })).toEqual([1]);
    const { moe } = profileOf(renamed('qwen3-30b-a3b', { shared_expert_intermediate_size: 512, n_shared_experts: 2 }));
    expect(moe.shared).toMatchObject({ intermediate: 1024 });
  });

  it('says which layers it takes for attention', () => {
    const layer_types = ['linear_attention', 'full_attention', 'sliding_attention', 'mamba'];
    const { note } = profileOf(renamed('qwen3-30b-a3b', { num_hidden_layers: 4, layer_types }));
    expect(note).toContain('Layers of kind "linear_attention", "mamba" are taken for attention.');
  });

  it('must name what it cannot do without', () => {
    expect(() => profileOf(renamed('qwen3-30b-a3b', { num_experts_per_tok: null }))).toThrow(/num_experts_per_tok or .*: is missing/);
    expect(() => profileOf({ model_type: 'llama', hidden_size: 64 })).toThrow(/others need the usual fields, num_experts, /);
  });
});

describe('the stored format', () => {
  const formatOf = (quantization: Json | null): string =>
    profileOf({ ...fixture('mixtral-8x7b'), quantization_config: quantization }).quantization;

  it('is what quantization_config says', () => {
    expect(formatOf(null)).toBe('bf16');
    expect(loadConfig(join(FOLDER, 'deepseek-v3.json')).quantization).toBe('fp8');
    expect(loadConfig(join(FOLDER, 'gpt-oss-20b.json')).quantization).toBe('mxfp4_hf');
    expect(formatOf({ quant_method: 'gptq', bits: 4 })).toBe('int4');
    expect(formatOf({ quant_method: 'awq', bits: 4 })).toBe('int4');
    expect(formatOf({ quant_method: 'compressed-tensors', config_groups: { group_0: { weights: { num_bits: 4 } } } })).toBe('int4');
    expect(formatOf({ quant_method: 'gptq', bits: 3 })).toBe('gptq-3bit');
  });

  it('of gpt-oss-20b has 13.76 GB, the size of its checkpoint', () => {
    const profile = loadConfig(join(FOLDER, 'gpt-oss-20b.json'));
    const { layers, dense } = build(profile, profile.quantization);
    const bytes = layers.reduce((sum, layer) => sum + layer.experts * layer.expertBytes, 0) + dense.weightBytes;
    expect(Math.abs(bytes / 13.76e9 - 1)).toBeLessThan(0.001);
  });
});

describe('a config.json that says too little', () => {
  it.each([
    [
      { model_type: 'llama' },
      /^some-model\/config\.json: model_type "llama" is not known; did you mean "llama4"\? \(known: mixtral, qwen2_moe,/,
    ],
    [{ model_type: 'resnet' }, /model_type "resnet" is not known \(known: mixtral/],
    [{}, /^some-model\/config\.json: model_type: is missing; is this the config\.json of a model\?$/],
    [{ ...fixture('mixtral-8x7b'), num_local_experts: 0 }, /^some-model\/config\.json: num_local_experts: must be at least 1, not 0$/],
    [{ ...fixture('mixtral-8x7b'), hidden_size: null }, /hidden_size: is missing; expected a whole number$/],
    [{ ...fixture('mixtral-8x7b'), hidden_size: '4096' }, /hidden_size: expected a whole number, not "4096"$/],
    [{ ...fixture('mixtral-8x7b'), num_experts_per_tok: 9 }, /moe\.topK: a token cannot choose 9 of 8 experts$/],
    [{ ...fixture('mixtral-8x7b'), num_hidden_layers: 1e15 }, /num_hidden_layers: must be at most 1000, not 1000000000000000$/],
    [{ ...fixture('mixtral-8x7b'), num_local_experts: 1e9 }, /moe\.experts: must be at most 8192/],
    [{ ...fixture('mixtral-8x7b'), num_attention_heads: 30 }, /head_dim: is missing, and the hidden size is not a multiple of 30 heads$/],
    [{ ...fixture('qwen3-30b-a3b'), decoder_sparse_step: 100 }, /no layer of this model has experts/],
    [{ ...fixture('deepseek-v2'), intermediate_size: null }, /has dense layers; add dense/],
    [{ ...fixture('dbrx'), ffn_config: null }, /ffn_config: is missing/],
    [{ ...fixture('dbrx'), ffn_config: [] }, /ffn_config: expected a mapping/],
    [{ ...fixture('hunyuan-a13b'), moe_topk: [8] }, /moe_topk: expected one value for each of 32 layers, not \[8\]$/],
    [{ ...fixture('hunyuan-a13b'), use_cla: true }, /use_cla: .* is not modelled/],
    [{ ...fixture('nllb-moe-54b'), decoder_ffn_dim: 4096 }, /decoder_ffn_dim: differs from the encoder's 8192/],
    [{ ...fixture('gpt-oss-20b'), layer_types: [1] }, /layer_types: expected a list of texts, not \[1\]$/],
  ])('is answered in one line (%#)', (json, message) => {
    expect(() => profileOf(json as Json)).toThrow(UserError);
    expect(() => profileOf(json as Json)).toThrow(message);
  });
});

describe('any value in any field', () => {
  const value = fc.oneof(
    fc.constantFrom<unknown>(
      0,
      -1,
      1,
      2,
      3,
      1e9,
      1e15,
      1e300,
      0.5,
      true,
      false,
      null,
      '',
      'auto',
      'x',
      [],
      {},
      [0],
      [1, 0],
      [1e9],
      ['full_attention'],
    ),
    fc.integer({ min: 1, max: 2000 }),
    fc.jsonValue({ maxDepth: 2 }),
  );

  it('gives a model of finite sizes, or one line', () => {
    const target = fc
      .constantFrom(...NAMES)
      .chain((name) => fc.tuple(fc.constant(name), fc.constantFrom(...Object.keys(fixture(name))), value, fc.boolean()));
    fc.assert(
      fc.property(target, ([name, key, replaced, known]) => {
        try {
          const family = known ? {} : { model_type: 'brand_new', architectures: ['New'] };
          const model = build(profileOf({ ...fixture(name), ...family, [key]: replaced }), 'q4_k_m');
          expect(Number.isFinite(model.dense.weightBytes) && Number.isFinite(model.parameters.total)).toBe(true);
          for (const layer of model.layers) expect(layer.expertBytes).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
          expect((error as Error).message).not.toContain('\n');
        }
      }),
      { numRuns: cases(400), seed: 7 },
    );
  });
});

describe('a file', () => {
  const folder = temporaryFolder();
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };

  it('names the model, or its folder does, or the repository whose snapshot it is', () => {
    const text = JSON.stringify(fixture('mixtral-8x7b'));
    const snapshot = join(folder, 'models--mistralai--Mixtral-8x7B-v0.1/snapshots/abc');
    mkdirSync(snapshot, { recursive: true });
    writeFileSync(join(snapshot, 'config.json'), text);
    mkdirSync(join(folder, 'my-model'));
    expect(loadConfig(join(snapshot, 'config.json')).name).toBe('Mixtral-8x7B-v0.1');
    expect(loadConfig(write('my-model/config.json', text)).name).toBe('my-model');
    expect(loadConfig(write('other.config.json', text)).name).toBe('other');
  });

  it('may hold what Python writes for infinities, and a byte order mark', () => {
    const text = JSON.stringify({ ...fixture('mixtral-8x7b'), note: 'NaN "Infinity"' });
    const path = write('python.json', `\uFEFF${text.replace('{', '{"scale": NaN, "limits": [0.0, -Infinity, Infinity],')}`);
    expect(loadConfig(path).layers).toBe(32);
  });

  it.each([
    ['cut.json', '{\n  "model_type": "mixtral",\n  "hidd', /cut\.json:3:8: is not JSON from here on; was the file cut short\?$/],
    ['comma.json', '{\n  "model_type": "mixtral",,\n}', /comma\.json:2:27: is not JSON from here on/],
    ['list.json', '[1]', /list\.json: is not a JSON object$/],
    ['empty.json', '', /empty\.json:1:1: is not JSON/],
    [
      'deep.json',
      `{"model_type": "mixtral", "x": ${'['.repeat(500_000)}${']'.repeat(500_000)}}`,
      /deep\.json: nests more than 64 lists and objects/,
    ],
    ['nested.json', `${'{"text_config":'.repeat(100_000)}{}${'}'.repeat(100_000)}`, /nested\.json: nests more than 64 lists and objects/],
    ['large.json', ' '.repeat(17 * 2 ** 20), /large\.json: has 17\.0 MiB, more than a config\.json may have \(16\.0 MiB\); /],
  ])('%s is answered in one line', (name, text, message) => {
    const path = write(name, text);
    expect(() => loadConfig(path)).toThrow(UserError);
    expect(() => loadConfig(path)).toThrow(message);
  });

  it('that is not there is answered in one line', () => {
    expect(() => loadConfig(join(folder, 'none.json'))).toThrow(/none\.json: there is no such file$/);
  });
});
