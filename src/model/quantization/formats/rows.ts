// A new kernel format is a row here. `_r4`, `_r8`, `_r16`: rows interleaved for the CPU (ik_llama.cpp).

/**
 * Weights of a block, bytes, format of rows that are no multiple of it (null: any row), number in GGUF files (null:
 * never), bytes of a row beyond the blocks.
 */
type Row = readonly [weights: number, bytes: number, fallback: string | null, ggml: number | null, rowBytes?: number];

/** All formats by family and name. */
export const FORMAT_ROWS = {
  // Blocks of 32 weights with an f16 scale (and minimum): ggml-common.h of llama.cpp; q6_0, q8_kv: ik_llama.cpp.
  legacy: {
    q4_0: [32, 18, 'f16', 2], // f16 scale, 32 x 4 bits
    q4_1: [32, 20, 'f16', 3], // the same with an f16 minimum
    q5_0: [32, 22, 'f16', 6],
    q5_1: [32, 24, 'f16', 7],
    q6_0: [32, 26, 'f16', 133],
    q8_0: [32, 34, 'f16', 8],
    q8_1: [32, 36, 'f16', 9],
    q8_kv: [32, 32, 'f16', 151, 8], // 8 bits, scale and sum per row
    q1_0: [128, 18, 'f16', 41], // f16 scale, 128 signs
    q4_0_r8: [32, 18, 'f16', 202],
    q5_0_r4: [32, 22, 'f16', 206],
    q6_0_r4: [32, 26, 'f16', 233],
    q8_0_r8: [32, 34, 'f16', 208],
    q8_kv_r8: [32, 32, 'f16', 398, 4],
  },
  // k-quants: super-blocks of 256 weights with quantized scales (ggml-common.h of llama.cpp; fallbacks: llama-quantize).
  // Repacked, 8-bit blocks have an f16 scale alone.
  k: {
    q2_k: [256, 84, 'iq4_nl', 10],
    q3_k: [256, 110, 'iq4_nl', 11],
    q4_k: [256, 144, 'q5_0', 12],
    q5_k: [256, 176, 'q5_1', 13],
    q6_k: [256, 210, 'q8_0', 14],
    q8_k: [256, 292, 'q8_0', 15], // f32 scale, sums of 16: activations
    q2_k_r4: [256, 84, 'iq4_nl', 210],
    q3_k_r4: [256, 110, 'iq4_nl', 211],
    q4_k_r4: [256, 144, 'q5_0', 212],
    q5_k_r4: [256, 176, 'q5_1', 213],
    q6_k_r4: [256, 210, 'q8_0', 214],
    q8_k_r8: [256, 258, 'q8_0', 399],
    q8_k_r16: [256, 258, 'q8_0', 397],
  },
  // i-quants and ternary types: codebooks (iq1, iq2, iq3), non-linear tables (iq4), three values (tq): ggml-common.h of
  // llama.cpp; interleaved iq1: ik_llama.cpp.
  i: {
    iq1_s: [256, 50, 'iq4_nl', 19],
    iq1_m: [256, 56, 'iq4_nl', 29],
    iq2_xxs: [256, 66, 'iq4_nl', 16],
    iq2_xs: [256, 74, 'iq4_nl', 17],
    iq2_s: [256, 82, 'iq4_nl', 22],
    iq3_xxs: [256, 98, 'iq4_nl', 18],
    iq3_s: [256, 110, 'iq4_nl', 21],
    iq4_nl: [32, 18, 'f16', 20],
    iq4_xs: [256, 136, 'iq4_nl', 23],
    tq1_0: [256, 54, 'q4_0', 34],
    tq2_0: [256, 66, 'q4_0', 35],
    iq1_s_r4: [32, 6, 'f16', 219, 2], // 24 bytes for four rows of 32 weights, and an f16 scale per row
    iq1_m_r4: [32, 7, 'f16', 229, 2], // 28 bytes for four rows of 32 weights, and an f16 scale per row
    iq2_xxs_r4: [256, 66, 'iq4_nl', 216],
    iq2_xs_r4: [256, 74, 'iq4_nl', 217],
    iq2_s_r4: [256, 82, 'iq4_nl', 222],
    iq3_xxs_r4: [256, 98, 'iq4_nl', 218],
    iq3_s_r4: [256, 110, 'iq4_nl', 221],
    iq4_nl_r4: [32, 18, 'f16', 220],
    iq4_xs_r8: [256, 136, 'iq4_nl', 223],
  },
  // Non-linear _k, _ks with a scale per row, trellis _kt, ternary _bn: ggml-common.h, ggml.c and llama-quantize.cpp of
  // ik_llama.cpp.
  ik: {
    iq2_k: [256, 76, 'iq4_nl', 137],
    iq3_k: [256, 110, 'iq4_nl', 138],
    iq4_k: [256, 144, 'q5_0', 139],
    iq5_k: [256, 176, 'q6_0', 140],
    iq6_k: [256, 212, 'q8_0', 141],
    iq2_ks: [256, 70, 'iq4_nl', 145, 2],
    iq2_kl: [256, 86, 'iq4_nl', 157, 2],
    iq3_ks: [256, 102, 'iq4_nl', 156, 2],
    iq4_ks: [256, 136, 'iq4_nl', 144, 4],
    iq4_kss: [256, 128, 'iq4_nl', 146, 4],
    iq5_ks: [256, 168, 'q5_0', 152, 4],
    iq1_kt: [256, 56, 'iq4_nl', 158, 4],
    iq2_kt: [256, 68, 'iq4_nl', 153, 4],
    iq3_kt: [256, 100, 'iq4_nl', 154, 4],
    iq4_kt: [256, 128, 'iq4_nl', 155, 4],
    iq1_bn: [64, 13, 'f16', 134, 2],
    iq2_bn: [64, 16, 'f16', 135, 4],
    iq2_k_r4: [256, 76, 'iq4_nl', 337],
    iq3_k_r4: [256, 110, 'iq4_nl', 338],
    iq4_k_r4: [256, 144, 'q5_0', 339],
    iq5_k_r4: [256, 176, 'q6_0', 340],
    iq4_ks_r4: [256, 136, 'iq4_nl', 344, 4],
    iq5_ks_r4: [256, 168, 'q5_0', 352, 4],
    iq2_bn_r4: [64, 16, 'f16', 335, 4],
  },
  // Floats. mxfp4 and nvfp4: ggml-common.h of llama.cpp; fp8: the DeepSeek-V3 checkpoint.
  fp: {
    f32: [1, 4, null, 0],
    f64: [1, 8, null, 28],
    f16: [1, 2, null, 1],
    bf16: [1, 2, null, 30],
    fp8: [16384, 16388, null, null], // an f32 scale per 128 x 128 weights; rows of any length
    mxfp4: [32, 17, 'f16', 39], // 8-bit exponent, 32 x 4 bits
    nvfp4: [64, 36, 'f16', 40], // an 8-bit scale per 16 weights
    mxfp4_r8: [32, 17, 'f16', 353],
    bf16_r16: [1, 2, null, 230],
  },
  // Integers in groups, as Python engines and MLX store them, of the usual group; plain integers of GGUF files.
  int: {
    int4: [128, 66.5, null, null], // GPTQ, AWQ: groups of 128, f16 scale, packed 4-bit zero point
    int3: [128, 50.375, null, null], // the same of 3 and 2 bits, with zero points as wide
    int2: [128, 34.25, null, null],
    int8: [1, 1, null, null], // a scale per row, which its quantization adds
    // bitsandbytes NF4, doubly quantized: blocks of 64 with an 8-bit scale, an f32 scale per 256 of these (QLoRA, arXiv
    // 2305.14314)
    nf4: [16384, 8452, null, null],
    mlx3: [64, 28, null, null], // MLX affine: groups of 64, f16 scale and bias
    mlx4: [64, 36, null, null],
    mlx5: [64, 44, null, null],
    mlx6: [64, 52, null, null],
    mlx8: [64, 68, null, null],
    // HQQ with the meta-data of Mixtral-offloading: 3.12, 3.85 and 4.29 bits, see checkpoints.ts
    hqq2: [100, 39, null, null],
    hqq3: [800, 385, null, null],
    hqq4: [800, 429, null, null],
    i8: [1, 1, null, 24],
    i16: [1, 2, null, 25],
    i32: [1, 4, null, 26],
    i64: [1, 8, null, 27],
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Row>>>>;

type Rows = typeof FORMAT_ROWS;

/** Family of kernel formats, by how weights are unpacked. */
export type FormatFamily = keyof Rows;

/** Name of a kernel format: `q4_k`. */
export type FormatName = { [Family in FormatFamily]: keyof Rows[Family] }[FormatFamily];
