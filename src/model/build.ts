// A walk over the tensors; counted parameters are a check.
import { definedFields } from '../base/objects.js';
import { inARow } from '../base/text.js';
import type { ContextMemory } from './anatomy.js';
import { type Experts, type LayerParts, type ModelParts, NO_WEIGHTS, routedOf, sumWeights, type Weights } from './parts.js';
import { attentionBlocks, expertsOf, hasAttention, headsOf, isMoeLayer, type ModelProfile, modulesOf } from './profile.js';
import { memoryOf, profileAnatomy } from './profile-anatomy.js';
import { type FileWeights, fitToSize } from './quantization/fit.js';
import { bitsOf, type Quantization, type StoredShare, type TensorRole } from './quantization/rule.js';
import { type AttentionSpec, type FormatShare, scaleFormats, sumFormats, type UnpackedLatent } from './spec.js';

/** Bytes of a KV-cache entry: f16, the default of every engine (other formats: `kv-format.ts`). */
const KV_BYTES = 2;
/** Bytes of a matrix product's output value. */
const F32_BYTES = 4;

/**
 * Kernels of a decoding MoE layer by context memory, as fused in llama.cpp (`llm_graph_context`, build 10257): norms 2,
 * residuals 2, routing 4, experts 6; grouped attention 9: projections, norms and rotations, stores, scores, output.
 * Latents add projections, norms, products, rotations, joins, copies. Recurrent states (gated delta net, Mamba-2): 40
 * to 100 by build.
 */
const KERNELS = { heads: 23, latent: 38, state: 70 } as const;

type Weigh = (role: TensorRole, columns: number, layer: number) => readonly StoredShare[];

class Tally implements Weights {
  parameters = 0;
  bytes = 0;
  flops = 0;
  readonly formats: { format: string; weights: number; bytes: number }[] = [];
  readonly tensors: { readonly name: string; readonly format: string; readonly bytes: number }[] = [];

  readonly #weigh: Weigh;

  constructor(weigh: Weigh) {
    this.#weigh = weigh;
  }

  /** Adds a matrix that multiplies every token. */
  matrix(role: TensorRole, rows: number, columns: number, layer: number, name: string): void {
    this.spare(role, rows, columns, layer, name);
    this.flops += 2 * rows * columns;
  }

  /** Adds a second copy of a matrix: bytes, but no operations. */
  spare(role: TensorRole, rows: number, columns: number, layer: number, name: string): void {
    this.#add(`${name}.weight`, rows * columns, this.#weigh(role, columns, layer));
  }

  vector(length: number, name: string): void {
    this.#add(name, length, this.#weigh('vector', length, 0));
  }

  #add(name: string, parameters: number, shares: readonly StoredShare[]): void {
    const tensorBytes = (parameters * bitsOf(shares)) / 8;
    const main = shares.reduce((most, share) => (share.share > most.share ? share : most));
    this.tensors.push({ name, format: main.format, bytes: tensorBytes });
    this.parameters += parameters;
    this.bytes += tensorBytes;
    for (const { format, share, bits } of shares) {
      const [weights, bytes] = [parameters * share, (parameters * share * bits) / 8];
      const known = this.formats.find((share) => share.format === format);
      if (known === undefined) this.formats.push({ format, weights, bytes });
      else {
        known.weights += weights;
        known.bytes += bytes;
      }
    }
  }

  /** Adds an FFN: `matrices` - 1 matrices in, one out. `suffix`: `_exps` for routed, `_shexp` for shared experts. */
  ffn(kind: 'expert' | 'ffn', { hidden, moe }: ModelProfile, intermediate: number, layer: number, suffix = ''): void {
    const width = kind === 'expert' ? (moe.latent ?? hidden) : hidden;
    if (moe.matrices === 3) this.matrix(`${kind}-in`, intermediate, width, layer, `ffn_gate${suffix}`);
    this.matrix(`${kind}-in`, intermediate, width, layer, `ffn_up${suffix}`);
    this.matrix(`${kind}-down`, width, intermediate, layer, `ffn_down${suffix}`);
  }
}

/** Attention costs of a layer: KV-cache bytes per token, operations per pair of tokens. */
export function contextFor(memory: ContextMemory): AttentionSpec {
  if (memory.kind === 'none') return { kvBytesPerToken: 0, flopsPerPair: 0, window: null, launches: 0 };
  const launches = KERNELS[memory.kind] / KERNELS.heads;
  if (memory.kind === 'state') {
    const state = memory.bytes === null ? {} : { stateValues: memory.bytes / F32_BYTES };
    return { kvBytesPerToken: 0, flopsPerPair: 0, window: null, launches, ...state };
  }
  const { heads } = memory;
  if (memory.kind === 'heads') {
    const { kvHeads, keyDim, valueDim, window } = memory;
    const width = keyDim + valueDim;
    const uneven = keyDim === valueDim ? {} : { valueShare: valueDim / width };
    return { kvBytesPerToken: kvHeads * width * KV_BYTES, flopsPerPair: 2 * heads * width, heads, window, ...uneven };
  }
  // Absorbed form (DeepSeek-V2, section 2.1): every head attends to the shared latent.
  const { latent, rope } = memory;
  const flopsPerPair = heads * (2 * (latent + rope) + 2 * latent);
  return {
    kvBytesPerToken: (latent + rope) * KV_BYTES,
    flopsPerPair,
    heads,
    window: null,
    launches,
    valueShare: 0,
    unpacked: unpackedLatent(memory),
  };
}

/** Costs of unpacked keys and values (ik_llama.cpp's -mla 2 and 3). */
function unpackedLatent({ heads, latent, nope, rope, value }: Extract<ContextMemory, { kind: 'latent' }>): UnpackedLatent {
  const bare = nope + value;
  const attended = nope + rope + value;
  const bytes = 2 * F32_BYTES * bare + KV_BYTES * (bare + nope + (nope + rope) + attended);
  return { flopsPerPair: 2 * heads * attended, flopsPerToken: 2 * heads * latent * bare, bytesPerToken: heads * bytes };
}

function addAttention(tally: Tally, profile: ModelProfile, layer: number): void {
  const { attention, hidden } = profile;
  tally.vector(hidden, 'attn_norm.weight');
  if (profile.single && isMoeLayer(profile, layer)) return;
  if (!hasAttention(profile, layer)) {
    const parameters = attention.otherwise?.parameters ?? 0;
    tally.matrix('state', parameters / hidden, hidden, layer, 'ssm_mixer');
    return;
  }
  if (attention.kind === 'mla') {
    const { heads, qLora, kvLora, qkNope, qkRope, vHead } = attention;
    const queries = heads * (qkNope + qkRope);
    if (qLora > 0) {
      tally.matrix('projection', qLora, hidden, layer, 'attn_q_a');
      tally.vector(qLora, 'attn_q_a_norm.weight');
      tally.matrix('projection', queries, qLora, layer, 'attn_q_b');
    } else tally.matrix('projection', queries, hidden, layer, 'attn_q');
    tally.matrix('projection', kvLora + qkRope, hidden, layer, 'attn_kv_a_mqa');
    tally.vector(kvLora, 'attn_kv_a_norm.weight');
    tally.matrix('latent', heads * (qkNope + vHead), kvLora, layer, 'attn_kv_b');
    if (attention.unpackedTwice) {
      tally.spare('latent', heads * kvLora, qkNope, layer, 'attn_k_b');
      tally.spare('latent', heads * vHead, kvLora, layer, 'attn_v_b');
    }
    if (attention.gate) tally.matrix('projection', heads * vHead, hidden, layer, 'attn_gate');
    tally.matrix('attention-out', hidden, heads * vHead, layer, 'attn_output');
    return;
  }
  const { headDim, gate, queryRank, valueDim = headDim } = attention;
  const { heads, kvHeads } = headsOf(profile, layer);
  const blocks = attentionBlocks(attention, layer);
  for (let block = 0; block < blocks; block++) {
    const prefix = block > 0 ? 'cross_attn_' : 'attn_';
    if (block > 0) tally.vector(hidden, `${prefix}norm.weight`);
    if (queryRank !== undefined) tally.matrix('projection', queryRank, hidden, layer, `${prefix}q_a`);
    tally.matrix('projection', heads * (headDim + (gate ? valueDim : 0)), queryRank ?? hidden, layer, `${prefix}q`);
    tally.matrix('key', kvHeads * headDim, hidden, layer, `${prefix}k`);
    tally.matrix('value', kvHeads * valueDim, hidden, layer, `${prefix}v`);
    tally.matrix('attention-out', hidden, heads * valueDim, layer, `${prefix}output`);
    if (attention.bias) tally.vector((heads + 2 * kvHeads) * headDim, `${prefix}qkv.bias`);
    if (attention.outBias) tally.vector(hidden, `${prefix}output.bias`);
    if (attention.qkNorm === 'full') tally.vector((heads + kvHeads) * headDim, `${prefix}qk_norm.weight`);
    else if (attention.qkNorm) tally.vector(2 * headDim, `${prefix}qk_norm.weight`);
  }
}

function contextAt(profile: ModelProfile, layer: number): AttentionSpec {
  const memory = memoryOf(profile, layer);
  if (memory.kind !== 'heads') return contextFor(memory);
  return contextFor({ ...memory, heads: attentionBlocks(profile.attention, layer) * memory.heads });
}

/** @throws UserError if the formats cannot reach the stated file size */
export function measureProfile(profile: ModelProfile, quantization: Quantization): ModelParts {
  const parts = takeApart(
    profile,
    fitToSize(quantization, (candidate) => wholeFile(takeApart(profile, candidate))),
  );
  return profile.moe.whole ? parts : { ...parts, anatomy: profileAnatomy(profile, parts) };
}

/** All weights of a model file. */
export function wholeFile({ layers, head, embedding }: ModelParts): FileWeights {
  const sum = { parameters: 0, bytes: 0 };
  const add = ({ parameters, bytes }: FileWeights, times = 1): void => {
    sum.parameters += times * parameters;
    sum.bytes += times * bytes;
  };
  for (const layer of layers) {
    for (const { experts, expert } of routedOf(layer)) add(expert, experts);
    for (const part of [layer.attention, layer.router, layer.shared, layer.ffn]) add(part);
  }
  add(head);
  add(embedding ?? NO_WEIGHTS);
  return sum;
}

function takeApart(profile: ModelProfile, quantization: Quantization): ModelParts {
  const { hidden, layers: depth, moe, tiedEmbeddings: tied, attention: shape } = profile;
  const groups = shape.kind === 'gqa' ? shape.heads / shape.kvHeads : shape.heads;
  const mixer = shape.otherwise !== undefined ? 'state' : shape.kind === 'mla' ? 'latent' : 'heads';
  const weigh: Weigh = (role, columns, layer) =>
    quantization.stored(role, { columns, layer, layers: depth, experts: moe.experts, groups, mixer, tied });
  const layers = Array.from({ length: depth }, (_, layer) => layerOf(profile, layer, weigh));
  const head = new Tally(weigh);
  head.vector(hidden, 'output_norm.weight');
  head.matrix('head', profile.vocab, hidden, depth - 1, 'output');
  const embedding = new Tally(weigh);
  if (!tied) embedding.matrix('embedding', profile.vocab, hidden, 0, 'token_embd');
  const { architecture, assumed, mtpLayers: nextLayers, name, trainedContext } = profile;
  const note = inARow(profile.note, assumed);
  const known = { name, quantization: quantization.name, ...definedFields({ architecture, assumed, nextLayers, note, trainedContext }) };
  const parts = { ...known, hidden, layers, head, embedding: tied ? null : embedding };
  return moe.whole ? wholeModels(parts) : parts;
}

function layerOf(profile: ModelProfile, layer: number, weigh: Weigh): LayerParts {
  const { hidden, moe } = profile;
  const context = contextAt(profile, layer);
  const tally = (): Tally => new Tally(weigh);
  const [attention, router, shared, ffn, norms] = [tally(), tally(), tally(), tally(), tally()];
  addAttention(attention, profile, layer);
  if (!profile.single) attention.vector(hidden, 'ffn_norm.weight');
  if (!isMoeLayer(profile, layer)) {
    if (!profile.single) ffn.ffn('ffn', profile, profile.dense!.intermediate, layer);
    return { context, attention, router: NO_WEIGHTS, shared: NO_WEIGHTS, ffn, moe: null };
  }
  const modules = modulesOf(profile, layer);
  const [first, ...further] = modules.map(({ experts, topK, intermediate, parameters }): Experts => {
    router.matrix('router', experts, hidden, layer, 'ffn_gate_inp');
    if (moe.routerBias) router.vector(experts, 'exp_probs_b.bias');
    const expert = tally();
    if (intermediate === null) expert.matrix('expert-in', parameters / hidden, hidden, layer, 'ffn_up_exps');
    else {
      expert.ffn('expert', profile, intermediate, layer, '_exps');
      if (moe.bias) {
        for (const name of moe.matrices === 3 ? ['gate', 'up'] : ['up']) expert.vector(intermediate, `ffn_${name}_exps.bias`);
        expert.vector(hidden, 'ffn_down_exps.bias');
      }
    }
    return { experts, topK, expert };
  });
  const replaced = (part: 'attention' | 'ffn'): boolean => modules.some(({ replaces }) => replaces === part);
  if (!replaced('ffn')) ffn.ffn('ffn', profile, expertsOf(profile, layer).intermediate, layer);
  norms.vector(2 * hidden, 'ffn_norm.weight');
  if (moe.latent !== undefined) {
    shared.matrix('ffn-in', moe.latent, hidden, layer, 'ffn_latent_down');
    shared.matrix('ffn-down', hidden, moe.latent, layer, 'ffn_latent_up');
  }
  if (moe.shared !== undefined) {
    shared.ffn('ffn', profile, moe.shared.intermediate, layer, '_shexp');
    if (moe.shared.gated) shared.vector(hidden, 'ffn_gate_inp_shexp.weight');
  }
  const routed = { moe: first!, ...(further.length === 0 ? {} : { further }) };
  return { context, attention: replaced('attention') ? norms : attention, router, shared, ffn, ...routed };
}

/** Whole models as experts: all weights move into the expert, routed once after attention. */
function wholeModels(parts: ModelParts): ModelParts {
  const table = { ...(parts.embedding ?? NO_WEIGHTS), flops: 0 };
  const layersOfOne = parts.layers.flatMap((layer) => [layer.attention, layer.moe!.expert]);
  const expert = sumWeights([...layersOfOne, parts.head, table]);
  const { experts, topK } = parts.layers[0]!.moe!;
  const none = { attention: NO_WEIGHTS, router: NO_WEIGHTS, shared: NO_WEIGHTS, ffn: NO_WEIGHTS };
  const last = parts.layers.length - 1;
  const layers = parts.layers.map(({ context }, index) => ({ context, ...none, moe: index === last ? { experts, topK, expert } : null }));
  return { ...parts, layers, head: NO_WEIGHTS, embedding: null, wholeModels: true };
}

/** Layers of equal shape get the mean expert size (q4_k_m and q5_k_m vary), for equal cache slots. Files keep sizes. */
export function levelSizes(parts: ModelParts): ModelParts {
  const shapeOf = ({ experts, topK, expert }: Experts): string => `${experts}/${topK}/${expert.parameters}`;
  const shapes = new Map<string, { sum: number; count: number; formats: readonly FormatShare[] }>();
  for (const moe of parts.layers.flatMap(routedOf)) {
    const shape = shapes.get(shapeOf(moe)) ?? { sum: 0, count: 0, formats: [] };
    const formats = sumFormats([shape.formats, moe.expert.formats]);
    shapes.set(shapeOf(moe), { sum: shape.sum + moe.expert.bytes, count: shape.count + 1, formats });
  }
  const level = (moe: Experts): Experts => {
    const { sum, count, formats } = shapes.get(shapeOf(moe))!;
    const { parameters, flops } = moe.expert;
    return { ...moe, expert: { parameters, flops, bytes: Math.round(sum / count), formats: scaleFormats(formats, 1 / count, 1 / count) } };
  };
  const layers = parts.layers.map((layer) => {
    if (layer.moe === null) return layer;
    const { further } = layer;
    return { ...layer, moe: level(layer.moe), ...(further === undefined ? {} : { further: further.map(level) }) };
  });
  return { ...parts, layers };
}
