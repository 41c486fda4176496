/** A tensor of a model file. */
export interface Tensor {
  /** GGUF name: `blk.3.ffn_up_exps.weight`. */
  readonly name: string;
  /** Decoder layer, 0-based; null outside the layers. */
  readonly layer: number | null;
  /** Kernel format of most of the tensor. */
  readonly format: string;
  /** Bytes as stored; fractional in a moved quantization. */
  readonly bytes: number;
}

/** Context memory of a decoder layer: keys and values by head, a latent, or a fixed-size state. */
export type ContextMemory =
  | {
      readonly kind: 'heads';
      readonly heads: number;
      readonly kvHeads: number;
      /** Width of a key, width of a value. */
      readonly keyDim: number;
      readonly valueDim: number;
      /** Sliding window in tokens; null: the whole context. */
      readonly window: number | null;
    }
  | {
      readonly kind: 'latent';
      readonly heads: number;
      /** Rank of the query compression; 0: not compressed. */
      readonly queryRank: number;
      /** Widths: latent, rotary and non-rotary part of a key, value. */
      readonly latent: number;
      readonly rope: number;
      readonly nope: number;
      readonly value: number;
    }
  | {
      readonly kind: 'state';
      /** Bytes per sequence; null: unknown. */
      readonly bytes: number | null;
    }
  | { readonly kind: 'none' };

/** A model tensor by tensor under GGUF names, with context memory by layer. */
export interface Anatomy {
  readonly vocab: number;
  readonly layers: readonly ContextMemory[];
  /**
   * MTP layers after the last decoder layer. Engines count them in splits; ik_llama.cpp caches their keys and values.
   */
  readonly nextLayers: number;
  readonly expertWidth: number;
  /** FFN widths: dense layers; all shared experts of a layer. 0: no such FFN. */
  readonly denseWidth: number;
  readonly sharedWidth: number;
  /** Tensors layer by layer, tensors outside the layers last. */
  readonly tensors: readonly Tensor[];
}
