/** What one program on ggml allocates otherwise than another; `profiles/flags.yaml` describes each rule, and the builds that it holds for. */
export const RULES = [
  ...(['fuses', 'latentVariants', 'gatesApart', 'halfMasks', 'takesEmbeddings', 'keepsLatentValues', 'keepsWindows', 'streams'] as const),
  ...(['fewOutputs', 'graphOf2026', 'cachesNextLayers', 'headFirst', 'offloadsByExpert', 'fetchesRepacked'] as const),
] as const;

/** The rules of a build: true for those that hold. */
export type AllocationRules = Readonly<Record<(typeof RULES)[number], boolean>>;

/** A device: `cpu` (host memory, pinned or not), or a GPU by its number: `gpu0`. */
export type DeviceName = 'cpu' | `gpu${number}`;

/** Tensors that do not lie with their layer (`-ot`): the first pattern that is found in a name decides. */
export interface TensorOverride {
  /** Regular expression, as `-ot` has it before `=`. */
  readonly pattern: string;
  readonly device: DeviceName;
}

/** How a model is loaded: placement, context and batch sizes from the command line of llama.cpp or ik_llama.cpp. */
export interface LoadPlan {
  readonly rules: AllocationRules;
  /** GPUs in use; 0: only the CPU. */
  readonly gpus: number;
  /** Parts of the layers that the GPUs get (`-ts`), in any unit; absent: equal ones. */
  readonly tensorSplit?: readonly number[];
  /** Blocks of the file on GPUs, counted from the last (`-ngl`), the output as one more after or before them (the rule headFirst). */
  readonly gpuLayers: number;
  /** `-ot`, in order. */
  readonly overrides?: readonly TensorOverride[];
  /** Layers from the first whose routed experts stay in host memory (`--n-cpu-moe`). Overrides come before. */
  readonly cpuMoeLayers?: number;
  /** Tokens of context over all sequences (`-c`), and sequences at once (`-np`). */
  readonly context: number;
  readonly parallel: number;
  /** All sequences share one cache (`-kvu`, and a server that chooses its slots itself); absent: the rules have no streams. */
  readonly unified?: boolean;
  /** Tokens of a pass whose logits are wanted; absent: all. */
  readonly outputs?: number;
  /** Most tokens of a call (`-b`), and of a forward pass (`-ub`). */
  readonly batch: number;
  readonly ubatch: number;
  /** Types of the cache (`-ctk`, `-ctv`): names of kernel formats. */
  readonly kv: { readonly k: string; readonly v: string };
  readonly flashAttention: boolean;
  /** Variant of latent attention (`-mla`), if the rules have variants. */
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
