// A model's layers, experts, bytes and operations to price.
import type { Anatomy } from './anatomy.js';

/** Dense id of an expert: `layer.offset + expert`, the index of every per-expert typed array. */
type ExpertId = number;

/** Kernels are priced by format: bytes over bandwidth, weights over the unpacking rate. */
export interface FormatShare {
  /** Name in `KERNEL_FORMATS`: `q4_k`, `mxfp4`, `bf16`; `type N` for an unknown GGUF type. */
  readonly format: string;
  /** Number of weights; fractional in levelled layers. */
  readonly weights: number;
  readonly bytes: number;
}

/** An MoE layer. Layers may differ in experts, top-k and size. */
export interface MoeLayer {
  /** Position among the MoE layers, 0-based. */
  readonly index: number;
  readonly experts: number;
  readonly topK: number;
  /** Bytes of an expert, as stored and as transferred. */
  readonly expertBytes: number;
  /** Operations of an activation (one token through one expert): 2 per weight. */
  readonly flopsPerToken: number;
  /** Dense id of the layer's expert 0. */
  readonly offset: ExpertId;
  /** Formats of an expert, most weights first. Absent: unknown. */
  readonly formats?: readonly FormatShare[];
}

/** Attention of a decoder layer; all zero without attention (state-space layers). */
export interface AttentionSpec {
  /** KV-cache bytes per token of context (GQA: 2 x KV heads x head size; MLA: latent + rope). */
  readonly kvBytesPerToken: number;
  /** Bytes of the same in 16 bits, as kernels on GPUs unpack a quantized cache. Absent: `kvBytesPerToken`. */
  readonly wideBytesPerToken?: number;
  /** Share of values in `kvBytesPerToken`. Absent: half; 0: keys serve as values (MLA). */
  readonly valueShare?: number;
  /** Operations of a token attending to a token of context (scores and values). */
  readonly flopsPerPair: number;
  /** Query heads, for scores written out without fused kernels. Absent: unknown. */
  readonly heads?: number;
  /** Sliding window in tokens; null: the whole context. */
  readonly window: number | null;
  /** Kernels, relative to a grouped-attention layer. Absent: 1. */
  readonly launches?: number;
  /** Recurrent-state values renewed per token. Absent: no state, or unknown. */
  readonly stateValues?: number;
  /** Prompt costs of unpacked keys and values (MLA). Absent: no latent. */
  readonly unpacked?: UnpackedLatent;
}

/** Latent attention with keys and values unpacked in every pass. */
export interface UnpackedLatent {
  /** Operations as {@link AttentionSpec.flopsPerPair}; heads are narrower than the latent. */
  readonly flopsPerPair: number;
  /** Operations to unpack a token of context. */
  readonly flopsPerToken: number;
  /** Bytes moved per unpacked token of context until attended to. */
  readonly bytesPerToken: number;
}

/** Dense work between two routing decisions. */
export interface DenseSegment {
  /** Weight bytes read once per pass; the last segment has norm and head. */
  readonly weightBytes: number;
  /** Operations per token through the weights (2 per weight, without attention over the context). */
  readonly flopsPerToken: number;
  /** Operations per sequence: the head, for the last token's logits. Absent: 0. */
  readonly flopsPerSequence?: number;
  /** Attention by decoder layer of the segment. */
  readonly attention: readonly AttentionSpec[];
  /** Formats of the weights, most weights first. Absent: unknown. */
  readonly formats?: readonly FormatShare[];
}

/** Everything except routed experts; stays in GPU memory. */
export interface DenseSpec {
  /** Segment l runs before the routing of MoE layer l; an extra segment follows the last layer (norm, head). */
  readonly segments: readonly DenseSegment[];
  /** Bytes of all dense weights, embedding table included. */
  readonly weightBytes: number;
  /** KV-cache bytes per token over all decoder layers, without sliding windows. */
  readonly kvBytesPerToken: number;
}

/** Facts of a whole model. */
export interface ModelFacts {
  readonly name: string;
  /** Quantization of the byte figures, e.g. `q4_k_m`; from files `gguf` or `safetensors`. */
  readonly quantization: string;
  /** Width of the residual stream; 0: unknown. */
  readonly hidden: number;
  /** True: each expert is a whole model. */
  readonly wholeModels?: true;
  /** Multi-token prediction (MTP) layers of the checkpoint or file; absent: unknown. */
  readonly nextLayers?: number;
  /** Architecture: of a GGUF file, or `model_type` of config.json; absent: unknown. */
  readonly architecture?: string;
  /** Tensors and context memory, as in files; absent: unknown. */
  readonly anatomy?: Anatomy;
  /** Trained context length, tokens; absent: unknown. */
  readonly trainedContext?: number;
  /** Reader's note on the description; absent: no note. */
  readonly note?: string;
}

/** A Mixture-of-Experts model for the simulator, at a quantization. */
export interface ModelSpec extends ModelFacts {
  readonly layers: readonly MoeLayer[];
  readonly dense: DenseSpec;
  /** Routed experts over all layers. */
  readonly experts: number;
  /** True: every token runs shared experts, priced as dense work. */
  readonly sharedExperts?: true;
  /** Total parameters, and active parameters per token, head included (arXiv 2508.10925, Table 1). */
  readonly parameters: { readonly total: number; readonly active: number };
}

/** Decoder layers of a model, dense layers included. */
export const decoderLayers = ({ dense }: ModelSpec): number => dense.segments.reduce((sum, { attention }) => sum + attention.length, 0);

/** Decoder layer of an MoE layer, 0-based. */
export const decoderLayerOf = ({ dense }: ModelSpec, moeLayer: number): number =>
  Math.max(0, dense.segments.slice(0, moeLayer + 1).reduce((sum, { attention }) => sum + attention.length, 0) - 1);

/** Bytes of all weights of a model. */
export const weightBytes = (model: ModelSpec): number => model.dense.weightBytes + expertBytesTotal(model);

/** Average bits per weight of a model. */
export const bitsPerWeight = (model: ModelSpec): number => (8 * weightBytes(model)) / model.parameters.total;

/** Bytes of all routed experts, or of some layers. */
export const expertBytesTotal = ({ layers }: Pick<ModelSpec, 'layers'>): number =>
  layers.reduce((sum, layer) => sum + layer.experts * layer.expertBytes, 0);

/** Most experts of a layer. */
export const mostExperts = ({ layers }: Pick<ModelSpec, 'layers'>): number =>
  layers.reduce((most, { experts }) => Math.max(most, experts), 0);

/** Largest top-k of a layer. */
export const mostTopK = ({ layers }: Pick<ModelSpec, 'layers'>): number => layers.reduce((most, { topK }) => Math.max(most, topK), 0);

/** Token cycle (L15): bytes of experts that a token touches in all layers. */
export const tokenCycleBytes = (model: ModelSpec): number => model.layers.reduce((sum, layer) => sum + layer.topK * layer.expertBytes, 0);

/** Bytes of each expert by dense id, `Float64Array(model.experts)`. */
export function expertSizes(model: ModelSpec): Float64Array {
  const sizes = new Float64Array(model.experts);
  for (const layer of model.layers) sizes.fill(layer.expertBytes, layer.offset, layer.offset + layer.experts);
  return sizes;
}

/** Sums format lists: one entry per format, most weights first. */
export function sumFormats(lists: readonly (readonly FormatShare[])[]): readonly FormatShare[] {
  const sums = new Map<string, { format: string; weights: number; bytes: number }>();
  for (const { format, weights, bytes } of lists.flat()) {
    const sum = sums.get(format);
    if (sum === undefined) sums.set(format, { format, weights, bytes });
    else {
      sum.weights += weights;
      sum.bytes += bytes;
    }
  }
  return [...sums.values()].sort((a, b) => b.weights - a.weights);
}

/** Scales weights and bytes of formats. */
export const scaleFormats = (formats: readonly FormatShare[], weights: number, bytes: number): readonly FormatShare[] =>
  formats.map((share) => ({ format: share.format, weights: share.weights * weights, bytes: share.bytes * bytes }));

/** Format of most weights; null: unknown. */
export const mainFormat = (formats: readonly FormatShare[] | undefined): string | null => formats?.[0]?.format ?? null;

/** A layer with a different expert size; formats keep weights and byte proportions. */
export function withExpertBytes(layer: MoeLayer, expertBytes: number): MoeLayer {
  const { formats } = layer;
  if (formats === undefined) return { ...layer, expertBytes };
  return { ...layer, expertBytes, formats: scaleFormats(formats, 1, expertBytes / layer.expertBytes) };
}
