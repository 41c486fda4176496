// Floats: 32 and 16 bits, 8 bits by block, 4 bits with an exponent or scale per block. mxfp4 and nvfp4 as ggml-common.h of llama.cpp lays
// them out, which is what the OCP MX and NVIDIA formats have, too; fp8 as the DeepSeek-V3 checkpoint stores it.
import { format, type KernelFormat, withInterleaved } from './format.js';

/** Formats of this family. */
export const FLOATS: readonly KernelFormat[] = withInterleaved(
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
