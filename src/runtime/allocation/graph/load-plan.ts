/** Allocation rules that differ between ggml programs. */
const RULES = [
  'fuses', // norms, gates and the sum over a token's experts are one operation each
  'latentVariants', // latent attention has the variants of -mla; otherwise it keeps the latent, absorbed
  'gatesApart', // gate and up projections are combined into memory of their own; otherwise instead of one of them
  'halfMasks', // the mask of flash attention is an input in f16; otherwise in f32, from which it is converted
  'takesEmbeddings', // there is an input for embeddings besides the one for tokens
  'keepsLatentValues', // without variants, latent attention keeps the values with the latent, their whole
  'keepsWindows', // a layer with a window keeps that of each sequence and one ubatch; otherwise the whole context
  'streams', // each sequence has a part of the cache and a mask of it, unless it is unified; otherwise all share one
  'fewOutputs', // the server has room for the logits of sampled tokens; otherwise for those of a whole pass
  'graphOf2026', // inputs of joined operations stay until they end; a quantized cache is rotated, f16 for prompts
  'cachesNextLayers', // layers that predict further tokens have a KV cache of their own
  'headFirst', // of the blocks that -ngl counts, the output is the first that a GPU gets; otherwise the last
  'offloadsByExpert', // a GPU takes host experts with enough tokens an expert on average; otherwise in the pass
  'fetchesRepacked', // a GPU takes host tensors repacked on loading (-rtr) in formats of its kernels; otherwise none
] as const;

type Rule = (typeof RULES)[number];

/** Rules of a build; true: the rule holds. */
export type AllocationRules = Readonly<Record<Rule, boolean>>;

/** Rules by the first build, and after the last, of each. @param build absent: the newest */
export function rulesOfBuild(
  rules: Readonly<Partial<Record<Rule, readonly [since: number, until?: number]>>>,
  build = Number.MAX_SAFE_INTEGER,
): AllocationRules {
  const holds = (rule: Rule): boolean => {
    const [since, until = Number.POSITIVE_INFINITY] = rules[rule] ?? [0, 0];
    return build >= since && build < until;
  };
  return Object.fromEntries(RULES.map((rule) => [rule, holds(rule)])) as AllocationRules;
}

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
