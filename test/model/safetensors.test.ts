// Folders of safetensors: sizes as stored, whatever they are packed into, and what a path can lead to.
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { loadModel, loadRouting, openModel } from '../../src/model/load/load.js';
import { placeOf } from '../../src/model/safetensors.js';
import { temporaryFolder } from '../support/folder.js';

const ROOT = temporaryFolder();

/** Qwen3 with two layers, the first of them dense. */
const CONFIG = {
  model_type: 'qwen3_moe',
  hidden_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 16,
  vocab_size: 100,
  intermediate_size: 128,
  moe_intermediate_size: 32,
  num_experts: 4,
  num_experts_per_tok: 2,
  mlp_only_layers: [0],
};

/** Bytes of each tensor. */
const TENSORS: Readonly<Record<string, number>> = {
  'model.embed_tokens.weight': 12_800,
  'model.layers.0.input_layernorm.weight': 128,
  'model.layers.0.self_attn.q_proj.weight': 8192,
  'model.layers.0.mlp.gate_proj.weight': 16_384,
  'model.layers.0.mlp.down_proj.weight': 16_384,
  'model.layers.1.self_attn.q_proj.weight': 8192,
  'model.layers.1.post_attention_layernorm.weight': 128,
  'model.layers.1.mlp.gate.weight': 512,
  ...Object.fromEntries(
    [0, 1, 2, 3].flatMap((expert) => [
      [`model.layers.1.mlp.experts.${expert}.up_proj.qweight`, 1000 + expert],
      [`model.layers.1.mlp.experts.${expert}.up_proj.scales`, 100],
      [`model.layers.1.mlp.experts.${expert}.down_proj.weight`, 900],
    ]),
  ),
  'model.layers.2.mlp.experts.0.up_proj.weight': 5000,
  'model.norm.weight': 128,
  'lm_head.weight': 12_800,
};

function writeSafetensors(path: string, tensors: Readonly<Record<string, number>>): void {
  let offset = 0;
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  for (const [name, bytes] of Object.entries(tensors)) {
    header[name] = { dtype: 'U8', shape: [bytes], data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  const text = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(path, Buffer.concat([prefix, text]));
  truncateSync(path, 8 + text.length + offset);
}

function folder(name: string, files: Readonly<Record<string, Readonly<Record<string, number>>>>, index?: unknown): string {
  const path = join(ROOT, name);
  mkdirSync(path);
  writeFileSync(join(path, 'config.json'), JSON.stringify(CONFIG));
  for (const [file, tensors] of Object.entries(files)) writeSafetensors(join(path, file), tensors);
  if (index !== undefined) writeFileSync(join(path, 'model.safetensors.index.json'), JSON.stringify(index));
  return path;
}

const half = (first: boolean): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(TENSORS).filter((_, i) => (i % 2 === 0) === first));
const PARTS = { 'model-00001-of-00002.safetensors': half(true), 'model-00002-of-00002.safetensors': half(false) };
const INDEX = {
  weight_map: Object.fromEntries(Object.entries(PARTS).flatMap(([file, own]) => Object.keys(own).map((name) => [name, file]))),
};

describe('a folder of safetensors', () => {
  const path = folder('whole', { 'model.safetensors': TENSORS });

  it('gives the sizes of its tensors, and the architecture of its config.json', () => {
    const model = loadModel(path);
    const priced = loadModel(path, 'bf16');
    expect(model.quantization).toBe('safetensors');
    // Four experts of 2000 to 2003 bytes: their mean.
    expect(model.layers.map((layer) => layer.expertBytes)).toEqual([Math.round((4 * 2000 + 6) / 4)]);
    expect(model.dense.segments.map((segment) => segment.weightBytes)).toEqual([128 + 8192 + 2 * 16_384 + 8192 + 128 + 512, 128 + 12_800]);
    expect(model.dense.weightBytes).toBe(128 + 8192 + 2 * 16_384 + 8192 + 128 + 512 + 128 + 12_800 + 12_800);
    expect(model.parameters).toEqual(priced.parameters);
    expect(model.layers.map((layer) => layer.flopsPerToken)).toEqual(priced.layers.map((layer) => layer.flopsPerToken));
    expect(priced.quantization).toBe('bf16');
    expect(priced.layers[0]!.expertBytes).toBe(3 * 64 * 32 * 2);
  });

  it('may be named by any of its files', () => {
    const parts = folder('parts', PARTS, INDEX);
    const expected = { ...loadModel(path), name: 'parts' };
    for (const file of ['.', 'config.json', 'model.safetensors.index.json', 'model-00002-of-00002.safetensors'])
      expect(loadModel(join(parts, file)), file).toEqual(expected);
    const unlisted = folder('unlisted', { ...PARTS, 'routing.safetensors': { experts: 10 } });
    expect(loadModel(unlisted)).toEqual({ ...expected, name: 'unlisted' });
  });

  it('is priced by its config.json where the weights are not there', () => {
    expect(openModel(folder('bare', {}, INDEX))).toMatchObject({ sizes: 'format', parts: { quantization: 'bf16' } });
    expect(openModel(folder('trace', { 'routing.safetensors': { experts: 10 } }))).toMatchObject({ sizes: 'format' });
    expect(openModel(path)).toMatchObject({ sizes: 'tensors' });
  });
});

describe('a faulty folder of safetensors', () => {
  it.each([
    [
      'half',
      { 'model-00001-of-00002.safetensors': half(true) },
      INDEX,
      /half: 1 of 2 files of the checkpoint are missing, e\.g\. model-00002-of/,
    ],
    [
      'lost',
      { 'model.safetensors': { 'lm_head.weight': 5 } },
      undefined,
      /layer 1 has no experts in its safetensors files, but 4 by its config/,
    ],
    [
      'more',
      { 'model.safetensors': { ...TENSORS, 'model.layers.0.mlp.experts.0.up_proj.weight': 5 } },
      undefined,
      /layer 0 has experts in its safetensors files, but none by its config\.json/,
    ],
    ['map', {}, { weight_map: { a: '../../etc/passwd' } }, /weight_map: expected the name of a file for each tensor$/],
    ['list', {}, [], /index\.json: is not a JSON object$/],
  ])('that does not fit is refused (%s)', (name, files, index, message) => {
    const broken = folder(name, files as Parameters<typeof folder>[1], index);
    expect(() => loadModel(broken)).toThrow(UserError);
    expect(() => loadModel(broken)).toThrow(message);
  });

  it('that is damaged is refused', () => {
    const broken = folder('broken', { 'model.safetensors': TENSORS });
    const file = join(broken, 'model.safetensors');
    const whole = readFileSync(file);
    const refuse = (bytes: Buffer, message: RegExp): void => {
      writeFileSync(file, bytes);
      expect(() => loadModel(broken)).toThrow(UserError);
      expect(() => loadModel(broken)).toThrow(message);
    };
    const header = Number(whole.readBigUInt64LE());
    const replaced = (text: string): Buffer => {
      const prefix = Buffer.alloc(8);
      prefix.writeBigUInt64LE(BigInt(text.length));
      return Buffer.concat([prefix, Buffer.from(text)]);
    };
    refuse(Buffer.alloc(0), /0 bytes are too few for a safetensors file; it was cut short$/);
    refuse(whole.subarray(0, 200), /the header ends at byte \d+, the file at 200; it was cut short$/);
    refuse(whole.subarray(0, 8 + header + 100), /data_offsets \[\d+, \d+\] lie outside the file, which has 100 bytes of data$/);
    refuse(replaced('{"a": '), /the header is not JSON/);
    refuse(replaced('[]'), /the header is not a JSON object/);
    refuse(replaced('{"a": 1}'), /tensor "a": data_offsets is not \[begin, end\]$/);
    refuse(replaced('{"a": {"data_offsets": [5, 1]}}'), /tensor "a": data_offsets \[5, 1\] lie outside/);
    refuse(replaced('{"a": {"data_offsets": [0, 1e300]}}'), /tensor "a": data_offsets is not \[begin, end\]$/);
    refuse(Buffer.alloc(64, 255), /is more than safetensors allows/);
  });
});

describe('names of tensors', () => {
  it.each([
    ['model.layers.3.block_sparse_moe.experts.7.w1.weight', 3, 'experts'],
    ['model.layers.3.block_sparse_moe.gate.weight', 3, 'router'],
    ['model.layers.10.mlp.experts.255.up_proj.weight_scale_inv', 10, 'experts'],
    ['model.layers.10.mlp.shared_experts.up_proj.weight', 10, 'shared'],
    ['model.layers.10.mlp.gate.e_score_correction_bias', 10, 'router'],
    ['model.layers.10.self_attn.kv_a_proj_with_mqa.weight', 10, 'attention'],
    ['model.layers.0.mlp.gate_proj.weight', 0, 'ffn'],
    ['model.layers.0.mlp.shared_expert_gate.weight', 0, 'shared'],
    ['model.layers.0.mlp.experts.gate_up_proj_blocks', 0, 'experts'],
    ['model.layers.0.mlp.experts.down_proj_bias', 0, 'experts'],
    ['model.layers.0.mlp.router.bias', 0, 'router'],
    ['language_model.model.layers.1.feed_forward.experts.gate_up_proj', 1, 'experts'],
    ['language_model.model.layers.1.feed_forward.shared_expert.up_proj.weight', 1, 'shared'],
    ['language_model.model.layers.1.feed_forward.router.weight', 1, 'router'],
    ['transformer.blocks.39.ffn.experts.mlp.w1', 39, 'experts'],
    ['transformer.blocks.39.ffn.router.layer.weight', 39, 'router'],
    ['transformer.blocks.39.norm_attn_norm.attn.Wqkv.weight', 39, 'attention'],
    ['model.layers.2.block_sparse_moe.input_linear.weight', 2, 'experts'],
    ['model.layers.2.block_sparse_moe.router.layer.weight', 2, 'router'],
    ['model.layers.2.mamba.in_proj.weight', 2, 'attention'],
    ['model.layers.2.linear_attn.conv1d.weight', 2, 'attention'],
    ['model.layers.2.mlp.shared_mlp.up_proj.weight', 2, 'shared'],
    ['model.layers.2.mlp.gate.wg.weight', 2, 'router'],
    ['model.layers.2.mlp.moe_statics.e_score_correction_bias', 2, 'router'],
    ['encoder.block.3.layer.1.mlp.experts.expert_0.wi.weight', 3, 'experts'],
    ['decoder.block.3.layer.2.mlp.router.classifier.weight', 15, 'router'],
    ['decoder.block.2.layer.2.mlp.wi.weight', 14, 'ffn'],
    ['decoder.block.2.layer.1.EncDecAttention.q.weight', 14, 'attention'],
    ['model.decoder.layers.3.ffn.experts.expert_9.fc1.weight', 15, 'experts'],
    ['model.encoder.layers.3.ffn.router.classifier.weight', 3, 'router'],
  ])('%s', (name, layer, part) => {
    expect(placeOf(name, 12)).toEqual({ layer, part });
  });

  it.each([
    ['model.embed_tokens.weight', 'embedding'],
    ['shared.weight', 'embedding'],
    ['transformer.wte.weight', 'embedding'],
    ['lm_head.weight', 'head'],
    ['model.norm.weight', 'head'],
    ['vision_model.encoder.layers.3.self_attn.q_proj.weight', null],
    ['model.visual.blocks.3.attn.qkv.weight', null],
    ['mtp.layers.0.mlp.experts.0.up_proj.weight', null],
    ['multi_modal_projector.linear_1.weight', null],
  ])('%s is outside the layers', (name, place) => {
    expect(placeOf(name)).toBe(place);
  });
});

describe('a path', () => {
  const write = (name: string, bytes: string | Buffer): string => {
    const path = join(ROOT, name);
    writeFileSync(path, bytes);
    return path;
  };

  it('is told by what it leads to, not by its name', () => {
    const config = readFileSync(join(import.meta.dirname, '../fixtures/models/mixtral-8x7b.json'));
    expect(loadModel(write('mixtral.bin', config)).layers).toHaveLength(32);
    const profile =
      '{"name": "p", "layers": 2, "hidden": 4, "vocab": 10, "attention": {"kind": "gqa", "heads": 1, "kvHeads": 1, "headDim": 4}, "moe": {"experts": 2, "topK": 1, "intermediate": 4}}';
    expect(loadModel(write('profile.json', profile)).name).toBe('p');
  });

  it.each([
    ['nothing.json', '', /nothing\.json:1:1: the file is empty$/],
    ['other.json', '{"a": 1}', /other\.json:1:2: unknown key "a"/],
    ['index.json', '{"weight_map": {}}', /index\.json: needs the config\.json of its model beside it/],
    ['alone.safetensors', Buffer.from([2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d]), /alone\.safetensors: needs the config\.json of its model/],
    [
      'binary.bin',
      Buffer.alloc(2 ** 21, 7),
      /binary\.bin: is no model: expected a YAML profile, a config\.json, safetensors or GGUF, and found 2\.00 MiB/,
    ],
  ])('that leads to no model is refused (%s)', (name, bytes, message) => {
    const path = write(name, bytes);
    expect(() => loadModel(path)).toThrow(UserError);
    expect(() => loadModel(path)).toThrow(message);
  });

  it('to a folder without a model is refused', () => {
    mkdirSync(join(ROOT, 'empty'));
    expect(() => loadModel(join(ROOT, 'empty'))).toThrow(/empty: has neither a config\.json nor a GGUF file$/);
    for (const name of ['a.gguf', 'b.gguf']) write(`empty/${name}`, 'GGUF');
    expect(() => loadModel(join(ROOT, 'empty'))).toThrow(/empty: has 2 GGUF files; name one, e\.g\. .*a\.gguf$/);
    expect(() => loadModel(join(ROOT, 'nowhere.json'))).toThrow(/nowhere\.json: there is no such file$/);
  });

  it('has measured routing only where a profile says so', () => {
    expect(loadRouting('mixtral-8x7b')).toMatchObject({ gini: 0.2 });
    expect(loadRouting('dbrx')).toEqual({ balance: 'micro-batch' });
    expect(loadRouting('llama-4-scout')).toBeNull();
    expect(loadRouting(join(ROOT, 'whole'))).toBeNull();
  });

  it('takes what is set from outside', () => {
    const overrides = [{ path: ['moe', 'topK'], value: 3, label: '--set model.moe.topK' }];
    expect(loadModel(join(ROOT, 'whole'), null, undefined, overrides).layers[0]!.topK).toBe(3);
    const wrong = [{ path: ['moe', 'topK'], value: 5, label: '--set model.moe.topK' }];
    expect(() => loadModel(join(ROOT, 'whole'), null, undefined, wrong)).toThrow(
      /^--set model\.moe\.topK: moe\.topK: a token cannot choose 5 of 4/,
    );
  });
});
