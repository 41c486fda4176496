/** A tensor of a model's file. */
export interface Tensor {
  /** As GGUF files call it: `blk.3.ffn_up_exps.weight`. */
  readonly name: string;
  /** Decoder layer, 0-based; null outside the layers. */
  readonly layer: number | null;
  /** Name of the kernel format that most of it is stored in. */
  readonly format: string;
  /** Bytes as stored; need not be whole if the size of a file was met by moving formats. */
  readonly bytes: number;
}

/** Memory of a decoder layer for the tokens before: keys and values by head, a latent, or a state of fixed size. */
export type ContextMemory =
  | {
      readonly kind: 'heads';
      /** Query heads, and heads of keys and values. */
      readonly heads: number;
      readonly kvHeads: number;
      /** Width of a key and of a value. */
      readonly keyDim: number;
      readonly valueDim: number;
      /** Sliding window in tokens; null: the whole context. */
      readonly window: number | null;
    }
  | {
      readonly kind: 'latent';
      readonly heads: number;
      /** Rank of the query compression; 0: queries are projected directly. */
      readonly queryRank: number;
      /** Widths: the latent, the part with rotary embedding, the part of a key without, a value. */
      readonly latent: number;
      readonly rope: number;
      readonly nope: number;
      readonly value: number;
    }
  | {
      readonly kind: 'state';
      /** Bytes of one sequence; null: unknown. */
      readonly bytes: number | null;
    }
  /** A layer without a mixer. */
  | { readonly kind: 'none' };

/** A model tensor by tensor, under the names of GGUF files, and what each layer keeps of a context. Memory per device needs this. */
export interface Anatomy {
  readonly vocab: number;
  readonly layers: readonly ContextMemory[];
  /** Layers after these that predict further tokens: files have them, engines count them in splits, and ik_llama.cpp gives them a KV cache. */
  readonly nextLayers: number;
  readonly expertWidth: number;
  /** Widths of the FFN of dense layers and of all shared experts of a layer; 0: there are none. */
  readonly denseWidth: number;
  readonly sharedWidth: number;
  /** Every tensor, layer by layer; those outside the layers come last. */
  readonly tensors: readonly Tensor[];
}
