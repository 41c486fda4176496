// k-quants: super-blocks of 256 weights whose scales are quantized themselves. Block layouts: ggml-common.h of llama.cpp; rows that are
// no multiple of 256 take the types that llama-quantize falls back to.
import { format, interleaved, type KernelFormat } from './format.js';

const q2_k = format('k', 'q2_k', 256, 84, { fallback: 'iq4_nl', ggml: 10 });
const q3_k = format('k', 'q3_k', 256, 110, { fallback: 'iq4_nl', ggml: 11 });
const q4_k = format('k', 'q4_k', 256, 144, { fallback: 'q5_0', ggml: 12 });
const q5_k = format('k', 'q5_k', 256, 176, { fallback: 'q5_1', ggml: 13 });
const q6_k = format('k', 'q6_k', 256, 210, { fallback: 'q8_0', ggml: 14 });
const q8_k = format('k', 'q8_k', 256, 292, { fallback: 'q8_0', ggml: 15 }); // f32 scale, sums of 16: activations

/** Formats of this family. */
export const K_QUANTS: readonly KernelFormat[] = [
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
  q8_k,
  interleaved(q2_k, 4, 210),
  interleaved(q3_k, 4, 211),
  interleaved(q4_k, 4, 212),
  interleaved(q5_k, 4, 213),
  interleaved(q6_k, 4, 214),
  // Repacked, 8-bit blocks have an f16 scale alone.
  format('k', 'q8_k_r8', 256, 258, { rows: 8, plain: 'q8_k', fallback: 'q8_0', ggml: 399 }),
  format('k', 'q8_k_r16', 256, 258, { rows: 16, plain: 'q8_k', fallback: 'q8_0', ggml: 397 }),
];
