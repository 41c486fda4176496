/** An allocated buffer, as printed by a runtime. */
export interface TimingBuffer {
  /** Device as printed: `CUDA0`, `CPU`, `CUDA_Host`. */
  readonly device: string;
  /** `model`, `KV`, `compute`, `output` ... */
  readonly kind: string;
  readonly bytes: number;
}

/** True if a buffer lies in host memory: `CPU`, `CPU_Mapped`, `CUDA_Host`, `BLAS`. */
export const inHostMemory = ({ device }: TimingBuffer): boolean => /^(CPU|.*_Host|.*Mapped|BLAS)/i.test(device);

/** Uses of an expert cache: distinct experts of a layer in a pass. */
export interface CacheUses {
  readonly hits: number;
  /** Those that the CPU computed included. */
  readonly misses: number;
  readonly onCpu: number;
  readonly uploadedBytes: number;
}

/** Caches of all GPUs, and the experts in host memory behind. */
export interface CacheSize {
  readonly bytes: number;
  readonly hostBytes: number;
  readonly layers: number;
  readonly slots: number;
}

/** An expert cache over the life of a context. */
export interface PrintedCache {
  readonly size?: CacheSize;
  /** Generated tokens, as printed behind requests. */
  readonly tokens?: number;
  /** Passes of up to 8 tokens. */
  readonly small?: CacheUses;
  /** Passes of 9 to 32 tokens. */
  readonly large?: CacheUses;
  /** Bytes that passes of more tokens took from the cache. */
  readonly copiedBytes?: number;
}

/** Settings of a run, command line included. */
export interface TimingSettings {
  readonly model?: string;
  /** Storage format, as printed: `Q4_K - Medium`, `mxfp4`. */
  readonly quantization?: string;
  readonly modelBytes?: number;
  readonly parameters?: number;
  /** Cards, as printed; empty: none. */
  readonly devices?: readonly string[];
  /** Memory of each of `devices`; 0: not printed. */
  readonly deviceBytes?: readonly number[];
  readonly cpu?: string;
  /** Parts that a person named, as for -w. */
  readonly machine?: readonly string[];
  /** CUDA, ROCm, Vulkan ..., as printed. */
  readonly backend?: string;
  /** Number of the only card in use; absent: all are. */
  readonly mainGpu?: number;
  readonly threads?: number;
  readonly ubatch?: number;
  readonly context?: number;
  /** `-ngl`: last layers on the GPU. */
  readonly gpuLayers?: number;
  /** `--n-cpu-moe`: first layers with experts in host memory. */
  readonly cpuMoe?: number;
  /** `--cpu-moe`, or `-ot exps=CPU` alone. */
  readonly allCpuMoe?: boolean;
  /** `-ot`, an entry per rule. */
  readonly overrides?: readonly string[];
  /** `none`, `layer` or `row`. */
  readonly split?: string;
  readonly kv?: string;
  readonly flashAttention?: boolean;
  readonly mmap?: boolean;
  /** True: the GPU never computes prompts from host weights (`--no-op-offload`). */
  readonly noOpOffload?: boolean;
  /** `GGML_OP_OFFLOAD_MIN_BATCH`: least tokens of a pass whose host weights the GPU computes. */
  readonly offloadFrom?: number;
  /** Not predicted, though they change the speed: flags with values, words of a sentence. */
  readonly uncounted?: readonly string[];
  readonly numa?: string;
  readonly users?: number;
  readonly buffers?: readonly TimingBuffer[];
  readonly layers?: number;
  readonly command?: string;
}

/** A run, as printed. */
export interface PrintedTiming extends TimingSettings {
  /** `file:line`. */
  readonly place: string;
  /** Tokens/s over all sequences. */
  readonly decode?: number;
  readonly prefill?: number;
  readonly promptTokens?: number;
  readonly generatedTokens?: number;
  /** Tokens of preceding context. */
  readonly depth?: number;
  readonly expertCache?: PrintedCache;
  /** Printed standard deviation over mean of the speeds. */
  readonly spread?: number;
}

/** Unprinted fields are absent. */
export interface Timing extends PrintedTiming {
  readonly engine: string;
}

/** A program's format of timings. */
export interface TimingFormat {
  /** True: tried last, as the lines also occur in logs of different formats. */
  readonly isCommon?: boolean;
  /** True if a text contains the format. */
  recognizes(text: string): boolean;
  /** Runs in text order. @param path for messages @throws UserError `file:line: what is wrong` */
  read(text: string, path: string): PrintedTiming[];
}
