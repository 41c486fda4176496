/** Memory that a runtime allocated, as it printed it. */
export interface TimingBuffer {
  /** Device as printed: `CUDA0`, `CPU`, `CUDA_Host`. */
  readonly device: string;
  /** `model`, `KV`, `compute`, `output` ... */
  readonly kind: string;
  readonly bytes: number;
}

/** True if a buffer lies in host memory: `CPU`, `CPU_Mapped`, `CUDA_Host`, `BLAS`. */
export const inHostMemory = ({ device }: TimingBuffer): boolean => /^(CPU|.*_Host|.*Mapped|BLAS)/i.test(device);

/** Settings of a run; those of a command line that stands in the same text are among them. */
export interface TimingSettings {
  /** File or name of the model, as printed. */
  readonly model?: string;
  /** The runtime's name for its storage: `Q4_K - Medium`, `mxfp4`. */
  readonly quantization?: string;
  readonly modelBytes?: number;
  readonly parameters?: number;
  readonly devices?: readonly string[];
  readonly cpu?: string;
  readonly threads?: number;
  readonly ubatch?: number;
  readonly context?: number;
  /** `-ngl`: layers on the GPU, from the last on. */
  readonly gpuLayers?: number;
  /** `--n-cpu-moe`: layers whose experts lie in host memory, from the first on. */
  readonly cpuMoe?: number;
  /** `--cpu-moe`, and `-ot exps=CPU` alone. */
  readonly allCpuMoe?: boolean;
  /** `-ot`, one rule an entry. */
  readonly overrides?: readonly string[];
  /** `none`, `layer` or `row`. */
  readonly split?: string;
  readonly kv?: string;
  readonly flashAttention?: boolean;
  readonly mmap?: boolean;
  /** True: prompts are never computed on the GPU from weights in host memory (`--no-op-offload`). */
  readonly noOpOffload?: boolean;
  readonly numa?: string;
  readonly users?: number;
  readonly buffers?: readonly TimingBuffer[];
  readonly layers?: number;
  /** The command line, as it stands in the text. */
  readonly command?: string;
}

/** One run, as it is printed. */
export interface PrintedTiming extends TimingSettings {
  /** `file:line`. */
  readonly place: string;
  /** Tokens a second, of all sequences together. */
  readonly decode?: number;
  readonly prefill?: number;
  readonly promptTokens?: number;
  readonly generatedTokens?: number;
  /** Tokens in the context before. */
  readonly depth?: number;
  /** Spread of the speeds, as printed: standard deviation over mean. */
  readonly spread?: number;
}

/** A timing: the speeds and settings that a runtime printed of one run, with their place in the log. A field that was not printed is absent. */
export interface Timing extends PrintedTiming {
  /** The program as measurements name it. */
  readonly engine: string;
}

/** How programs print timings. */
export interface TimingFormat {
  /** True: its lines stand in logs of other formats, too, so that it is tried last. */
  readonly isCommon?: boolean;
  /** True if a text contains output that this reader reads. */
  recognizes(text: string): boolean;
  /** Runs in the order of the text. @param path for messages @throws UserError `file:line: what is wrong` if it is damaged */
  read(text: string, path: string): PrintedTiming[];
}
