// How a model is loaded: placement, context and batch sizes from the command line of llama.cpp or ik_llama.cpp.

/** What one program on ggml allocates otherwise than another. */
export interface AllocationRules {
  /** Norms, gates and the sum over a token's experts are one operation each. */
  readonly fuses: boolean;
  /** Latent attention has the variants of `-mla`; false: it keeps the latent and its values, absorbed. */
  readonly latentVariants: boolean;
  /** Gate and up projections are combined into memory of their own; false: in the place of one of them. */
  readonly gatesApart: boolean;
  /** The mask of flash attention is an input in f16; false: in f32, from which it is converted. */
  readonly halfMasks: boolean;
  /** There is an input for embeddings beside the one for tokens. */
  readonly takesEmbeddings: boolean;
  /** Without variants, latent attention keeps the values beside the latent, of which they are a part. */
  readonly keepsLatentValues: boolean;
  /** A layer with a window keeps the window of each sequence and one ubatch; false: the whole context. */
  readonly keepsWindows: boolean;
  /** Each sequence has its part of the cache, and a mask of that part, unless the cache is unified; false: all share one. */
  readonly streams: boolean;
  /** Its server asks for the logits of the tokens that it samples from; false: there is room for those of a whole pass. */
  readonly fewOutputs: boolean;
  /**
   * The graph of the second half of 2026: what a GPU reads for operations that it computes as one stays until they are done; where the cache is
   * quantized, its values are rotated, and keys and values are copied to f16 for prompts.
   */
  readonly graphOf2026: boolean;
  /** Layers that predict further tokens have a KV cache beside the others'. */
  readonly cachesNextLayers: boolean;
  /** Of the blocks that `-ngl` counts, the output is the first that a GPU gets; false: the last. */
  readonly headFirst: boolean;
  /** What decides that a GPU computes with experts of host memory: tokens of the pass, or those that an expert serves on average. */
  readonly offloadsBy: 'pass' | 'expert';
  /** A GPU computes with host tensors that were repacked on loading (`-rtr`), where it has kernels for their format; false: with none of them. */
  readonly fetchesRepacked: boolean;
}

/** A device: `cpu` (host memory, pinned or not), or a GPU by its number: `gpu0`. */
export type DeviceName = 'cpu' | `gpu${number}`;

/** Tensors that do not lie with their layer (`-ot`): the first pattern that is found in a name decides. */
export interface TensorOverride {
  /** Regular expression, as `-ot` has it before `=`. */
  readonly pattern: string;
  readonly device: DeviceName;
}

/** How a model is loaded. */
export interface LoadPlan {
  readonly rules: AllocationRules;
  /** GPUs in use; 0: only the CPU. */
  readonly gpus: number;
  /** Parts of the layers that the GPUs get (`-ts`), in any unit; absent: equal ones. */
  readonly tensorSplit?: readonly number[];
  /** Blocks of the file on GPUs, counted from the last (`-ngl`), the output as one more behind or before them ({@link AllocationRules.headFirst}). */
  readonly gpuLayers: number;
  /** `-ot`, in order. */
  readonly overrides?: readonly TensorOverride[];
  /** Layers from the first whose routed experts stay in host memory (`--n-cpu-moe`). Overrides come before. */
  readonly cpuMoeLayers?: number;
  /** Tokens of context over all sequences (`-c`), and sequences at once (`-np`). */
  readonly context: number;
  readonly parallel: number;
  /** All sequences share one cache (`-kvu`, and a server that chooses its slots itself); absent: where the rules have no streams. */
  readonly unified?: boolean;
  /** Tokens of a pass whose logits are wanted; absent: all. */
  readonly outputs?: number;
  /** Most tokens of a call (`-b`), and of a forward pass (`-ub`). */
  readonly batch: number;
  readonly ubatch: number;
  /** Types of the cache (`-ctk`, `-ctv`): names of kernel formats. */
  readonly kv: { readonly k: string; readonly v: string };
  readonly flashAttention: boolean;
  /** Variant of latent attention (`-mla`), where the rules have variants. */
  readonly mla: 0 | 1 | 2 | 3;
  /** Bytes that intermediate results of attention are cut to (`-amb`, there in MiB); absent: not cut. ik_llama.cpp. */
  readonly attnMaxBatch?: number;
  /** Up and gate projection of an expert are one operation (`-fmoe`). ik_llama.cpp. */
  readonly fusedMoe?: boolean;
  /** Host tensors get the form of their format with interleaved rows (`_r4`) when they are loaded (`-rtr`). ik_llama.cpp. */
  readonly repack?: boolean;
  /** Keys and values stay in host memory (`-nkvo`). */
  readonly kvOnCpu?: boolean;
  /** Copies of the tensors that pass between GPUs, for pipelining; absent: 1. */
  readonly pipelineCopies?: number;
}
