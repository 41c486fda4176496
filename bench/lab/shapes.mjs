// Models as llama.cpp's loader wants them: names, shapes and metadata by architecture, written from its sources (src/models/*.cpp, v0.5.0),
// with the widths that moeprof's profiles publish. moeprof's own tables of tensors are not used: they are what is tried here.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { writeSparseGguf } from '../lib/gguf-file.mjs';
import { CACHE, planned } from './engine.mjs';

/** Names of general.file_type (llama_ftype_name) by moeprof's labels. */
const FILE_TYPES = {
  q2_k: 'Q2_K - Medium',
  q3_k_m: 'Q3_K - Medium',
  q4_0: 'Q4_0',
  q4_k_s: 'Q4_K - Small',
  q4_k_m: 'Q4_K - Medium',
  q5_k_m: 'Q5_K - Medium',
  q6_k: 'Q6_K',
  q8_0: 'Q8_0',
  f16: 'F16',
  mxfp4: 'MXFP4 MoE',
};

/**
 * Bundled models, one of each architecture or two of different widths: the profile, the architecture of its file, a label of a usual file, and
 * what its tensors have beside those of the profile's parts.
 */
export const SHAPES = [
  { model: 'qwen3-30b-a3b', architecture: 'qwen3moe', label: 'q4_k_m' },
  { model: 'qwen3-235b-a22b', architecture: 'qwen3moe', label: 'q3_k_m' },
  { model: 'mixtral-8x7b', architecture: 'llama', label: 'q4_k_m' },
  { model: 'gpt-oss-20b', architecture: 'gpt-oss', label: 'mxfp4' },
  { model: 'gpt-oss-120b', architecture: 'gpt-oss', label: 'mxfp4' },
  { model: 'deepseek-v2-lite', architecture: 'deepseek2', label: 'q4_k_m' },
  { model: 'deepseek-v3', architecture: 'deepseek2', label: 'q2_k' },
  { model: 'kimi-k2', architecture: 'deepseek2', label: 'q4_k_m' },
  { model: 'glm-4.7-flash', architecture: 'deepseek2', label: 'q5_k_m' },
  { model: 'deepseek-moe-16b', architecture: 'deepseek', label: 'q6_k' },
  { model: 'olmoe-1b-7b', architecture: 'olmoe', label: 'q8_0' },
  { model: 'qwen1.5-moe-a2.7b', architecture: 'qwen2moe', label: 'q4_k_m' },
  { model: 'qwen2-57b-a14b', architecture: 'qwen2moe', label: 'q4_k_s' },
  { model: 'granite-3.0-1b-a400m', architecture: 'granitemoe', label: 'q8_0' },
  { model: 'phi-3.5-moe', architecture: 'phimoe', label: 'q4_k_m' },
  { model: 'dbrx', architecture: 'dbrx', label: 'q4_k_m' },
  { model: 'glm-4.5-air', architecture: 'glm4moe', label: 'q4_k_m' },
  { model: 'glm-4.5', architecture: 'glm4moe', label: 'q4_k_m' },
  { model: 'qwen3-next-80b-a3b', architecture: 'qwen3next', label: 'q4_k_m' },
  { model: 'qwen3.5-35b-a3b', architecture: 'qwen35moe', label: 'q4_k_m' },
  { model: 'qwen3.5-122b-a10b', architecture: 'qwen35moe', label: 'q4_k_m' },
  { model: 'nemotron-3-nano-30b-a3b', architecture: 'nemotron_h_moe', label: 'q4_k_m' },
  { model: 'hunyuan-a13b', architecture: 'hunyuan-moe', label: 'q4_k_m' },
  { model: 'ernie-4.5-21b-a3b', architecture: 'ernie4_5-moe', label: 'q4_k_m' },
  { model: 'ling-mini-2.0', architecture: 'bailingmoe2', label: 'q6_k' },
  { model: 'minimax-m2.5', architecture: 'minimax-m2', label: 'q4_k_m' },
  { model: 'llama-4-scout', architecture: 'llama4', label: 'q4_k_m' },
  { model: 'lfm2-8b-a1b', architecture: 'lfm2moe', label: 'q4_k_m' },
];

/** Widths of recurrent mixers, which profiles hold as sums: inner width, state, heads (time step rank), groups, convolution. */
const MIXERS = {
  qwen3next: { inner: 4096, state: 128, heads: 32, groups: 16, kernel: 4 },
  'qwen3.5-35b-a3b': { inner: 4096, state: 128, heads: 32, groups: 16, kernel: 4 },
  'qwen3.5-122b-a10b': { inner: 8192, state: 128, heads: 64, groups: 16, kernel: 4 },
  nemotron_h_moe: { inner: 4096, state: 128, heads: 64, groups: 8, kernel: 4 },
};

/** Widths of the published model: a profile, with the kind of each of its blocks. */
function widthsOf({ architecture, model }) {
  const profile = parse(readFileSync(fileURLToPath(new URL(`../../profiles/models/${model}.yaml`, import.meta.url)), 'utf8'));
  const { attention, moe } = profile;
  const attends = (i) =>
    attention.layers?.includes(i) ?? (attention.every === undefined || (i - (attention.offset ?? 0)) % attention.every === 0);
  const routed = (i) => i >= (moe.first ?? 0) && (i - (moe.first ?? 0)) % (moe.every ?? 1) === 0 && !(moe.except ?? []).includes(i);
  return { ...profile, attends, routed, mixer: MIXERS[model] ?? MIXERS[architecture], blocks: profile.layers + (profile.nextLayers ?? 0) };
}

const LINEAR = new Set(['qwen3next', 'qwen35moe']);
const FUSED_QKV = new Set(['dbrx', 'bailingmoe2']);
/** Name of the norm before the FFN. */
const FFN_NORM = {
  dbrx: 'attn_output_norm',
  'gpt-oss': 'post_attention_norm',
  glm4moe: 'post_attention_norm',
  qwen3next: 'post_attention_norm',
  qwen35moe: 'post_attention_norm',
};

/** Tensors of a model: name, shape (innermost first) and type before quantization. */
function tensorsOf(shape, p) {
  const { architecture } = shape;
  const { hidden, moe } = p;
  const list = [];
  const add = (name, sides, type = name.endsWith('.bias') || sides.length === 1 ? 'f32' : 'f16') => list.push({ name, shape: sides, type });
  add('token_embd.weight', [hidden, p.vocab]);
  add(architecture === 'lfm2moe' ? 'token_embd_norm.weight' : 'output_norm.weight', [hidden]);
  if (p.tiedEmbeddings !== true) add('output.weight', [hidden, p.vocab]);
  if (architecture === 'phimoe') {
    add('output_norm.bias', [hidden]);
    add('output.bias', [p.vocab]);
    add('rope_factors_long.weight', [p.attention.headDim / 2]);
    add('rope_factors_short.weight', [p.attention.headDim / 2]);
  }
  for (let i = 0; i < p.blocks; i++) {
    const block = (name, sides, type) => add(`blk.${i}.${name}`, sides, type);
    const isNext = i >= p.layers;
    block('attn_norm.weight', [hidden]);
    if (architecture === 'phimoe') block('attn_norm.bias', [hidden]);
    // A block is a mixer or an FFN where the profile counts so.
    if (p.single && p.routed(i)) {
      addExperts(block, shape, p);
      continue;
    }
    if (isNext || p.attends(i)) addAttention(block, shape, p);
    else addMixer(block, shape, p);
    if (p.single) continue;
    block(`${FFN_NORM[architecture] ?? 'ffn_norm'}.weight`, [hidden]);
    if (architecture === 'phimoe') block('ffn_norm.bias', [hidden]);
    if (isNext || p.routed(i)) addExperts(block, shape, p);
    else addFfn(block, '', hidden, p.dense.intermediate);
    if (isNext) {
      block('nextn.eh_proj.weight', [2 * hidden, hidden]);
      for (const name of ['enorm', 'hnorm', 'shared_head_norm']) block(`nextn.${name}.weight`, [hidden]);
    }
  }
  if (moe.experts === undefined) throw new Error(`${shape.model}: has no experts`);
  return list;
}

function addAttention(block, { architecture }, p) {
  const { hidden } = p;
  const { bias, gate, heads, headDim, kind, kvHeads, outBias, qkNorm } = p.attention;
  if (kind === 'mla') return addLatent(block, p);
  const [q, kv] = [heads * headDim * (gate ? 2 : 1), kvHeads * headDim];
  if (FUSED_QKV.has(architecture)) block('attn_qkv.weight', [hidden, q + 2 * kv]);
  else
    for (const [name, width] of [
      ['q', q],
      ['k', kv],
      ['v', kv],
    ])
      block(`attn_${name}.weight`, [hidden, width]);
  if (bias)
    for (const [name, width] of [
      ['q', q],
      ['k', kv],
      ['v', kv],
    ])
      block(`attn_${name}.bias`, [width]);
  block('attn_output.weight', [heads * headDim, hidden]);
  if (outBias) block('attn_output.bias', [hidden]);
  if (qkNorm) {
    block('attn_q_norm.weight', [qkNorm === 'full' ? heads * headDim : headDim]);
    block('attn_k_norm.weight', [qkNorm === 'full' ? kv : headDim]);
  }
  if (architecture === 'gpt-oss') block('attn_sinks.weight', [heads]);
  return undefined;
}

/** Latent attention, absorbed: keys and values are matrices of each head. */
function addLatent(block, { attention, hidden }) {
  const { heads, kvLora, qkNope, qkRope, qLora, vHead } = attention;
  if (qLora > 0) {
    block('attn_q_a.weight', [hidden, qLora]);
    block('attn_q_a_norm.weight', [qLora]);
    block('attn_q_b.weight', [qLora, heads * (qkNope + qkRope)]);
  } else block('attn_q.weight', [hidden, heads * (qkNope + qkRope)]);
  block('attn_kv_a_mqa.weight', [hidden, kvLora + qkRope]);
  block('attn_kv_a_norm.weight', [kvLora]);
  block('attn_k_b.weight', [qkNope, kvLora, heads]);
  block('attn_v_b.weight', [kvLora, vHead, heads]);
  block('attn_output.weight', [heads * vHead, hidden]);
}

/** A mixer with a state of fixed size. */
function addMixer(block, { architecture }, { hidden, mixer, routed }) {
  if (architecture === 'lfm2moe') {
    block('shortconv.conv.weight', [3, hidden], 'f32');
    block('shortconv.in_proj.weight', [hidden, 3 * hidden]);
    block('shortconv.out_proj.weight', [hidden, hidden]);
    return;
  }
  if (routed === undefined || mixer === undefined) throw new Error(`${architecture}: has no mixer`);
  const { groups, heads, inner, kernel, state } = mixer;
  const keys = groups * state;
  if (LINEAR.has(architecture)) {
    block('attn_qkv.weight', [hidden, 2 * keys + inner]);
    block('attn_gate.weight', [hidden, inner]);
    block('ssm_conv1d.weight', [kernel, 2 * keys + inner], 'f32');
    block('ssm_dt.bias', [heads]);
    block('ssm_a', [heads]);
    if (architecture === 'qwen3next') block('ssm_ba.weight', [hidden, 2 * heads]);
    else for (const name of ['beta', 'alpha']) block(`ssm_${name}.weight`, [hidden, heads]);
    block('ssm_norm.weight', [state]);
  } else {
    block('ssm_in.weight', [hidden, 2 * inner + 2 * keys + heads]);
    block('ssm_conv1d.weight', [kernel, inner + 2 * keys], 'f32');
    block('ssm_conv1d.bias', [inner + 2 * keys]);
    block('ssm_dt.bias', [heads]);
    for (const name of ['a', 'd']) block(`ssm_${name}`, [1, heads], 'f32');
    block('ssm_norm.weight', [inner / groups, groups], 'f32');
  }
  block('ssm_out.weight', [inner, hidden]);
}

function addFfn(block, suffix, hidden, width, matrices = 3) {
  if (matrices === 3) block(`ffn_gate${suffix}.weight`, [hidden, width]);
  block(`ffn_up${suffix}.weight`, [hidden, width]);
  block(`ffn_down${suffix}.weight`, [width, hidden]);
}

function addExperts(block, { architecture }, { hidden, moe }) {
  const { bias, experts, intermediate: width, matrices = 3, routerBias, shared } = moe;
  block('ffn_gate_inp.weight', [hidden, experts], 'f32');
  if (architecture === 'gpt-oss') block('ffn_gate_inp.bias', [experts]);
  else if (routerBias) block('exp_probs_b.bias', [experts]);
  if (matrices === 3) block('ffn_gate_exps.weight', [hidden, width, experts]);
  block('ffn_up_exps.weight', [hidden, width, experts]);
  block('ffn_down_exps.weight', [width, hidden, experts]);
  if (bias)
    for (const [name, side] of [
      ['gate', width],
      ['up', width],
      ['down', hidden],
    ])
      block(`ffn_${name}_exps.bias`, [side, experts]);
  if (shared === undefined) return;
  if (shared.gated) block('ffn_gate_inp_shexp.weight', [hidden]);
  addFfn(block, '_shexp', hidden, shared.intermediate, matrices);
}

/** Metadata that the loader of an architecture asks for. */
function metadataOf({ architecture, model }, p) {
  const { attention, blocks, dense, hidden, moe, nextLayers } = p;
  const latent = attention.kind === 'mla';
  const perBlock = (of) => ({ i32s: Array.from({ length: blocks }, (_, i) => of(i)) });
  const recurrent = attention.otherwise !== undefined && !LINEAR.has(architecture);
  const width = dense?.intermediate ?? moe.intermediate;
  const own = {
    block_count: blocks,
    context_length: p.trainedContext ?? 131072,
    embedding_length: hidden,
    vocab_size: p.vocab,
    feed_forward_length: architecture === 'nemotron_h_moe' ? perBlock((i) => (p.routed(i) ? moe.intermediate : 0)) : width,
    'attention.head_count': attention.heads,
    'attention.head_count_kv': recurrent ? perBlock((i) => (p.attends(i) ? attention.kvHeads : 0)) : latent ? 1 : attention.kvHeads,
    'attention.key_length': latent ? attention.kvLora + attention.qkRope : attention.headDim,
    'attention.value_length': latent ? attention.kvLora : attention.headDim,
    'attention.layer_norm_rms_epsilon': { f32: 1e-6 },
    'attention.layer_norm_epsilon': { f32: 1e-6 },
    'rope.freq_base': { f32: 10000 },
    'rope.dimension_count': latent ? attention.qkRope : LINEAR.has(architecture) ? attention.headDim / 4 : attention.headDim,
    expert_count: moe.experts,
    expert_used_count: moe.topK,
    expert_feed_forward_length: moe.intermediate,
    expert_weights_scale: { f32: 1 },
    expert_gating_func: moe.routerBias && architecture !== 'gpt-oss' && architecture !== 'ernie4_5-moe' ? 2 : 1,
    expert_weights_norm: true,
    ...(moe.shared === undefined
      ? {}
      : {
          expert_shared_count: Math.round(moe.shared.intermediate / moe.intermediate) || 1,
          expert_shared_feed_forward_length: moe.shared.intermediate,
        }),
    ...(architecture === 'bailingmoe2' ? { expert_shared_feed_forward_length: moe.intermediate } : {}),
    ...(moe.first === undefined ? {} : { leading_dense_block_count: moe.first }),
    ...(nextLayers === undefined ? {} : { nextn_predict_layers: nextLayers }),
    ...(latent
      ? {
          ...(attention.qLora > 0 ? { 'attention.q_lora_rank': attention.qLora } : {}),
          'attention.kv_lora_rank': attention.kvLora,
          'attention.key_length_mla': attention.qkNope + attention.qkRope,
          'attention.value_length_mla': attention.vHead,
        }
      : {}),
    ...(p.mixer === undefined
      ? {}
      : {
          'ssm.conv_kernel': p.mixer.kernel,
          'ssm.inner_size': p.mixer.inner,
          'ssm.state_size': p.mixer.state,
          'ssm.time_step_rank': p.mixer.heads,
          'ssm.group_count': p.mixer.groups,
          'rope.dimension_sections': { i32s: [11, 11, 10, 0] },
        }),
    ...(architecture === 'gpt-oss' ? { 'attention.sliding_window': attention.window.size } : {}),
    ...(architecture === 'llama4' || architecture === 'ernie4_5-moe' ? { interleave_moe_layer_step: 1 } : {}),
    ...(architecture === 'granitemoe' ? { logit_scale: { f32: 1 } } : {}),
    ...(architecture === 'dbrx' ? { 'attention.clamp_kqv': { f32: 8 } } : {}),
    ...(architecture === 'lfm2moe' ? { 'shortconv.l_cache': 3 } : {}),
  };
  return {
    'general.architecture': architecture,
    'general.name': model,
    ...Object.fromEntries(Object.entries(own).map(([name, value]) => [`${architecture}.${name}`, value])),
    'tokenizer.ggml.model': 'no_vocab',
  };
}

/** Published numbers of parameters are rounded, the smallest (1.3e9) most. */
const ROUNDED = 0.03;

/**
 * Metadata and tensors of a shape before quantization.
 * @throws Error where they have not as many parameters as the model card says
 */
export function tableOf(shape) {
  const widths = widthsOf(shape);
  const tensors = tensorsOf(shape, widths);
  // Blocks that predict further tokens are no part of what is published.
  const published = tensors.filter(({ name }) => !name.startsWith(`blk.${widths.layers}.`));
  const parameters = published.reduce((sum, { shape: sides }) => sum + sides.reduce((product, side) => product * side, 1), 0);
  const { total } = widths.published;
  if (Math.abs(parameters / total - 1) > ROUNDED) throw new Error(`${shape.model}: its table has ${parameters} parameters, not ${total}`);
  return { metadata: metadataOf(shape, widths), tensors };
}

/** Whether a file of a label can be made: llama-quantize knows it, others' mixtures have no rule here. */
export const canStore = (label) => FILE_TYPES[label] !== undefined;

/**
 * The sparse file of a shape, made where there is none. Its types are those that the engine's own quantization would store.
 * @returns path
 */
export async function fileOf(engine, shape, label = shape.label) {
  const folder = join(CACHE, 'models');
  const { metadata, tensors } = tableOf(shape);
  // A table that was corrected is another file.
  const digest = createHash('sha256')
    .update(JSON.stringify([metadata, tensors]))
    .digest('hex')
    .slice(0, 8);
  const path = join(folder, `${shape.model}-${label}-${digest}.gguf`);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const plain = join(folder, `${shape.model}.gguf`);
  writeSparseGguf(plain, metadata, tensors);
  const types = await planned(engine, 'types', [plain, FILE_TYPES[label]]);
  writeSparseGguf(
    path,
    metadata,
    tensors.map((one) => ({ ...one, type: types[one.name].toLowerCase() })),
  );
  return path;
}
