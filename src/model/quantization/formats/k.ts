// k-quants: super-blocks of 256 weights whose scales are quantized themselves. Block layouts: ggml-common.h of llama.cpp; rows that are
// no multiple of 256 take the types that llama-quantize falls back to.
import { format, type KernelFormat, withInterleaved } from './format.js';

/** Formats of this family. */
export const K_QUANTS: readonly KernelFormat[] = [
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
