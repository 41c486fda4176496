import type { FormatFamily, FormatName } from './rows.js';

/** Format families in words. */
export const FORMAT_FAMILIES: Readonly<Record<FormatFamily, string>> = {
  legacy: 'one scale per block',
  k: 'k-quant',
  i: 'i-quant or ternary',
  ik: 'of ik_llama.cpp',
  fp: 'float',
  int: 'integers in groups',
};

/** Kernel format: the storage of a tensor's weights, which decides the price. Quantizations mix formats. */
export interface KernelFormat {
  /** ggml name in lower case: `q4_k`. */
  readonly name: FormatName;
  readonly family: FormatFamily;
  readonly weights: number;
  /** Bytes per block, scales included. */
  readonly bytes: number;
  /** Bytes per row beyond the blocks (a row scale). */
  readonly rowBytes: number;
  /** Bits per weight: block bytes x 8 / block weights, without {@link rowBytes}. */
  readonly bits: number;
  /** Rows interleaved for the CPU (`_r4`, `_r8`); 1: none. */
  readonly rows: number;
  readonly plain: FormatName;
  /** Fallback for rows that are no multiple of the block; null: not needed. */
  readonly fallback: FormatName | null;
  /** Type number in GGUF files; null: not in GGUF. */
  readonly ggml: number | null;
}
