// GGUF files of our own: real sizes layer by layer, split files, old and new ways to store experts, and damaged ones.
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gguf } from '@huggingface/gguf';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { measureGguf } from '../../src/model/gguf.js';
import { readGgufHeader } from '../../src/model/gguf-header.js';
import { loadModel } from '../../src/model/load/load.js';
import { cases } from '../cases.js';
import { temporaryFolder } from '../support/folder.js';
import { ggufHeader, type TestTensor, tensorBytes, writeGguf } from './gguf-file.js';
import { EXPERTS, HIDDEN, TINY_OUTER, tinyLayer, tinyMetadata, WIDTH } from './tiny-gguf.js';

const FOLDER = temporaryFolder();
const at = (name: string): string => join(FOLDER, name);

const METADATA = {
  ...tinyMetadata(3),
  'general.alignment': 32,
  'tokenizer.ggml.tokens': ['a', 'bc', ''],
  'tokenizer.ggml.add_bos': true,
  'tokenizer.ggml.token_type': [1, 2, 3],
};

const TENSORS: TestTensor[] = [...TINY_OUTER, ...tinyLayer(0, 'q6_k'), ...tinyLayer(1, 'q4_k'), ...tinyLayer(2, 'q6_k', 'q5_k')];

const one = HIDDEN * WIDTH;
const q4 = (one / 256) * 144;
const q5 = (one / 256) * 176;
const q6 = (one / 256) * 210;

describe('the context that a model was trained on', () => {
  it('stands in its file, or nowhere', () => {
    const path = join(temporaryFolder(), 'a.gguf');
    const tensors = [...TINY_OUTER, ...tinyLayer(0, 'q4_k')];
    writeGguf(path, { ...tinyMetadata(1), 'qwen3moe.context_length': 40_960 }, tensors);
    expect(loadModel(path).trainedContext).toBe(40_960);
    writeGguf(path, tinyMetadata(1), tensors);
    expect(loadModel(path).trainedContext).toBeUndefined();
    expect(loadModel('gpt-oss-20b').trainedContext).toBe(131_072);
  });
});

writeGguf(at('mix.gguf'), METADATA, TENSORS);
const model = loadModel(at('mix.gguf'));

describe('a GGUF file', () => {
  it('gives each layer the bytes of its own experts', () => {
    expect(model.layers.map((part) => part.expertBytes)).toEqual([2 * q4 + q6, 3 * q4, q5 + q4 + q6]);
    expect(model.layers.map((part) => [part.experts, part.topK, part.offset, part.flopsPerToken])).toEqual([
      [4, 2, 0, 6 * one],
      [4, 2, 4, 6 * one],
      [4, 2, 8, 6 * one],
    ]);
    expect(model).toMatchObject({ name: 'Tiny Mix', quantization: 'gguf', experts: 12 });
  });

  it('gives the rest what is stored', () => {
    const attention = (HIDDEN / 256) * (128 * 144 + 64 * 144 + 64 * 210) + ((128 * HIDDEN) / 32) * 34;
    const segment = attention + 2 * 4 * HIDDEN + 4 * HIDDEN * EXPERTS;
    expect(model.dense.segments.map((part) => part.weightBytes)).toEqual([segment, segment, segment, 1000 * 210 + 4 * HIDDEN]);
    expect(model.dense.segments.map((part) => part.flopsPerSequence)).toEqual([0, 0, 0, 2 * HIDDEN * 1000]);
    expect(model.dense.segments[0]!.flopsPerToken).toBe(2 * (HIDDEN * (128 + 64 + 64) + 128 * HIDDEN + HIDDEN * EXPERTS));
    expect(model.dense.segments[0]!.attention).toEqual([{ kvBytesPerToken: 2 * 64 * 2, flopsPerPair: 4 * 128, heads: 4, window: null }]);
    // All tensors are somewhere: dense weights and experts are the whole file without its header.
    const stored = TENSORS.reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
    expect(model.dense.weightBytes + model.layers.reduce((sum, part) => sum + 4 * part.expertBytes, 0)).toBe(stored);
    expect(model.parameters.total).toBe(TENSORS.reduce((sum, { shape }) => sum + shape.reduce((product, side) => product * side, 1), 0));
  });

  it('is read as another reader reads it', async () => {
    const theirs = await gguf(at('mix.gguf'), { allowLocalFile: true });
    const ours = readGgufHeader(at('mix.gguf'));
    expect(ours.tensors.map(({ name, shape }) => ({ name, shape }))).toEqual(
      theirs.tensorInfos.map(({ name, shape }) => ({ name, shape: shape.map(Number) })),
    );
    const offsets = theirs.tensorInfos.map(({ offset }) => Number(offset));
    for (const [i, tensor] of ours.tensors.slice(0, -1).entries()) {
      expect(Math.ceil(tensor.bytes / 32) * 32, tensor.name).toBe(offsets[i + 1]! - offsets[i]!);
    }
    expect(theirs.metadata).toMatchObject(ours.metadata);
  });

  it('shares its embedding with the head where it has no output matrix', () => {
    writeGguf(
      at('tied.gguf'),
      METADATA,
      TENSORS.filter(({ name }) => name !== 'output.weight'),
    );
    const tied = loadModel(at('tied.gguf'));
    expect(tied.dense.segments.at(-1)).toMatchObject({ weightBytes: 1000 * 144 + 4 * HIDDEN, flopsPerSequence: 2 * HIDDEN * 1000 });
    expect(tied.dense.weightBytes).toBe(tied.dense.segments.reduce((sum, part) => sum + part.weightBytes, 0));
  });

  it('may be split', () => {
    writeGguf(at('part-00001-of-00002.gguf'), METADATA, TENSORS.slice(0, 9));
    writeGguf(at('part-00002-of-00002.gguf'), { 'split.no': 1 }, TENSORS.slice(9));
    expect(loadModel(at('part-00001-of-00002.gguf'))).toEqual(model);
    writeGguf(at('alone-00001-of-00003.gguf'), METADATA, TENSORS);
    expect(() => loadModel(at('alone-00001-of-00003.gguf'))).toThrow(
      /alone-00001-of-00003\.gguf: 2 of its 3 parts are missing, e\.g\. alone-00002-of-00003\.gguf$/,
    );
  });

  it('lets only its name and top-k be set', () => {
    const set = (path: string[], value: unknown) => [{ path, value, label: `--set model.${path.join('.')}` }];
    expect(loadModel(at('mix.gguf'), null, undefined, set(['moe', 'topK'], 1)).layers[0]!.topK).toBe(1);
    expect(() => loadModel(at('mix.gguf'), null, undefined, set(['moe', 'experts'], 1))).toThrow(
      /^--set model\.moe\.experts: moe: unknown key "experts"; known: topK/,
    );
    expect(() => loadModel(at('mix.gguf'), null, undefined, set(['moe', 'topK'], 9))).toThrow(
      /layer 0 has 4 experts, of which a token uses 9/,
    );
    expect(() => loadModel(at('mix.gguf'), 'q4_k_m')).toThrow(/^--quantization q4_k_m: a GGUF file is what it is;/);
  });
});

describe('what a GGUF file may hold', () => {
  it('tells the formats of its tensors', () => {
    writeGguf(at('formats.gguf'), METADATA, [...TINY_OUTER, ...tinyLayer(0, 'iq3_ks'), ...tinyLayer(1, 'fork'), ...tinyLayer(2, 'q6_k')]);
    const { layers, dense } = loadModel(at('formats.gguf'));
    // Rows of the down projection are as long as the expert is wide.
    const iq3_ks = (one / 256) * 102 + 2 * HIDDEN;
    expect(layers.map(({ formats }) => formats)).toEqual([
      [
        { format: 'q4_k', weights: 2 * one, bytes: 2 * q4 },
        { format: 'iq3_ks', weights: one, bytes: iq3_ks },
      ],
      [
        { format: 'q4_k', weights: 2 * one, bytes: 2 * q4 },
        { format: 'type 700', weights: one, bytes: (one / 256) * 168 },
      ],
      [
        { format: 'q4_k', weights: 2 * one, bytes: 2 * q4 },
        { format: 'q6_k', weights: one, bytes: (one / 256) * 210 },
      ],
    ]);
    for (const { weightBytes, formats } of dense.segments)
      expect(formats!.reduce((sum, { bytes }) => sum + bytes, 0)).toBeCloseTo(weightBytes, 6);
  });

  it('may hold types that only forks of llama.cpp know', () => {
    writeGguf(at('fork.gguf'), METADATA, [...TINY_OUTER, ...tinyLayer(0, 'fork'), ...tinyLayer(1, 'fork'), ...tinyLayer(2, 'fork')]);
    expect(loadModel(at('fork.gguf')).layers[0]!.expertBytes).toBe(2 * q4 + (one / 256) * 168);
  });
});

describe('a GGUF file of another layout', () => {
  it('may hold single experts, as files of before 2024 do, dense layers and shared experts', () => {
    const single = [0, 1, 2, 3].flatMap((expert): TestTensor[] =>
      ['gate', 'up', 'down'].map((part) => ({ name: `blk.0.ffn_${part}.${expert}.weight`, type: 'q4_k', shape: [HIDDEN, WIDTH] })),
    );
    const dense: TestTensor[] = ['gate', 'up', 'down'].map((part) => ({
      name: `blk.1.ffn_${part}.weight`,
      type: 'q8_0',
      shape: [HIDDEN, WIDTH],
    }));
    const shared: TestTensor[] = [
      { name: 'blk.2.ffn_up_shexp.weight', type: 'q8_0', shape: [HIDDEN, WIDTH] },
      { name: 'blk.2.ffn_gate_inp_shexp.weight', type: 'f32', shape: [HIDDEN] },
    ];
    const without = (index: number): TestTensor[] => tinyLayer(index, 'q4_k').filter(({ name }) => !/exps|gate_inp/.test(name));
    writeGguf(at('old.gguf'), METADATA, [
      ...TINY_OUTER,
      ...without(0),
      ...single,
      ...without(1),
      ...dense,
      ...tinyLayer(2, 'q4_k'),
      ...shared,
    ]);
    const parts = measureGguf(at('old.gguf'));
    expect(parts.layers.map(({ moe }) => moe?.expert.bytes ?? null)).toEqual([3 * q4, null, 3 * q4]);
    const bytes = (3 * one * 34) / 32;
    expect(parts.layers[1]!.ffn).toEqual({
      parameters: 3 * one,
      bytes,
      flops: 6 * one,
      formats: [{ format: 'q8_0', weights: 3 * one, bytes }],
    });
    expect(parts.layers[2]!.shared.bytes).toBe((one * 34) / 32 + 4 * HIDDEN);
    expect(parts.layers[2]!.router.bytes).toBe(4 * HIDDEN * EXPERTS);
  });

  it('keeps layers that predict further tokens out of the model', () => {
    writeGguf(at('mtp.gguf'), { ...METADATA, 'qwen3moe.block_count': 4, 'qwen3moe.nextn_predict_layers': 1 }, [
      ...TENSORS,
      ...tinyLayer(3, 'q6_k'),
    ]);
    expect(loadModel(at('mtp.gguf')).layers).toEqual(model.layers);
  });
});

describe('blocks of Nemotron-H', () => {
  it('have no memory where they have no mixer; widths and heads are arrays', () => {
    const outer = {
      'general.architecture': 'qwen3moe',
      'qwen3moe.attention.head_count': [4, 0, 0],
      'qwen3moe.feed_forward_length': [0, 0, 512],
    };
    const mixers = ['attn_norm', 'attn_q', 'attn_k', 'attn_v', 'attn_output'];
    const blocks = [0, 1, 2].map((block) =>
      tinyLayer(block, 'q4_k').filter(({ name }) => mixers.includes(name.split('.')[2]!) === (block === 0)),
    );
    const norms = [1, 2].map((block) => ({ name: `blk.${block}.attn_norm.weight`, type: 'f32' as const, shape: [HIDDEN] }));
    const metadata = { ...tinyMetadata(3), ...outer, 'qwen3moe.expert_used_count': [0, 2, 2] };
    writeGguf(at('single.gguf'), metadata, [...TINY_OUTER, ...norms, ...blocks.flat()]);
    const { anatomy, layers } = measureGguf(at('single.gguf'));
    expect(anatomy!.layers.map(({ kind }) => kind)).toEqual(['heads', 'none', 'none']);
    expect(layers.map(({ context }) => context.kvBytesPerToken)).toEqual([256, 0, 0]);
    expect(layers.map(({ moe }) => moe?.topK ?? null)).toEqual([null, 2, 2]);
    expect(anatomy!.expertWidth).toBe(512);
  });
});

describe('attention by metadata', () => {
  const contexts = (metadata: Record<string, number | number[] | boolean[] | string>, attention: string[] = ['attn_k']) => {
    const tensors = tinyLayer(0, 'q4_k').filter(({ name }) => !name.includes('.attn_k.'));
    const architecture = (metadata['general.architecture'] as string | undefined) ?? 'qwen3moe';
    const renamed = Object.fromEntries(
      Object.entries({ ...METADATA, ...metadata }).map(([key, value]) => [key.replace(/^qwen3moe/, architecture), value]),
    );
    const added = attention.map((part): TestTensor => ({ name: `blk.0.${part}.weight`, type: 'q4_k', shape: [HIDDEN, 64] }));
    const rest = [1, 2].flatMap((index) =>
      [...tensors, ...added].map((tensor) => ({ ...tensor, name: tensor.name.replace('blk.0', `blk.${index}`) })),
    );
    writeGguf(at('attention.gguf'), renamed, [...TINY_OUTER, ...tensors, ...added, ...rest]);
    return measureGguf(at('attention.gguf')).layers.map((part) => part.context);
  };
  const windows = (metadata: Parameters<typeof contexts>[0]) => contexts(metadata).map(({ window }) => window);

  it('is latent where its projections are', () => {
    const latent = contexts(
      {
        'general.architecture': 'deepseek2',
        'qwen3moe.attention.kv_lora_rank': 512,
        'qwen3moe.attention.key_length': 192,
        'qwen3moe.attention.value_length': 128,
        'qwen3moe.rope.dimension_count': 64,
      },
      ['attn_kv_a_mqa'],
    );
    // A head has 128 + 64 wide keys and 128 wide values.
    expect(latent[0]).toEqual({
      kvBytesPerToken: 576 * 2,
      flopsPerPair: 4 * (2 * 576 + 2 * 512),
      heads: 4,
      window: null,
      launches: 38 / 23,
      valueShare: 0,
      unpacked: { flopsPerPair: 4 * 2 * 320, flopsPerToken: 4 * 2 * 512 * 256, bytesPerToken: 4 * (8 * 256 + 2 * (256 + 128 + 192 + 320)) },
    });
  });

  it('is absent in layers that have other mixers', () => {
    expect(contexts({ 'qwen3moe.attention.head_count_kv': [2, 0, 2] }).map((one) => one.kvBytesPerToken)).toEqual([256, 0, 256]);
    expect(contexts({}, ['ssm_in', 'attn_qkv'])[0]!.kvBytesPerToken).toBe(0);
    expect(contexts({}, ['attn_qkv'])[0]!.kvBytesPerToken).toBe(256);
  });

  it('has its window where the pattern says', () => {
    expect(windows({ 'qwen3moe.attention.sliding_window': 100 })).toEqual([null, null, null]);
    expect(windows({ 'qwen3moe.attention.sliding_window': 100, 'qwen3moe.attention.sliding_window_pattern': 3 })).toEqual([100, 100, null]);
    expect(windows({ 'qwen3moe.attention.sliding_window': 100, 'qwen3moe.attention.sliding_window_pattern': [true, false, true] })).toEqual(
      [100, null, 100],
    );
    expect(windows({ 'general.architecture': 'gpt-oss', 'qwen3moe.attention.sliding_window': 128 })).toEqual([128, null, 128]);
    expect(windows({ 'general.architecture': 'llama4' })).toEqual([8192, 8192, 8192]);
  });
});

const whole = ggufHeader(METADATA, TENSORS);
const size = readFileSync(at('mix.gguf')).length;
/** A file of these bytes is refused with this message. */
const refuse = (name: string, bytes: Buffer, message: RegExp): void => {
  writeFileSync(at(name), bytes);
  expect(() => loadModel(at(name))).toThrow(UserError);
  expect(() => loadModel(at(name))).toThrow(message);
};

/** The file of tensors, changed from an offset on. */
const patched = (offset: number, write: (bytes: Buffer) => void): Buffer => {
  const bytes = Buffer.concat([whole, Buffer.alloc(size - whole.length)]);
  write(bytes.subarray(offset));
  return bytes;
};

describe('a damaged GGUF file', () => {
  it.each([
    ['version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n', /x\.gguf: is a pointer of Git LFS, .*git lfs pull$/],
    ['<!DOCTYPE html><html>404</html>', /x\.gguf: holds a web page, not the weights .*fetch it again$/],
    ['hello', /x\.gguf: holds something else, not the weights/],
  ])('is no file that a failed download left: %j', (text, message) => {
    refuse('x.gguf', Buffer.from(text), message);
  });

  it('is answered in one line', () => {
    refuse(
      'cut.gguf',
      whole.subarray(0, 1500),
      /cut\.gguf: damaged GGUF header at byte \d+: the file ends inside its header; it was cut short/,
    );
    refuse('header.gguf', whole, /header\.gguf: tensor "token_embd\.weight": ends [\d.]+ [KM]iB behind the file's end; it was cut short/);
    refuse('short.gguf', whole.subarray(0, 500), /14 values and 33 tensors are more than 500 bytes can describe; it was cut short$/);
    refuse('magic.gguf', Buffer.from('GGUF'), /damaged GGUF header at byte 4/);
    refuse(
      'version.gguf',
      patched(4, (bytes) => bytes.writeUInt32LE(1)),
      /has GGUF version 1; moeprof reads versions 2 and 3/,
    );
    refuse(
      'endian.gguf',
      patched(4, (bytes) => bytes.writeUInt32BE(3)),
      /is big-endian/,
    );
    refuse(
      'many.gguf',
      patched(8, (bytes) => bytes.writeBigUInt64LE(10n ** 12n)),
      /1000000000000 tensors are more than \d+ bytes can describe/,
    );
    refuse(
      'huge.gguf',
      patched(8, (bytes) => bytes.writeBigUInt64LE(2n ** 63n)),
      /9223372036854775808 is no count/,
    );
    refuse(
      'text.gguf',
      patched(24, (bytes) => bytes.writeBigUInt64LE(2n ** 40n)),
      /a text of 1099511627776 bytes is no name/,
    );
    const { 'qwen3moe.expert_used_count': _, ...without } = METADATA;
    refuse('topk.gguf', ggufWithData(without), /qwen3moe: expert_used_count: is missing; expected a whole number/);
    refuse(
      'align.gguf',
      ggufWithData({ ...METADATA, 'general.alignment': 0 }),
      /general\.alignment: expected a whole number of at least 1/,
    );
    refuse('dense.gguf', ggufWithData(METADATA, TINY_OUTER), /has no expert tensors \(ffn_\*_exps\); it is no Mixture-of-Experts model$/);
    refuse('none.gguf', ggufWithData({}, TINY_OUTER), /general\.architecture: is missing; the file holds no model/);
  });
});

describe('any damage to a GGUF file', () => {
  it('never crashes moeprof, whatever bytes are changed', () => {
    let seed = 12345;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    let read = 0;
    for (let round = 0; round < cases(1000); round++) {
      const bytes = Buffer.from(whole);
      for (let change = 0; change <= random(4); change++) bytes[random(whole.length)] = random(3) === 0 ? 255 : random(256);
      writeFileSync(at('fuzz.gguf'), bytes);
      truncateSync(at('fuzz.gguf'), random(4) === 0 ? random(whole.length) : size);
      try {
        loadModel(at('fuzz.gguf'));
        read++;
      } catch (error) {
        expect(error, `round ${round}`).toBeInstanceOf(UserError);
        expect((error as Error).message).not.toContain('\n');
      }
    }
    // Some changes are in values that do not matter.
    expect(read).toBeGreaterThan(cases(50));
  });
});

describe('a GGUF file with counts instead of weights', () => {
  it('is no model', () => {
    expect(() => loadModel(join(import.meta.dirname, '../trace/golden/imatrix_counts.gguf'))).toThrow(UserError);
  });
});

function ggufWithData(metadata: Parameters<typeof ggufHeader>[0], tensors: readonly TestTensor[] = TENSORS): Buffer {
  writeGguf(at('whole.gguf'), metadata, tensors);
  return readFileSync(at('whole.gguf'));
}
