// From architecture to bytes and operations: walks the tensors of a model once, in order of execution, and sums what each part
// weighs and costs. The same walk counts the parameters, so that a published total checks the bytes, too.
import { expertsOf, isMoeLayer, type ModelProfile } from './profile.js';
import type { Quantization, TensorRole } from './quantization.js';
import type { AttentionSpec, DenseSegment, ModelSpec, MoeLayer } from './spec.js';

/** KV-cache entries are f16, the default of every engine. */
const KV_BYTES = 2;

/** Sum over tensors. */
class Tally {
  parameters = 0;
  bytes = 0;
  /** Operations per token: 2 per weight of a matrix. */
  flops = 0;

  readonly #weigh: (role: TensorRole, columns: number, layer: number) => number;

  constructor(weigh: (role: TensorRole, columns: number, layer: number) => number) {
    this.#weigh = weigh;
  }

  /** A matrix that every token goes through. */
  matrix(role: TensorRole, rows: number, columns: number, layer: number): void {
    this.parameters += rows * columns;
    this.bytes += (rows * columns * this.#weigh(role, columns, layer)) / 8;
    this.flops += 2 * rows * columns;
  }

  /** Norm scales and biases. */
  vector(length: number): void {
    this.parameters += length;
    this.bytes += (length * this.#weigh('vector', length, 0)) / 8;
  }
}

/** Adds an FFN: `matrices` - 1 matrices in, one out. */
function addFfn(tally: Tally, kind: 'expert' | 'ffn', profile: ModelProfile, intermediate: number, layer: number): void {
  for (let i = 1; i < profile.moe.matrices; i++) tally.matrix(`${kind}-in`, intermediate, profile.hidden, layer);
  tally.matrix(`${kind}-down`, profile.hidden, intermediate, layer);
}

/** Adds the attention (or other mixer) of a layer, its norm included, and says what it costs per token of context. */
function addAttention(tally: Tally, profile: ModelProfile, layer: number): AttentionSpec {
  const { attention, hidden } = profile;
  tally.vector(hidden);
  if (layer % attention.every !== attention.offset % attention.every) {
    const parameters = attention.otherwise?.parameters ?? 0;
    tally.matrix('projection', parameters / hidden, hidden, layer);
    return { kvBytesPerToken: 0, flopsPerPair: 0, window: null };
  }
  if (attention.kind === 'mla') {
    const { heads, qLora, kvLora, qkNope, qkRope, vHead } = attention;
    const queries = heads * (qkNope + qkRope);
    if (qLora > 0) {
      tally.matrix('projection', qLora, hidden, layer);
      tally.vector(qLora);
      tally.matrix('projection', queries, qLora, layer);
    } else tally.matrix('projection', queries, hidden, layer);
    tally.matrix('projection', kvLora + qkRope, hidden, layer);
    tally.vector(kvLora);
    tally.matrix('projection', heads * (qkNope + vHead), kvLora, layer);
    tally.matrix('attention-out', hidden, heads * vHead, layer);
    // Absorbed form (DeepSeek-V2, section 2.1): every head scores and sums the shared latent itself.
    return { kvBytesPerToken: (kvLora + qkRope) * KV_BYTES, flopsPerPair: heads * (2 * (kvLora + qkRope) + 2 * kvLora), window: null };
  }
  const { heads, kvHeads, headDim, window } = attention;
  const blocks = attention.crossFrom !== undefined && layer >= attention.crossFrom ? 2 : 1;
  for (let block = 0; block < blocks; block++) {
    if (block > 0) tally.vector(hidden);
    tally.matrix('projection', heads * headDim, hidden, layer);
    tally.matrix('key', kvHeads * headDim, hidden, layer);
    tally.matrix('value', kvHeads * headDim, hidden, layer);
    tally.matrix('attention-out', hidden, heads * headDim, layer);
    if (attention.bias) tally.vector((heads + 2 * kvHeads) * headDim);
    if (attention.outBias) tally.vector(hidden);
    if (attention.qkNorm) tally.vector(2 * headDim);
  }
  return {
    kvBytesPerToken: blocks * 2 * kvHeads * headDim * KV_BYTES,
    flopsPerPair: blocks * 4 * heads * headDim,
    window: window !== undefined && layer % window.of < window.layers ? window.size : null,
  };
}

/**
 * Derives a model at one quantisation.
 *
 * Mixed formats (q4_k_m, q5_k_m) store some layers' experts at more bits than others'. A model built from a profile prices all layers
 * of one shape at their mean, which keeps the total and lets a cache count equal slots; a GGUF file or a trace that records the sizes
 * gives each layer its own.
 */
export function buildModel(profile: ModelProfile, quantization: Quantization): ModelSpec {
  const { hidden, layers: depth, moe } = profile;
  const tied = profile.tiedEmbeddings;
  const weigh = (role: TensorRole, columns: number, layer: number): number =>
    quantization.bits(role, { columns, layer, layers: depth, experts: moe.experts, tied });

  const layers: (MoeLayer & { shape: string })[] = [];
  const segments: DenseSegment[] = [];
  let segment = new Tally(weigh);
  let attention: AttentionSpec[] = [];
  let total = 0;
  let active = 0;
  let offset = 0;
  let denseBytes = 0;
  let headFlops = 0;
  const close = (): void => {
    segments.push({ weightBytes: Math.round(segment.bytes), flopsPerToken: segment.flops, flopsPerSequence: headFlops, attention });
    denseBytes += Math.round(segment.bytes);
    total += segment.parameters;
    active += segment.parameters;
    segment = new Tally(weigh);
    attention = [];
  };

  for (let layer = 0; layer < depth; layer++) {
    attention.push(addAttention(segment, profile, layer));
    segment.vector(hidden);
    if (!isMoeLayer(profile, layer)) {
      addFfn(segment, 'ffn', profile, profile.dense!.intermediate, layer);
      continue;
    }
    const { experts, topK, intermediate } = expertsOf(profile, layer);
    segment.matrix('router', experts, hidden, layer);
    if (moe.routerBias) segment.vector(experts);
    if (moe.shared !== undefined) {
      addFfn(segment, 'ffn', profile, moe.shared.intermediate, layer);
      if (moe.shared.gated) segment.vector(hidden);
    }
    close();
    const expert = new Tally(weigh);
    addFfn(expert, 'expert', profile, intermediate, layer);
    if (moe.bias) expert.vector((moe.matrices - 1) * intermediate + hidden);
    total += experts * expert.parameters;
    active += topK * expert.parameters;
    const place = { index: layers.length, experts, topK, offset };
    layers.push({ ...place, expertBytes: expert.bytes, flopsPerToken: expert.flops, shape: `${experts}/${topK}/${intermediate}` });
    offset += experts;
  }

  // The tail: layers after the last MoE layer, final norm, head. Logits are computed for the last token of a sequence only.
  segment.vector(hidden);
  const body = segment.flops;
  segment.matrix('head', profile.vocab, hidden, depth - 1);
  headFlops = segment.flops - body;
  segment.flops = body;
  close();
  if (!tied) {
    // The table is looked up by row, never read as a whole: it weighs, but costs no time.
    const table = new Tally(weigh);
    table.matrix('embedding', profile.vocab, hidden, 0);
    denseBytes += Math.round(table.bytes);
    total += table.parameters;
    active += table.parameters;
  }

  return {
    name: profile.name,
    quantization: quantization.name,
    layers: layers.map(({ shape, ...layer }) => ({ ...layer, expertBytes: meanBytes(layers.filter((other) => other.shape === shape)) })),
    dense: {
      segments,
      weightBytes: denseBytes,
      kvBytesPerToken: segments.reduce((sum, part) => sum + part.attention.reduce((all, one) => all + one.kvBytesPerToken, 0), 0),
    },
    experts: offset,
    parameters: { total, active },
  };
}

/** Mean size of one expert over layers of one shape, in whole bytes. */
function meanBytes(layers: readonly MoeLayer[]): number {
  return Math.round(layers.reduce((sum, layer) => sum + layer.expertBytes, 0) / layers.length);
}
