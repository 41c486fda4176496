/** Allocation rules that differ between ggml programs; `profiles/flags.yaml` describes each, with builds. */
export const RULES = [
  ...(['fuses', 'latentVariants', 'gatesApart', 'halfMasks', 'takesEmbeddings', 'keepsLatentValues', 'keepsWindows', 'streams'] as const),
  ...(['fewOutputs', 'graphOf2026', 'cachesNextLayers', 'headFirst', 'offloadsByExpert', 'fetchesRepacked'] as const),
] as const;

/** Rules of a build; true: the rule holds. */
export type AllocationRules = Readonly<Record<(typeof RULES)[number], boolean>>;

/** A device: `cpu` (host memory, pinned or not), or a GPU by number: `gpu0`. */
export type DeviceName = 'cpu' | `gpu${number}`;

/** Tensor placement apart from the layer (`-ot`): the first matching pattern decides. */
export interface TensorOverride {
  /** Regular expression before `=` in `-ot`. */
  readonly pattern: string;
  readonly device: DeviceName;
}

/** Placement, context and batch sizes of a model load in llama.cpp or ik_llama.cpp. */
export interface LoadPlan {
  readonly rules: AllocationRules;
  /** GPUs in use; 0: CPU only. */
  readonly gpus: number;
  /** Shares of layers per GPU (`-ts`), in any unit; absent: equal. */
  readonly tensorSplit?: readonly number[];
  /** Last blocks of the file on GPUs (`-ngl`), output included. */
  readonly gpuLayers: number;
  /** `-ot`, in order. */
  readonly overrides?: readonly TensorOverride[];
  /** First layers with routed experts in host memory (`--n-cpu-moe`). Overrides take precedence. */
  readonly cpuMoeLayers?: number;
  /** Tokens of context over all sequences (`-c`); sequences at once (`-np`). */
  readonly context: number;
  readonly parallel: number;
  /** True: all sequences share a cache (`-kvu`, or automatic server slots). Only for rules with streams. */
  readonly unified?: boolean;
  /** Tokens of a pass with logits; absent: all. */
  readonly outputs?: number;
  /** Most tokens of a call (`-b`), and of a forward pass (`-ub`). */
  readonly batch: number;
  readonly ubatch: number;
  /** Cache types (`-ctk`, `-ctv`): kernel formats. */
  readonly kv: { readonly k: string; readonly v: string };
  readonly flashAttention: boolean;
  /** Variant of latent attention (`-mla`), if the rules have variants. */
  readonly mla: 0 | 1 | 2 | 3;
  /** Limit of attention intermediates, bytes (`-amb`, in MiB); absent: none. ik_llama.cpp. */
  readonly attnMaxBatch?: number;
  /** Fused up and gate projection (`-fmoe`). ik_llama.cpp. */
  readonly fusedMoe?: boolean;
  /** Host tensors are repacked to interleaved rows (`_r4`) on loading (`-rtr`). ik_llama.cpp. */
  readonly repack?: boolean;
  /** Keys and values stay in host memory (`-nkvo`). */
  readonly kvOnCpu?: boolean;
  /** Pipeline copies of tensors between GPUs; absent: 1. */
  readonly pipelineCopies?: number;
}
