// Formats of ik_llama.cpp: non-linear _k, _ks with a scale per row, trellis _kt, and ternary _bn. Block layouts and bytes per row: its
// ggml-common.h and the type table of its ggml.c; fallbacks: its llama-quantize.cpp.
import { format, type KernelFormat, withInterleaved } from './format.js';

const ik = (name: string, bytes: number, ggml: number, fallback: string, rowBytes = 0): KernelFormat =>
  format('ik', name, 256, bytes, { rowBytes, fallback, ggml });

/** Formats of this family. */
export const IK_QUANTS: readonly KernelFormat[] = withInterleaved(
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
