// Blocks of 32 weights with one f16 scale (and minimum): ggml's first types. Block layouts: ggml-common.h of llama.cpp, q6_0 and q8_kv of
// ik_llama.cpp.
import { format, type KernelFormat, withInterleaved } from './format.js';

/** Formats of this family. */
export const LEGACY: readonly KernelFormat[] = [
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
