// All kernel formats, a table for each family, by name and by their number in GGUF files. Another format is one line here.
import { format, type KernelFormat, withInterleaved } from './format.js';

/**
 * Blocks of 32 weights with one f16 scale (and minimum): ggml's first types. Block layouts: ggml-common.h of llama.cpp, q6_0 and q8_kv
 * of ik_llama.cpp.
 */
const LEGACY: readonly KernelFormat[] = [
  ...withInterleaved(
    [
      format('legacy', 'q4_0', 32, 18, { fallback: 'f16', ggml: 2 }), // f16 scale, 32 x 4 bits
      format('legacy', 'q4_1', 32, 20, { fallback: 'f16', ggml: 3 }), // the same with an f16 minimum
      format('legacy', 'q5_0', 32, 22, { fallback: 'f16', ggml: 6 }),
      format('legacy', 'q5_1', 32, 24, { fallback: 'f16', ggml: 7 }),
      format('legacy', 'q6_0', 32, 26, { fallback: 'f16', ggml: 133 }),
      format('legacy', 'q8_0', 32, 34, { fallback: 'f16', ggml: 8 }),
      format('legacy', 'q8_1', 32, 36, { fallback: 'f16', ggml: 9 }),
      format('legacy', 'q8_kv', 32, 32, { rowBytes: 8, fallback: 'f16', ggml: 151 }), // 8 bits, scale and sum per row
      format('legacy', 'q1_0', 128, 18, { fallback: 'f16', ggml: 41 }), // f16 scale, 128 signs
    ],
    { q4_0: [8, 202], q5_0: [4, 206], q6_0: [4, 233], q8_0: [8, 208] },
  ),
  format('legacy', 'q8_kv_r8', 32, 32, { rowBytes: 4, rows: 8, plain: 'q8_kv', fallback: 'f16', ggml: 398 }),
];

/**
 * k-quants: super-blocks of 256 weights whose scales are quantized themselves. Block layouts: ggml-common.h of llama.cpp; rows that are
 * no multiple of 256 take the types that llama-quantize falls back to.
 */
const K_QUANTS: readonly KernelFormat[] = [
  ...withInterleaved(
    [
      format('k', 'q2_k', 256, 84, { fallback: 'iq4_nl', ggml: 10 }),
      format('k', 'q3_k', 256, 110, { fallback: 'iq4_nl', ggml: 11 }),
      format('k', 'q4_k', 256, 144, { fallback: 'q5_0', ggml: 12 }),
      format('k', 'q5_k', 256, 176, { fallback: 'q5_1', ggml: 13 }),
      format('k', 'q6_k', 256, 210, { fallback: 'q8_0', ggml: 14 }),
      format('k', 'q8_k', 256, 292, { fallback: 'q8_0', ggml: 15 }), // f32 scale, sums of 16: activations
    ],
    { q2_k: [4, 210], q3_k: [4, 211], q4_k: [4, 212], q5_k: [4, 213], q6_k: [4, 214] },
  ),
  // Repacked, 8-bit blocks have an f16 scale alone.
  format('k', 'q8_k_r8', 256, 258, { rows: 8, plain: 'q8_k', fallback: 'q8_0', ggml: 399 }),
  format('k', 'q8_k_r16', 256, 258, { rows: 16, plain: 'q8_k', fallback: 'q8_0', ggml: 397 }),
];

const codebook = (name: string, bytes: number, ggml: number): KernelFormat => format('i', name, 256, bytes, { fallback: 'iq4_nl', ggml });

/**
 * i-quants and ternary types: codebooks of vectors of weights (iq1, iq2, iq3), non-linear tables (iq4) and three values (tq). Few bits
 * cost look-ups. Block layouts: ggml-common.h of llama.cpp; those of iq1 that are interleaved: of ik_llama.cpp.
 */
const I_QUANTS: readonly KernelFormat[] = withInterleaved(
  [
    codebook('iq1_s', 50, 19),
    codebook('iq1_m', 56, 29),
    codebook('iq2_xxs', 66, 16),
    codebook('iq2_xs', 74, 17),
    codebook('iq2_s', 82, 22),
    codebook('iq3_xxs', 98, 18),
    codebook('iq3_s', 110, 21),
    format('i', 'iq4_nl', 32, 18, { fallback: 'f16', ggml: 20 }),
    codebook('iq4_xs', 136, 23),
    format('i', 'tq1_0', 256, 54, { fallback: 'q4_0', ggml: 34 }),
    format('i', 'tq2_0', 256, 66, { fallback: 'q4_0', ggml: 35 }),
    // 24 and 28 bytes for four rows of 32 weights, and an f16 scale per row.
    format('i', 'iq1_s_r4', 32, 6, { rowBytes: 2, rows: 4, plain: 'iq1_s', fallback: 'f16', ggml: 219 }),
    format('i', 'iq1_m_r4', 32, 7, { rowBytes: 2, rows: 4, plain: 'iq1_m', fallback: 'f16', ggml: 229 }),
  ],
  { iq2_xxs: [4, 216], iq2_xs: [4, 217], iq2_s: [4, 222], iq3_xxs: [4, 218], iq3_s: [4, 221], iq4_nl: [4, 220], iq4_xs: [8, 223] },
);

const ik = (name: string, bytes: number, ggml: number, fallback: string, rowBytes = 0): KernelFormat =>
  format('ik', name, 256, bytes, { rowBytes, fallback, ggml });

/**
 * Formats of ik_llama.cpp: non-linear _k, _ks with a scale per row, trellis _kt, and ternary _bn. Block layouts and bytes per row: its
 * ggml-common.h and the type table of its ggml.c; fallbacks: its llama-quantize.cpp.
 */
const IK_QUANTS: readonly KernelFormat[] = withInterleaved(
  [
    ik('iq2_k', 76, 137, 'iq4_nl'),
    ik('iq3_k', 110, 138, 'iq4_nl'),
    ik('iq4_k', 144, 139, 'q5_0'),
    ik('iq5_k', 176, 140, 'q6_0'),
    ik('iq6_k', 212, 141, 'q8_0'),
    ik('iq2_ks', 70, 145, 'iq4_nl', 2),
    ik('iq2_kl', 86, 157, 'iq4_nl', 2),
    ik('iq3_ks', 102, 156, 'iq4_nl', 2),
    ik('iq4_ks', 136, 144, 'iq4_nl', 4),
    ik('iq4_kss', 128, 146, 'iq4_nl', 4),
    ik('iq5_ks', 168, 152, 'q5_0', 4),
    ik('iq1_kt', 56, 158, 'iq4_nl', 4),
    ik('iq2_kt', 68, 153, 'iq4_nl', 4),
    ik('iq3_kt', 100, 154, 'iq4_nl', 4),
    ik('iq4_kt', 128, 155, 'iq4_nl', 4),
    format('ik', 'iq1_bn', 64, 13, { rowBytes: 2, fallback: 'f16', ggml: 134 }),
    format('ik', 'iq2_bn', 64, 16, { rowBytes: 4, fallback: 'f16', ggml: 135 }),
  ],
  { iq2_k: [4, 337], iq3_k: [4, 338], iq4_k: [4, 339], iq5_k: [4, 340], iq4_ks: [4, 344], iq5_ks: [4, 352], iq2_bn: [4, 335] },
);

/**
 * Floats: 32 and 16 bits, 8 bits by block, 4 bits with an exponent or scale per block. mxfp4 and nvfp4 as ggml-common.h of llama.cpp
 * lays them out, which is what the OCP MX and NVIDIA formats have, too; fp8 as the DeepSeek-V3 checkpoint stores it.
 */
const FLOATS: readonly KernelFormat[] = withInterleaved(
  [
    format('fp', 'f32', 1, 4, { ggml: 0 }),
    format('fp', 'f64', 1, 8, { ggml: 28 }),
    format('fp', 'f16', 1, 2, { ggml: 1 }),
    format('fp', 'bf16', 1, 2, { ggml: 30 }),
    format('fp', 'fp8', 128 * 128, 128 * 128 + 4), // an f32 scale per 128 x 128 weights; rows of any length
    format('fp', 'mxfp4', 32, 17, { fallback: 'f16', ggml: 39 }), // 8-bit exponent, 32 x 4 bits
    format('fp', 'nvfp4', 64, 36, { fallback: 'f16', ggml: 40 }), // an 8-bit scale per 16 weights
  ],
  { mxfp4: [8, 353], bf16: [16, 230] },
);

/**
 * Integers in groups, as Python engines and MLX store them. Scales and zero points vary with the group, so that bits of a model are
 * told by its quantization; those here are of the usual group. Plain integer tensors of GGUF files stand here, too.
 */
const INTEGERS: readonly KernelFormat[] = [
  format('int', 'int4', 128, 66.5), // GPTQ, AWQ: groups of 128, f16 scale, packed 4-bit zero point
  format('int', 'int3', 128, 50.375), // the same of 3 and 2 bits, with zero points as wide
  format('int', 'int2', 128, 34.25),
  format('int', 'int8', 1, 1), // a scale per row, which its quantization adds
  // bitsandbytes NF4, doubly quantized: blocks of 64 with an 8-bit scale, and an f32 scale per 256 of these (QLoRA, arXiv 2305.14314).
  format('int', 'nf4', 64 * 256, 64 * 128 + 256 + 4),
  format('int', 'mlx3', 64, 28), // MLX affine: groups of 64, f16 scale and bias
  format('int', 'mlx4', 64, 36),
  format('int', 'mlx5', 64, 44),
  format('int', 'mlx6', 64, 52),
  format('int', 'mlx8', 64, 68),
  format('int', 'hqq2', 100, 39), // HQQ with the meta-data of Mixtral-offloading: 3.12, 3.85 and 4.29 bits, see checkpoints.ts
  format('int', 'hqq3', 800, 385),
  format('int', 'hqq4', 800, 429),
  format('int', 'i8', 1, 1, { ggml: 24 }),
  format('int', 'i16', 1, 2, { ggml: 25 }),
  format('int', 'i32', 1, 4, { ggml: 26 }),
  format('int', 'i64', 1, 8, { ggml: 27 }),
];

/** Every format that weights of a model can be stored in. */
export const KERNEL_FORMATS: readonly KernelFormat[] = [...LEGACY, ...K_QUANTS, ...I_QUANTS, ...IK_QUANTS, ...FLOATS, ...INTEGERS];

const byName = new Map(KERNEL_FORMATS.map((format) => [format.name, format]));
const byNumber = new Map(KERNEL_FORMATS.flatMap((format) => (format.ggml === null ? [] : [[format.ggml, format] as const])));

/** A format by its name; undefined for one that is none, e.g. `type 400` of a GGUF file. */
export function kernelFormat(name: string): KernelFormat | undefined {
  return byName.get(name);
}

/** A format by the number of its type in GGUF files; undefined for unknown numbers. */
export function ggmlFormat(type: number): KernelFormat | undefined {
  return byNumber.get(type);
}

/** A format and the bits per weight that it takes in some tensor. */
export interface StoredFormat {
  readonly format: string;
  readonly bits: number;
}

/** The format that a tensor with rows of `columns` weights gets in place of the wanted one: fallbacks and scales per row applied. */
export function storedIn(name: string, columns: number): StoredFormat {
  const { weights, bits, rowBytes, fallback, family } = byName.get(name)!;
  if (columns % weights !== 0 && fallback !== null) return storedIn(fallback, columns);
  return { format: name, bits: rowBytes === 0 || family === 'int' ? bits : bits + (rowBytes * 8) / columns };
}
