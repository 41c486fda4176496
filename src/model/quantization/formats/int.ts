// Integers in groups, as Python engines and MLX store them. Scales and zero points vary with the group, so that bits of a model are told by
// its quantization; those here are of the usual group. Plain integer tensors of GGUF files stand here, too.
import { format, type KernelFormat } from './format.js';

/** Formats of this family. */
export const INTEGERS: readonly KernelFormat[] = [
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
