// Mixture-of-Experts models of random weights as GGUF files that llama.cpp loads: the architecture, the sizes and the storage formats are
// real, the text that they write is not. Blocks are drawn once and repeated: what a kernel reads takes as long whatever it means. Routers are
// drawn whole, so that tokens go to different experts. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
import { closeSync, openSync, writeSync } from 'node:fs';
import { aligned, ggufHeader, sizeOf, TYPES } from './gguf-file.mjs';

/** Where a block of random bytes has its scales, and which, so that weights are near 1/sqrt(width). */
const SCALES = {
  q4_0: [[0, 1 / 4]],
  q8_0: [[0, 1 / 70]],
  // Scales and minima of 6 bits are random, too: d x 31 x 7.5 on average is what the minima take away.
  q4_k: [
    [0, 1 / 140],
    [2, 7.5 / 140],
  ],
};

/** Bytes of a weight. */
export function bytesPerWeight(format) {
  return TYPES[format].bytes / TYPES[format].weights;
}

/** Vocabulary: 3 marks, 256 bytes, and words. */
const VOCABULARY = 2048;

/** Deterministic numbers from 0 to below 2^32. */
function* random(seed) {
  for (let state = seed >>> 0; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield (state ^ (state >>> 15)) >>> 0;
  }
}

function half(value) {
  // Only small positive numbers are written: sign 0, no overflow.
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  const bits = view.getUint32(0);
  return Math.max(1, (((bits >>> 23) - 112) << 10) | ((bits >>> 13) & 1023));
}

/** About a MiB of blocks of a type for a matrix of this width. */
function blocks(type, width, draw) {
  const { weights, bytes } = TYPES[type];
  const scales = SCALES[type] ?? [];
  const count = Math.ceil(2 ** 20 / bytes);
  const data = Buffer.alloc(count * bytes);
  const size = 1 / Math.sqrt(width);
  if (weights === 1) {
    for (let i = 0; i < count; i++) {
      const value = (draw.next().value / 2 ** 31 - 1) * 1.7 * size;
      if (type === 'f32') data.writeFloatLE(value, 4 * i);
      else data.writeUInt16LE(half(Math.abs(value)) | (value < 0 ? 0x8000 : 0), 2 * i);
    }
    return data;
  }
  for (let i = 0; i + 4 <= data.length; i += 4) data.writeUInt32LE(draw.next().value, i);
  for (let i = 0; i < count; i++) {
    for (const [at, scale] of scales) data.writeUInt16LE(half(size * scale), i * bytes + at);
    if (type === 'mxfp4') data[i * bytes] = 127 + Math.round(Math.log2(size / 3));
  }
  return data;
}

/** The tensors of a model: name, shape (innermost first) and type. */
function tensorsOf({ architecture, layers, hidden, experts, width, heads, kvHeads, headSize, format, latent }) {
  const list = [
    ['token_embd.weight', [hidden, VOCABULARY], 'f16'],
    ['output_norm.weight', [hidden], 'f32'],
    ['output.weight', [hidden, VOCABULARY], 'f16'],
  ];
  for (let layer = 0; layer < layers; layer++) {
    const add = (name, shape, type = format) => list.push([`blk.${layer}.${name}`, shape, type]);
    add('attn_norm.weight', [hidden], 'f32');
    if (architecture === 'deepseek2') {
      const { queryRank, rank, rope, nope, value } = latent;
      add('attn_q_a.weight', [hidden, queryRank]);
      add('attn_q_a_norm.weight', [queryRank], 'f32');
      add('attn_q_b.weight', [queryRank, heads * (nope + rope)]);
      add('attn_kv_a_mqa.weight', [hidden, rank + rope]);
      add('attn_kv_a_norm.weight', [rank], 'f32');
      // Absorbed: keys and values are matrices of each head.
      add('attn_k_b.weight', [nope, rank, heads], 'f16');
      add('attn_v_b.weight', [rank, value, heads], 'f16');
      add('attn_output.weight', [heads * value, hidden]);
    } else {
      add('attn_q.weight', [hidden, heads * headSize]);
      add('attn_k.weight', [hidden, kvHeads * headSize]);
      add('attn_v.weight', [hidden, kvHeads * headSize]);
      add('attn_output.weight', [heads * headSize, hidden]);
    }
    if (architecture === 'qwen3moe') {
      add('attn_q_norm.weight', [headSize], 'f32');
      add('attn_k_norm.weight', [headSize], 'f32');
    }
    if (architecture === 'gpt-oss') {
      add('attn_q.bias', [heads * headSize], 'f32');
      add('attn_k.bias', [kvHeads * headSize], 'f32');
      add('attn_v.bias', [kvHeads * headSize], 'f32');
      add('attn_output.bias', [hidden], 'f32');
      add('attn_sinks.weight', [heads], 'f32');
      add('post_attention_norm.weight', [hidden], 'f32');
      add('ffn_gate_inp.bias', [experts], 'f32');
      add('ffn_gate_exps.bias', [width, experts], 'f32');
      add('ffn_up_exps.bias', [width, experts], 'f32');
      add('ffn_down_exps.bias', [hidden, experts], 'f32');
    } else add('ffn_norm.weight', [hidden], 'f32');
    add('ffn_gate_inp.weight', [hidden, experts], 'f32');
    if (architecture === 'deepseek2') {
      add('ffn_gate_shexp.weight', [hidden, width]);
      add('ffn_up_shexp.weight', [hidden, width]);
      add('ffn_down_shexp.weight', [width, hidden]);
    }
    add('ffn_gate_exps.weight', [hidden, width, experts]);
    add('ffn_up_exps.weight', [hidden, width, experts]);
    add('ffn_down_exps.weight', [width, hidden, experts]);
  }
  return list.map(([name, shape, type]) => ({ name, shape, type }));
}

/** Metadata that llama.cpp asks for. */
function metadataOf(model) {
  const { architecture, layers, hidden, experts, topK, width, heads, kvHeads, headSize, latent } = model;
  const own = {
    block_count: layers,
    context_length: 4096,
    embedding_length: hidden,
    feed_forward_length: width,
    'attention.head_count': heads,
    'attention.head_count_kv': latent === undefined ? kvHeads : 1,
    'attention.key_length': latent === undefined ? headSize : latent.rank + latent.rope,
    'attention.value_length': latent === undefined ? headSize : latent.rank,
    'attention.layer_norm_rms_epsilon': { f32: 1e-6 },
    'rope.freq_base': { f32: 10000 },
    expert_count: experts,
    expert_used_count: topK,
    expert_feed_forward_length: width,
    vocab_size: VOCABULARY,
    ...(architecture === 'gpt-oss' ? { 'attention.sliding_window': 128 } : {}),
    ...(latent === undefined
      ? architecture === 'llama'
        ? { 'rope.dimension_count': headSize }
        : {}
      : {
          'rope.dimension_count': latent.rope,
          'attention.q_lora_rank': latent.queryRank,
          'attention.kv_lora_rank': latent.rank,
          'attention.key_length_mla': latent.nope + latent.rope,
          'attention.value_length_mla': latent.value,
          leading_dense_block_count: 0,
          expert_shared_count: 1,
          expert_weights_scale: { f32: 1 },
          expert_gating_func: 1,
        }),
  };
  const tokens = ['<unk>', '<s>', '</s>', ...Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`)];
  while (tokens.length < VOCABULARY) tokens.push(`w${tokens.length}`);
  return {
    'general.architecture': architecture,
    'general.name': 'random',
    ...Object.fromEntries(Object.entries(own).map(([name, value]) => [`${architecture}.${name}`, value])),
    'tokenizer.ggml.model': 'llama',
    'tokenizer.ggml.tokens': tokens,
    'tokenizer.ggml.scores': { f32s: tokens.map(() => 0) },
    'tokenizer.ggml.token_type': { i32s: tokens.map((_, i) => (i === 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1)) },
    'tokenizer.ggml.bos_token_id': 1,
    'tokenizer.ggml.eos_token_id': 2,
    'tokenizer.ggml.unknown_token_id': 0,
  };
}

/**
 * Writes a model.
 * @param path of the file
 * @param model architecture (`qwen3moe`, `llama`, `gpt-oss` or `deepseek2`), layers, hidden, experts, topK, width of an expert, heads,
 *   kvHeads, headSize, format of the matrices, and `latent` {queryRank, rank, rope, nope, value} for deepseek2
 * @returns bytes of the file
 */
export function writeRandomMoe(path, model) {
  const draw = random(1);
  const tensors = tensorsOf(model);
  const fd = openSync(path, 'w');
  let written = 0;
  const write = (bytes) => {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
    written += bytes.length;
  };
  try {
    write(ggufHeader(metadataOf(model), tensors));
    const drawn = new Map();
    for (const { name, shape, type } of tensors) {
      const size = sizeOf(shape, type);
      const router = name.includes('ffn_gate_inp.weight');
      const key = `${type} ${shape[0]}`;
      if (!drawn.has(key)) drawn.set(key, blocks(type, shape[0], draw));
      if (name.includes('norm')) write(ones(shape[0]));
      else if (router) {
        for (let done = 0; done < size; done += 2 ** 20)
          write(blocks(type, shape[0] / 16, draw).subarray(0, Math.min(size - done, 2 ** 20)));
      } else {
        const data = drawn.get(key);
        for (let done = 0; done < size; done += data.length) write(data.subarray(0, Math.min(size - done, data.length)));
      }
      write(Buffer.alloc(aligned(size) - size));
    }
  } finally {
    closeSync(fd);
  }
  return written;
}

function ones(count) {
  const data = Buffer.alloc(4 * count);
  for (let i = 0; i < count; i++) data.writeFloatLE(1, 4 * i);
  return data;
}
