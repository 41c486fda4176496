// A model as the rest of moeprof sees it: layers, experts and their bytes, dense segments, and operations to price. Types and small sums.
import type { Anatomy } from './anatomy.js';

/** Dense id of one expert of one layer: `layer.offset + expert`. Every per-expert state is a typed array indexed by it. */
type ExpertId = number;

/** Weights that are stored in one format. Kernels are priced by format: bytes over bandwidth, weights over the rate of unpacking. */
export interface FormatShare {
  /** A name of `KERNEL_FORMATS`: `q4_k`, `mxfp4`, `bf16`; `type N` for a type of a GGUF file that is not known. */
  readonly format: string;
  /** Number of weights; need not be whole if layers were levelled. */
  readonly weights: number;
  /** Their bytes, scales included. */
  readonly bytes: number;
}

/** One MoE layer (dense layers are priced in {@link DenseSpec}). Layers may differ in experts, top-k and size. */
export interface MoeLayer {
  /** Position among the MoE layers, 0-based. */
  readonly index: number;
  readonly experts: number;
  readonly topK: number;
  /** Bytes of one expert's weights, as stored and as transferred. */
  readonly expertBytes: number;
  /** Floating-point operations of one activation (one token through one expert): 2 per weight. */
  readonly flopsPerToken: number;
  /** Dense id of this layer's expert 0. */
  readonly offset: ExpertId;
  /** Formats of one expert, most weights first; their bytes add up to {@link expertBytes}. Absent: unknown. */
  readonly formats?: readonly FormatShare[];
}

/** Attention of one decoder layer. All zero if a layer has none (state-space layers). */
export interface AttentionSpec {
  /** KV-cache bytes that one token of context occupies (GQA: 2 x KV heads x head size; MLA: latent + rope). */
  readonly kvBytesPerToken: number;
  /** Share of these bytes that are values, which may be stored in another format than keys. Absent: half; 0: keys are values, too (MLA). */
  readonly valueShare?: number;
  /** Operations of one token attending to one token of context (scores and values). */
  readonly flopsPerPair: number;
  /** Query heads: scores of a pair of tokens, which attention without fused kernels writes out. Absent: unknown. */
  readonly heads?: number;
  /** Sliding window in tokens, or null: the whole context. */
  readonly window: number | null;
  /** Kernels of the layer, as a multiple of those of a layer with grouped attention. Absent: 1. */
  readonly launches?: number;
  /** Values of a recurrent state that every token renews. Absent: none, or unknown. */
  readonly stateValues?: number;
  /** Costs of a prompt if keys and values of all heads are unpacked from a shared latent (MLA). Absent: there is no latent. */
  readonly unpacked?: UnpackedLatent;
}

/** Latent attention whose keys and values are unpacked for every pass, instead of heads that work on the latent itself. */
export interface UnpackedLatent {
  /** Operations of one token attending to one token of context, as of {@link AttentionSpec.flopsPerPair}: heads are narrower than the latent. */
  readonly flopsPerPair: number;
  /** Operations that unpack one token of context. */
  readonly flopsPerToken: number;
  /** Bytes that one unpacked token of context moves through memory until it was attended to. */
  readonly bytesPerToken: number;
}

/** The dense work between two routing decisions. */
export interface DenseSegment {
  /** Weight bytes read once per pass: attention projections, router, shared experts, dense FFNs, and in the last segment norm and head. */
  readonly weightBytes: number;
  /** Operations per token through these weights (2 per weight; attention over the context comes on top). */
  readonly flopsPerToken: number;
  /** Operations per sequence of the pass, not per token: the head, since logits are wanted for the last token only. Absent: none. */
  readonly flopsPerSequence?: number;
  /** One entry per decoder layer whose attention lies in this segment. */
  readonly attention: readonly AttentionSpec[];
  /** Formats of the weights, most weights first; their bytes add up to {@link weightBytes}. Absent: unknown. */
  readonly formats?: readonly FormatShare[];
}

/** All that is not a routed expert. It stays in GPU memory. */
export interface DenseSpec {
  /** Segment l runs before the routing of MoE layer l is known, dense-first layers included; one more after the last (norm, head). */
  readonly segments: readonly DenseSegment[];
  /** Bytes of all dense weights, the embedding table included. */
  readonly weightBytes: number;
  /** KV-cache bytes per token of context, summed over all decoder layers (no sliding window applied). */
  readonly kvBytesPerToken: number;
}

/** What is known of a model as a whole. */
export interface ModelFacts {
  readonly name: string;
  /** Quantization that the byte figures are for, e.g. `q4_k_m`; `gguf` or `safetensors` if sizes come from files. */
  readonly quantization: string;
  /** Width of the residual stream: values of one activation, as it is sent to an expert on another GPU. 0 if unknown. */
  readonly hidden: number;
  /** True: each expert is a whole model, so that loading one is switching models. */
  readonly wholeModels?: true;
  /** Layers of its checkpoint that predict further tokens (MTP); absent: none. */
  readonly nextLayers?: number;
  /** Its tensors, and the memory of its layers, as in its files; absent if unknown. */
  readonly anatomy?: Anatomy;
  /** Tokens of context that it was trained on; absent: unknown. */
  readonly trainedContext?: number;
  /** A note for the reader of results on how it was described; absent: none. */
  readonly note?: string;
}

/** A Mixture-of-Experts model as the simulator sees it, at one quantization. */
export interface ModelSpec extends ModelFacts {
  /** The MoE layers, in order of execution. */
  readonly layers: readonly MoeLayer[];
  readonly dense: DenseSpec;
  /** Routed experts in total: the sum over layers, and the number of dense ids. */
  readonly experts: number;
  /** True: layers have shared experts, too, which every token runs. They are priced as dense work. */
  readonly sharedExperts?: true;
  /** Parameters in total, and those that a token is multiplied with, head included; as OpenAI counts (arXiv 2508.10925, Table 1). */
  readonly parameters: { readonly total: number; readonly active: number };
}

/** Decoder layers of a model, those without experts too. */
export const decoderLayers = ({ dense }: ModelSpec): number => dense.segments.reduce((sum, { attention }) => sum + attention.length, 0);

/** Decoder layer of an MoE layer; both count from 0, and layers without experts lie between some. */
export const decoderLayerOf = ({ dense }: ModelSpec, moeLayer: number): number =>
  Math.max(0, dense.segments.slice(0, moeLayer + 1).reduce((sum, { attention }) => sum + attention.length, 0) - 1);

/** Bytes of all weights of a model. */
export const weightBytes = (model: ModelSpec): number => model.dense.weightBytes + expertBytesTotal(model);

/** Bits of a weight over all weights of a model. */
export const bitsPerWeight = (model: ModelSpec): number => (8 * weightBytes(model)) / model.parameters.total;

/** Bytes of all routed experts of a model, or of some of its layers. */
export const expertBytesTotal = ({ layers }: Pick<ModelSpec, 'layers'>): number =>
  layers.reduce((sum, layer) => sum + layer.experts * layer.expertBytes, 0);

/** Token cycle (L15): bytes of experts that one token touches on its way through all layers. */
export const tokenCycleBytes = (model: ModelSpec): number => model.layers.reduce((sum, layer) => sum + layer.topK * layer.expertBytes, 0);

/** Bytes of each expert by dense id, `Float64Array(model.experts)`. */
export function expertSizes(model: ModelSpec): Float64Array {
  const sizes = new Float64Array(model.experts);
  for (const layer of model.layers) sizes.fill(layer.expertBytes, layer.offset, layer.offset + layer.experts);
  return sizes;
}

/** Adds up lists of formats: one entry per format, most weights first. */
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

/** Scales the weights and the bytes of formats. */
export const scaleFormats = (formats: readonly FormatShare[], weights: number, bytes: number): readonly FormatShare[] =>
  formats.map((share) => ({ format: share.format, weights: share.weights * weights, bytes: share.bytes * bytes }));

/** The format that most weights have; null if unknown. */
export const mainFormat = (formats: readonly FormatShare[] | undefined): string | null => formats?.[0]?.format ?? null;

/** A layer whose experts have another size, from a trace or a file; their formats keep the weights and share the bytes as before. */
export function withExpertBytes(layer: MoeLayer, expertBytes: number): MoeLayer {
  const { formats } = layer;
  if (formats === undefined) return { ...layer, expertBytes };
  return { ...layer, expertBytes, formats: scaleFormats(formats, 1, expertBytes / layer.expertBytes) };
}
