// File types of llama.cpp: which tensor gets which format, by the rules of llama-quantize (`llama_tensor_get_type` in llama-quant.cpp of
// October 2025), with an importance matrix where a rule asks for one.
import { type FileType, fileType, LADDERS } from './file-type.js';
import type { Quantization, TensorPlace } from './rule.js';

/** Layers to which llama-quantize gives more bits in its `_m` mixes: the first and last eighth, and every third between (`use_more_bits`). */
export function moreBits(layer: number, layers: number): boolean {
  const eighth = Math.floor(layers / 8);
  return layer < eighth || layer >= Math.floor((7 * layers) / 8) || (layer - eighth) % 3 === 2;
}

/** `some` in the layers that {@link moreBits} names. */
const often = (some: string, others: string) => (place: TensorPlace) => (moreBits(place.layer, place.layers) ? some : others);

/** `some` in the first layers: those before one `of`-th of them. */
const early =
  (some: string, others: string, of = 8) =>
  (place: TensorPlace) =>
    place.layer < Math.floor(place.layers / of) ? some : others;

/** `some` where four or more query heads share their keys and values. */
const grouped = (some: string, others: string) => (place: TensorPlace) => (place.groups >= 4 ? some : others);

/** Models of exactly eight experts (Mixtral): their keys and values are q8_0, and most of their attention outputs q5_k. */
function withEight({ key, value, out, ...types }: FileType, eightOut: string | null): FileType {
  const of = (eight: string, others: FileType['key']) => (place: TensorPlace) =>
    place.experts === 8 ? eight : typeof others === 'function' ? others(place) : (others ?? types.base);
  return { ...types, key: of('q8_0', key), value: of('q8_0', value), out: of(eightOut ?? types.base, out) };
}

function k(base: string, types: Partial<FileType> & { eightOut?: string } = {}): FileType {
  const { eightOut = null, ...own } = types;
  return withEight({ base, head: 'q6_k', ladder: LADDERS.k, generous: 'q8_0', ...own }, eightOut);
}

/** A file type of i-quants of 3 and 4 bits. */
function i(base: string, types: Partial<FileType> = {}): FileType {
  return withEight({ base, head: 'q6_k', ladder: LADDERS.i, generous: 'q8_0', ...types }, 'q5_k');
}

/** A file type of i-quants of 1 and 2 bits: values in q4_k, and `early` for down projections of the first layers. */
function few(base: string, first: string, types: { embedding: string; out?: string }): FileType {
  const others = types.out ?? base;
  return {
    base,
    head: 'q5_k',
    embedding: types.embedding,
    key: (place) => (place.experts === 8 ? 'q4_k' : base),
    value: (place) => (place.groups >= 4 || place.experts >= 4 ? 'q4_k' : first),
    out: (place) => (place.experts === 8 ? 'q5_k' : others),
    down: early(first, base),
    ladder: LADDERS.i,
    generous: 'q8_0',
  };
}

/** One of the types with one scale per block, which have few rules. */
const legacy = (base: string, head = 'q6_k'): FileType => withEight({ base, head, ladder: LADDERS.legacy, generous: 'q8_0' }, null);

const floats = (base: string): FileType => ({ base, head: base, ladder: [base], generous: base });

/** Gate and up projections of iq3_xs: fewer bits in the middle layers. */
const middle = ({ layer, layers }: TensorPlace): string =>
  layer >= Math.floor(layers / 8) && layer < Math.floor((7 * layers) / 8) ? 'iq3_xxs' : 'iq3_s';

const TERNARY = { head: 'q6_k', embedding: 'q4_k', ladder: LADDERS.ternary, generous: 'q8_0' };

/** The file type for a file of which only the size is given: k-quants, as in most files. */
export const MIX: Quantization = fileType('mix', 'k-quants in proportions that give the file a stated size', k('q4_k'));

/** llama.cpp's file types. */
export const LLAMA: readonly Quantization[] = [
  fileType('f32', 'llama.cpp F32: 32 bits throughout', floats('f32')),
  fileType('f16', 'llama.cpp F16: 16 bits, router and norms f32', floats('f16')),
  fileType('q8_0', 'llama.cpp Q8_0: 8.5 bits, router and norms f32', legacy('q8_0', 'q8_0')),
  fileType('q6_k', 'llama.cpp Q6_K: 6.5625 bits, router and norms f32', k('q6_k')),
  fileType(
    'q5_k_m',
    'llama.cpp Q5_K_M: 5.5 bits; 6.5625 for the head and for value and down projections of half the layers',
    k('q5_k', { value: often('q6_k', 'q5_k'), down: often('q6_k', 'q5_k') }),
  ),
  fileType('q5_k_s', 'llama.cpp Q5_K_S: 5.5 bits; 6.5625 for the head', k('q5_k')),
  fileType('q5_1', 'llama.cpp Q5_1: 6 bits; 6.5625 for the head', legacy('q5_1')),
  fileType('q5_0', 'llama.cpp Q5_0: 5.5 bits; 6.5625 for the head', legacy('q5_0')),
  fileType(
    'q4_k_m',
    'llama.cpp Q4_K_M: 4.5 bits; 6.5625 for the head and for value and down projections of half the layers',
    k('q4_k', { value: often('q6_k', 'q4_k'), down: often('q6_k', 'q4_k'), eightOut: 'q5_k' }),
  ),
  fileType(
    'q4_k_l',
    'Q4_K_M with the embedding and the head at 8.5 bits, as bartowski publishes it',
    k('q4_k', { value: often('q6_k', 'q4_k'), down: often('q6_k', 'q4_k'), eightOut: 'q5_k', head: 'q8_0', embedding: 'q8_0' }),
  ),
  fileType(
    'q4_k_s',
    'llama.cpp Q4_K_S: 4.5 bits; 5.5 for down projections of the first eighth of the layers, 6.5625 for the head',
    k('q4_k', { value: ({ layer }) => (layer < 4 ? 'q5_k' : 'q4_k'), down: early('q5_k', 'q4_k'), eightOut: 'q5_k' }),
  ),
  fileType('q4_1', 'llama.cpp Q4_1: 5 bits; 6.5625 for the head', legacy('q4_1')),
  fileType('q4_0', 'llama.cpp Q4_0: 4.5 bits; 6.5625 for the head', legacy('q4_0')),
  fileType(
    'q3_k_l',
    'llama.cpp Q3_K_L: 3.4375 bits; 5.5 for value, output and down projections, 6.5625 for the head',
    k('q3_k', { value: 'q5_k', out: 'q5_k', down: 'q5_k' }),
  ),
  fileType(
    'q3_k_m',
    'llama.cpp Q3_K_M: 3.4375 bits; 4.5 and more for value, output and down projections, 6.5625 for the head',
    k('q3_k', { value: ({ layer }) => (layer < 2 ? 'q5_k' : 'q4_k'), out: 'q4_k', down: early('q5_k', 'q4_k', 16), eightOut: 'q5_k' }),
  ),
  fileType('q3_k_s', 'llama.cpp Q3_K_S: 3.4375 bits; 6.5625 for the head', k('q3_k', { eightOut: 'q5_k' })),
  fileType(
    'q2_k',
    'llama.cpp Q2_K: 2.625 bits; 3.4375 for down and output projections, 6.5625 for the head',
    k('q2_k', { value: grouped('q4_k', 'q3_k'), out: 'q3_k', down: 'q3_k', eightOut: 'q5_k' }),
  ),
  fileType(
    'q2_k_s',
    'llama.cpp Q2_K_S: 2.625 bits; 4.5 for down projections of the first eighth of the layers, 6.5625 for the head',
    k('q2_k', { value: grouped('q4_k', 'q2_k'), down: early('q4_k', 'q2_k') }),
  ),
  fileType('iq4_xs', 'llama.cpp IQ4_XS: 4.25 bits; 6.5625 for the head', i('iq4_xs', { value: grouped('q5_k', 'iq4_xs') })),
  fileType('iq4_nl', 'llama.cpp IQ4_NL: 4.5 bits; 6.5625 for the head', i('iq4_nl', { value: grouped('q5_k', 'iq4_nl') })),
  fileType(
    'iq3_m',
    'llama.cpp IQ3_M: 3.4375 bits; 4.5 for value and output projections and for down projections of the first eighth of the layers',
    i('iq3_s', {
      value: 'q4_k',
      out: 'q4_k',
      down: (place) => (place.experts === 8 ? often('q4_k', 'iq3_s') : early('q4_k', 'iq3_s'))(place),
    }),
  ),
  fileType('iq3_s', 'llama.cpp IQ3_S: 3.4375 bits; 6.5625 for the head', i('iq3_s', { value: grouped('q4_k', 'iq3_s') })),
  fileType(
    'iq3_xs',
    'llama.cpp IQ3_XS: 3.4375 bits; 3.0625 for queries, keys, and gate and up projections of the middle layers',
    i('iq3_s', { query: 'iq3_xxs', key: 'iq3_xxs', value: grouped('q4_k', 'iq3_s'), in: middle }),
  ),
  fileType(
    'iq3_xxs',
    'llama.cpp IQ3_XXS: 3.0625 bits; 2.5625 for queries and keys, 5.5 for the head',
    i('iq3_xxs', {
      head: 'q5_k',
      embedding: 'iq3_s',
      query: 'iq2_s',
      key: 'iq2_s',
      value: grouped('q4_k', 'iq3_xxs'),
      out: 'iq3_s',
    }),
  ),
  fileType('iq2_m', 'llama.cpp IQ2_M: 2.5625 bits; 5.5 for the head', few('iq2_s', 'iq3_s', { embedding: 'iq3_s', out: 'iq3_s' })),
  fileType('iq2_s', 'llama.cpp IQ2_S: 2.3125 bits; 5.5 for the head', few('iq2_xs', 'iq3_s', { embedding: 'iq3_s', out: 'iq3_s' })),
  fileType('iq2_xs', 'llama.cpp IQ2_XS: 2.3125 bits; 5.5 for the head', few('iq2_xs', 'q2_k', { embedding: 'q2_k' })),
  fileType('iq2_xxs', 'llama.cpp IQ2_XXS: 2.0625 bits; 5.5 for the head', few('iq2_xxs', 'q2_k', { embedding: 'q2_k' })),
  fileType('iq1_m', 'llama.cpp IQ1_M: 1.75 bits; 5.5 for the head', few('iq1_m', 'q2_k', { embedding: 'q2_k', out: 'iq2_xxs' })),
  fileType('iq1_s', 'llama.cpp IQ1_S: 1.5625 bits; 5.5 for the head', few('iq1_s', 'q2_k', { embedding: 'q2_k', out: 'iq2_xxs' })),
  fileType('tq2_0', 'llama.cpp TQ2_0: ternary weights at 2.0625 bits; 6.5625 for the head', { base: 'tq2_0', ...TERNARY }),
  fileType('tq1_0', 'llama.cpp TQ1_0: ternary weights at 1.6875 bits; 6.5625 for the head', { base: 'tq1_0', ...TERNARY }),
  fileType('mxfp4', 'llama.cpp MXFP4 MoE, as gpt-oss is shipped: experts 4.25 bits, everything else 8.5', {
    base: 'q8_0',
    head: 'q8_0',
    expert: 'mxfp4',
    ladder: LADDERS.fp,
    generous: 'bf16',
  }),
];
