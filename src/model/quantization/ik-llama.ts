import { type FileType, fileType, LADDERS } from './file-type.js';
import { kernelFormat } from './formats/index.js';
import type { FormatName } from './formats/rows.js';
import type { Quantization } from './rule.js';

type Ladder = keyof typeof LADDERS;

interface Few extends Record<'value' | 'query' | 'first', FormatName> {
  readonly embedding?: FormatName;
}

/** A file type of a many-expert model; from 5.3 bits on, attention outputs have no rule. */
function ik(base: FormatName, ladder: Ladder, others: Partial<FileType> = {}): Quantization {
  const { bits, plain } = kernelFormat(base)!;
  const types: FileType = {
    base,
    head: bits < 3.5 ? 'q5_k' : bits < 6.5 ? 'q6_k' : plain,
    embedding: plain,
    key: 'q8_0',
    value: 'q8_0',
    ...(bits < 5.3 ? { out: 'q5_k' } : {}),
    ladder: LADDERS[ladder],
    generous: 'q8_0',
    ...others,
  };
  return fileType(base, `ik_llama.cpp ${base.toUpperCase()}: ${round(bits)} bits; 8.5 for keys and values`, types);
}

const all = (bases: readonly FormatName[], ladder: Ladder): Quantization[] => bases.map((base) => ik(base, ladder));

/** A file type of two bits and less: values, shared experts and queries at 4.5 bits, early down projections at more. */
function few(base: FormatName, ladder: Ladder, formats: Few): Quantization {
  const { value, query, first, embedding = kernelFormat(base)!.plain } = formats;
  const down: FileType['down'] = ({ layer, layers }) => (layer < Math.floor(layers / 8) ? first : base);
  return ik(base, ladder, { value, query, key: query, out: 'q5_k', down, embedding });
}

const round = (bits: number): string => String(Math.round(bits * 1e4) / 1e4);

const PLAIN = { value: 'iq4_k', query: 'q4_k' } as const;
const REPACKED = { value: 'iq4_k_r4', query: 'q4_k_r4' } as const;

/**
 * ik_llama.cpp's llama-quantize.cpp, for many experts: keys, values 8.5 bits, attention outputs 5.5, heads 5.5 or
 * 6.5625.
 */
export const IK_LLAMA: readonly Quantization[] = [
  ...all(['iq2_k', 'iq3_k', 'iq4_k', 'iq5_k', 'iq6_k'], 'ik'),
  few('iq2_ks', 'ks', { ...PLAIN, first: 'q2_k' }),
  ...all(['iq2_kl', 'iq3_ks', 'iq4_ks', 'iq5_ks'], 'ks'),
  ik('iq4_kss', 'kss'),
  ik('iq1_kt', 'kt'),
  few('iq2_kt', 'kt', { ...PLAIN, first: 'iq3_k' }),
  ...all(['iq3_kt', 'iq4_kt'], 'kt'),
  few('iq1_s_r4', 'i_r4', { ...REPACKED, first: 'q2_k_r4', embedding: 'q2_k' }),
  few('iq1_m_r4', 'i_r4', { ...REPACKED, first: 'q2_k_r4', embedding: 'q2_k' }),
  few('iq2_xxs_r4', 'i_r4', { ...PLAIN, first: 'q2_k', embedding: 'q2_k' }),
  few('iq2_xs_r4', 'i_r4', { ...PLAIN, first: 'q2_k', embedding: 'q2_k' }),
  ...all(['iq3_xxs_r4', 'iq3_s_r4', 'iq4_nl_r4', 'iq4_xs_r8'], 'i_r4'),
  ...all(['iq2_k_r4', 'iq3_k_r4', 'iq4_k_r4', 'iq5_k_r4'], 'r4'),
  ...all(['iq4_ks_r4', 'iq5_ks_r4'], 'ks_r4'),
  ...all(['q2_k_r4', 'q3_k_r4', 'q4_k_r4', 'q5_k_r4', 'q6_k_r4'], 'k_r4'),
  ...all(['q4_0_r8', 'q5_0_r4', 'q6_0_r4', 'q8_0_r8'], 'k_r4'),
  ...all(['q6_0', 'q8_kv'], 'legacy'),
  ik('q8_k_r8', 'k_r4', { head: 'q8_0', embedding: 'q8_0' }),
  fileType('mxfp4_r8', 'ik_llama.cpp MXFP4_R8: MXFP4 experts repacked, everything else 8.5 bits', {
    base: 'q8_0',
    head: 'q8_0',
    expert: 'mxfp4_r8',
    ladder: LADDERS.fp_r8,
    generous: 'bf16',
  }),
];
