// Blocks of 32 weights with one f16 scale (and minimum): ggml's first types. Block layouts: ggml-common.h of llama.cpp, q6_0 and q8_kv of
// ik_llama.cpp.
import { format, interleaved, type KernelFormat } from './format.js';

const q4_0 = format('legacy', 'q4_0', 32, 18, { fallback: 'f16', ggml: 2 }); // f16 scale, 32 x 4 bits
const q5_0 = format('legacy', 'q5_0', 32, 22, { fallback: 'f16', ggml: 6 }); // f16 scale, 32 x 5 bits
const q6_0 = format('legacy', 'q6_0', 32, 26, { fallback: 'f16', ggml: 133 }); // f16 scale, 32 x 6 bits
const q8_0 = format('legacy', 'q8_0', 32, 34, { fallback: 'f16', ggml: 8 }); // f16 scale, 32 x 8 bits
const q8_kv = format('legacy', 'q8_kv', 32, 32, { rowBytes: 8, fallback: 'f16', ggml: 151 }); // 8 bits, scale and sum per row

/** Formats of this family. */
export const LEGACY: readonly KernelFormat[] = [
  q4_0,
  format('legacy', 'q4_1', 32, 20, { fallback: 'f16', ggml: 3 }), // the same with an f16 minimum
  q5_0,
  format('legacy', 'q5_1', 32, 24, { fallback: 'f16', ggml: 7 }),
  q6_0,
  q8_0,
  format('legacy', 'q8_1', 32, 36, { fallback: 'f16', ggml: 9 }),
  q8_kv,
  format('legacy', 'q1_0', 128, 18, { fallback: 'f16', ggml: 41 }), // f16 scale, 128 signs
  interleaved(q4_0, 8, 202),
  interleaved(q5_0, 4, 206),
  interleaved(q6_0, 4, 233),
  interleaved(q8_0, 8, 208),
  { ...interleaved(q8_kv, 8, 398), rowBytes: 4 },
];
