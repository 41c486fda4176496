// A kernel format: how the weights of one tensor are stored, which decides their price on CPU and GPU. Quantizations mix formats.

/** Kin of a format by how its kernels unpack: one scale a block of 32; quantized scales; codebooks; ik_llama.cpp's; floats; integer groups. */
export type FormatFamily = 'legacy' | 'k' | 'i' | 'ik' | 'fp' | 'int';

/** Kin of a format, in words. */
export const FORMAT_FAMILIES: Readonly<Record<FormatFamily, string>> = {
  legacy: 'one scale per block',
  k: 'k-quant',
  i: 'i-quant or ternary',
  ik: 'of ik_llama.cpp',
  fp: 'float',
  int: 'integers in groups',
};

/** A storage format of weights. */
export interface KernelFormat {
  /** As ggml prints it, in lower case: `q4_k`. */
  readonly name: string;
  readonly family: FormatFamily;
  /** Weights of a block: rows are a multiple of it. */
  readonly weights: number;
  /** Bytes of a block, scales included. */
  readonly bytes: number;
  /** Bytes that each row has besides its blocks (a scale of its own). */
  readonly rowBytes: number;
  /** Bits per weight: bytes of a block x 8 / weights in it, without {@link rowBytes}. */
  readonly bits: number;
  /** Number of rows that are interleaved for the CPU (`_r4`, `_r8`); 1: none. */
  readonly rows: number;
  /** The same format without interleaving; itself if it has none. */
  readonly plain: string;
  /** Fallback for rows that are no multiple of the block; null: any row will do. */
  readonly fallback: string | null;
  /** Number of the type in GGUF files; null: never in one. */
  readonly ggml: number | null;
}
