// i-quants and ternary types: codebooks of vectors of weights (iq1, iq2, iq3), non-linear tables (iq4) and three values (tq). Few bits cost
// look-ups. Block layouts: ggml-common.h of llama.cpp; those of iq1 that are interleaved: of ik_llama.cpp.
import { format, type KernelFormat, withInterleaved } from './format.js';

const codebook = (name: string, bytes: number, ggml: number): KernelFormat => format('i', name, 256, bytes, { fallback: 'iq4_nl', ggml });

/** Formats of this family. */
export const I_QUANTS: readonly KernelFormat[] = withInterleaved(
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
