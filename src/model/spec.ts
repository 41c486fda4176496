// A model's layers, experts, bytes and operations to price.
import type { Anatomy } from './anatomy.js';

/** Dense id of an expert: `layer.offset + expert`, the index of every per-expert typed array. */
type ExpertId = number;

/** Share of a format: kernels are priced by format. */
export interface FormatShare {
  /** Name in `KERNEL_FORMATS`; `type N`: an unknown GGUF type. */
  readonly format: string;
  /** Fractional in levelled layers. */
  readonly weights: number;
  readonly bytes: number;
}

/** An MoE layer. */
export interface MoeLayer {
  /** Among MoE layers, 0-based. */
  readonly index: number;
  readonly experts: number;
  readonly topK: number;
  /** Bytes of an expert, stored and transferred. */
  readonly expertBytes: number;
  /** Operations of an activation: 2 per weight. */
  readonly flopsPerToken: number;
  /** Dense id of the layer's expert 0. */
  readonly offset: ExpertId;
  /** Of an expert, most weights first. Absent: unknown. */
  readonly formats?: readonly FormatShare[];
}

/** Attention of a decoder layer; zero without. */
export interface AttentionSpec {
  /** KV-cache bytes per token of context. */
  readonly kvBytesPerToken: number;
  /** In 16 bits, as GPU kernels unpack a quantized cache. Absent: `kvBytesPerToken`. */
  readonly wideBytesPerToken?: number;
  /** Share of values in `kvBytesPerToken`. Absent: half; 0: MLA. */
  readonly valueShare?: number;
  /** Operations per pair of tokens (scores and values). */
  readonly flopsPerPair: number;
  /** Query heads. Absent: unknown. */
  readonly heads?: number;
  /** Sliding window, tokens; null: whole context. */
  readonly window: number | null;
  /** Kernels, relative to a grouped-attention layer. Absent: 1. */
  readonly launches?: number;
  /** State values renewed per token. Absent: none, or unknown. */
  readonly stateValues?: number;
  /** Absent: no latent. */
  readonly unpacked?: UnpackedLatent;
}

/** Latent attention, unpacked in every pass. */
export interface UnpackedLatent {
  /** As {@link AttentionSpec.flopsPerPair}. */
  readonly flopsPerPair: number;
  /** Operations to unpack a token of context. */
  readonly flopsPerToken: number;
  /** Bytes moved per unpacked token of context until attended to. */
  readonly bytesPerToken: number;
}

/** Dense work between two routing decisions. */
export interface DenseSegment {
  /** Read once per pass; the last segment has norm and head. */
  readonly weightBytes: number;
  /** Operations per token through weights, without attention. */
  readonly flopsPerToken: number;
  /** Operations per sequence: the head. Absent: 0. */
  readonly flopsPerSequence?: number;
  /** By decoder layer. */
  readonly attention: readonly AttentionSpec[];
  /** Most weights first. Absent: unknown. */
  readonly formats?: readonly FormatShare[];
}

/** Everything except routed experts. */
export interface DenseSpec {
  /** Segment l runs before MoE layer l routes; a last one has norm and head. */
  readonly segments: readonly DenseSegment[];
  /** All dense weights, with the embedding table. */
  readonly weightBytes: number;
  /** KV-cache bytes per token over all layers, without windows. */
  readonly kvBytesPerToken: number;
}

/** Facts of a whole model. */
export interface ModelFacts {
  readonly name: string;
  /** E.g. `q4_k_m`; from files `gguf` or `safetensors`. */
  readonly quantization: string;
  /** Width of the residual stream; 0: unknown. */
  readonly hidden: number;
  /** True: each expert is a whole model. */
  readonly wholeModels?: true;
  /** Multi-token prediction (MTP) layers; absent: unknown. */
  readonly nextLayers?: number;
  /** Of a GGUF file, or `model_type`; absent: unknown. */
  readonly architecture?: string;
  /** Tensors and context memory, as in files; absent: unknown. */
  readonly anatomy?: Anatomy;
  /** Trained context length, tokens; absent: unknown. */
  readonly trainedContext?: number;
  /** Reader's note; absent: none. */
  readonly note?: string;
  /** What of the shape is assumed, a sentence. Absent: nothing. */
  readonly assumed?: string;
}

/** A model for the simulator, at a quantization. */
export interface ModelSpec extends ModelFacts {
  readonly layers: readonly MoeLayer[];
  readonly dense: DenseSpec;
  /** Routed experts over all layers. */
  readonly experts: number;
  /** True: shared experts, priced as dense work. */
  readonly sharedExperts?: true;
  /** Parameters, head included (arXiv 2508.10925, Table 1). */
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

/** Token cycle (L15): expert bytes of a token. */
export const tokenCycleBytes = (model: ModelSpec): number => model.layers.reduce((sum, layer) => sum + layer.topK * layer.expertBytes, 0);

/** Bytes by dense id, `Float64Array(model.experts)`. */
export function expertSizes(model: ModelSpec): Float64Array {
  const sizes = new Float64Array(model.experts);
  for (const layer of model.layers) sizes.fill(layer.expertBytes, layer.offset, layer.offset + layer.experts);
  return sizes;
}

/** One entry per format, most weights first. */
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

/** A layer with another expert size; formats keep proportions. */
export function withExpertBytes(layer: MoeLayer, expertBytes: number): MoeLayer {
  const { formats } = layer;
  if (formats === undefined) return { ...layer, expertBytes };
  return { ...layer, expertBytes, formats: scaleFormats(formats, 1, expertBytes / layer.expertBytes) };
}
