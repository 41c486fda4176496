import { type FileType, fileType, LADDERS } from './file-type.js';
import type { FormatName } from './formats/rows.js';
import type { Quantization, TensorPlace } from './rule.js';

/** More bits in llama-quantize's `_m` mixes: the first and last eighth, every third between (`use_more_bits`). */
export function moreBits(layer: number, layers: number): boolean {
  const eighth = Math.floor(layers / 8);
  return layer < eighth || layer >= Math.floor((7 * layers) / 8) || (layer - eighth) % 3 === 2;
}

const early =
  (of: number) =>
  ({ layer, layers }: TensorPlace): boolean =>
    layer < Math.floor(layers / of);

/** Places with a non-base format. */
const PLACES = {
  often: ({ layer, layers }) => moreBits(layer, layers),
  eighth: early(8),
  sixteenth: early(16),
  first4: ({ layer }) => layer < 4,
  first2: ({ layer }) => layer < 2,
  // Four or more query heads per KV head.
  shared: ({ groups }) => groups >= 4,
  middle: ({ layer, layers }) => layer >= Math.floor(layers / 8) && layer < Math.floor((7 * layers) / 8),
  'eighth-or-often': (place) => (place.experts === 8 ? moreBits(place.layer, place.layers) : early(8)(place)),
} satisfies Readonly<Record<string, (place: TensorPlace) => boolean>>;

type Role = 'embedding' | 'query' | 'key' | 'value' | 'out' | 'in' | 'down' | 'expert';

/** A format, or a format in some places and another (absent: the base) elsewhere. */
type Choice = FormatName | readonly [some: FormatName, where: keyof typeof PLACES, others?: FormatName];

/** Formats of roles that differ from the base. */
interface Rules extends Partial<Record<Role, Choice>> {
  readonly head?: FormatName;
  /** Attention outputs of eight-expert models. */
  readonly eight?: FormatName;
  /** First layers of types of {@link few} bits. */
  readonly first?: FormatName;
}

type Row = Omit<Rules, Role> & Pick<FileType, Role>;

function choiceOf(choice: Choice, base: FormatName): FileType['key'] {
  if (typeof choice === 'string') return choice;
  const [some, where, others = base] = choice;
  return (place) => (PLACES[where](place) ? some : others);
}

/** Models of exactly eight experts (Mixtral): keys and values are q8_0, most attention outputs q5_k. */
function withEight({ key, value, out, ...types }: FileType, eightOut: FormatName): FileType {
  const of = (eight: FormatName, others: FileType['key']) => (place: TensorPlace) =>
    place.experts === 8 ? eight : typeof others === 'function' ? others(place) : (others ?? types.base);
  return { ...types, key: of('q8_0', key), value: of('q8_0', value), out: of(eightOut, out) };
}

/** A kind of file types, by its base and rules. */
const kind =
  (typesOf: (base: FormatName, row: Row) => FileType) =>
  (base: FormatName, rules: Rules = {}): FileType =>
    typesOf(base, Object.fromEntries(Object.entries<Choice>({ ...rules }).map(([role, choice]) => [role, choiceOf(choice, base)])));

const floats = kind((base) => ({ base, head: base, ladder: [base], generous: base }));

/** One scale per block, with few rules. */
const legacy = kind((base, row) => withEight({ base, head: 'q6_k', ladder: LADDERS.legacy, generous: 'q8_0', ...row }, base));

const k = kind((base, { eight = base, ...row }) => withEight({ base, head: 'q6_k', ladder: LADDERS.k, generous: 'q8_0', ...row }, eight));

const i = kind((base, row) => withEight({ base, head: 'q6_k', ladder: LADDERS.i, generous: 'q8_0', ...row }, 'q5_k'));

const few = kind((base, { first = base, out = base, ...row }) => ({
  base,
  head: 'q5_k',
  ...row,
  key: (place) => (place.experts === 8 ? 'q4_k' : base),
  value: (place) => (place.groups >= 4 || place.experts >= 4 ? 'q4_k' : first),
  out: (place) => (place.experts === 8 ? 'q5_k' : typeof out === 'function' ? out(place) : out),
  down: (place) => (early(8)(place) ? first : base),
  ladder: LADDERS.i,
  generous: 'q8_0',
}));

const ternary = kind((base) => ({ base, head: 'q6_k', embedding: 'q4_k', ladder: LADDERS.ternary, generous: 'q8_0' }));

const fp = kind((base, row) => ({ base, head: base, ladder: LADDERS.fp, generous: 'bf16', ...row }));

/** File type of a file known only by size: k-quants, as in most files. */
export const MIX: Quantization = fileType('mix', 'k-quants in proportions that give the file a stated size', k('q4_k'));

/** llama_tensor_get_type in llama-quant.cpp of October 2025, with an importance matrix if a rule needs one. */
const TYPES = {
  f32: [floats('f32'), 'llama.cpp F32: 32 bits throughout'],
  f16: [floats('f16'), 'llama.cpp F16: 16 bits, router and norms f32'],
  q8_0: [legacy('q8_0', { head: 'q8_0' }), 'llama.cpp Q8_0: 8.5 bits, router and norms f32'],
  q6_k: [k('q6_k'), 'llama.cpp Q6_K: 6.5625 bits, router and norms f32'],
  q5_k_m: [
    k('q5_k', { value: ['q6_k', 'often'], down: ['q6_k', 'often'] }),
    'llama.cpp Q5_K_M: 5.5 bits; 6.5625 for the head and for value and down projections of half the layers',
  ],
  q5_k_s: [k('q5_k'), 'llama.cpp Q5_K_S: 5.5 bits; 6.5625 for the head'],
  q5_1: [legacy('q5_1'), 'llama.cpp Q5_1: 6 bits; 6.5625 for the head'],
  q5_0: [legacy('q5_0'), 'llama.cpp Q5_0: 5.5 bits; 6.5625 for the head'],
  q4_k_m: [
    k('q4_k', { value: ['q6_k', 'often'], down: ['q6_k', 'often'], eight: 'q5_k' }),
    'llama.cpp Q4_K_M: 4.5 bits; 6.5625 for the head and for value and down projections of half the layers',
  ],
  q4_k_l: [
    k('q4_k', { value: ['q6_k', 'often'], down: ['q6_k', 'often'], eight: 'q5_k', head: 'q8_0', embedding: 'q8_0' }),
    'Q4_K_M with the embedding and the head at 8.5 bits, as bartowski publishes it',
  ],
  q4_k_s: [
    k('q4_k', { value: ['q5_k', 'first4'], down: ['q5_k', 'eighth'], eight: 'q5_k' }),
    'llama.cpp Q4_K_S: 4.5 bits; 5.5 for down projections of the first eighth of the layers, 6.5625 for the head',
  ],
  q4_1: [legacy('q4_1'), 'llama.cpp Q4_1: 5 bits; 6.5625 for the head'],
  q4_0: [legacy('q4_0'), 'llama.cpp Q4_0: 4.5 bits; 6.5625 for the head'],
  q3_k_l: [
    k('q3_k', { value: 'q5_k', out: 'q5_k', down: 'q5_k' }),
    'llama.cpp Q3_K_L: 3.4375 bits; 5.5 for value, output and down projections, 6.5625 for the head',
  ],
  q3_k_m: [
    k('q3_k', { value: ['q5_k', 'first2', 'q4_k'], out: 'q4_k', down: ['q5_k', 'sixteenth', 'q4_k'], eight: 'q5_k' }),
    'llama.cpp Q3_K_M: 3.4375 bits; 4.5 and more for value, output and down projections, 6.5625 for the head',
  ],
  q3_k_s: [k('q3_k', { eight: 'q5_k' }), 'llama.cpp Q3_K_S: 3.4375 bits; 6.5625 for the head'],
  q2_k: [
    k('q2_k', { value: ['q4_k', 'shared', 'q3_k'], out: 'q3_k', down: 'q3_k', eight: 'q5_k' }),
    'llama.cpp Q2_K: 2.625 bits; 3.4375 for down and output projections, 6.5625 for the head',
  ],
  q2_k_s: [
    k('q2_k', { value: ['q4_k', 'shared'], down: ['q4_k', 'eighth'] }),
    'llama.cpp Q2_K_S: 2.625 bits; 4.5 for down projections of the first eighth of the layers, 6.5625 for the head',
  ],
  iq4_xs: [i('iq4_xs', { value: ['q5_k', 'shared'] }), 'llama.cpp IQ4_XS: 4.25 bits; 6.5625 for the head'],
  iq4_nl: [i('iq4_nl', { value: ['q5_k', 'shared'] }), 'llama.cpp IQ4_NL: 4.5 bits; 6.5625 for the head'],
  iq3_m: [
    i('iq3_s', { value: 'q4_k', out: 'q4_k', down: ['q4_k', 'eighth-or-often'] }),
    'llama.cpp IQ3_M: 3.4375 bits; 4.5 for value and output projections and for down projections of the first eighth of the layers',
  ],
  iq3_s: [i('iq3_s', { value: ['q4_k', 'shared'] }), 'llama.cpp IQ3_S: 3.4375 bits; 6.5625 for the head'],
  iq3_xs: [
    i('iq3_s', { query: 'iq3_xxs', key: 'iq3_xxs', value: ['q4_k', 'shared'], in: ['iq3_xxs', 'middle'] }),
    'llama.cpp IQ3_XS: 3.4375 bits; 3.0625 for queries, keys, and gate and up projections of the middle layers',
  ],
  iq3_xxs: [
    i('iq3_xxs', { head: 'q5_k', embedding: 'iq3_s', query: 'iq2_s', key: 'iq2_s', value: ['q4_k', 'shared'], out: 'iq3_s' }),
    'llama.cpp IQ3_XXS: 3.0625 bits; 2.5625 for queries and keys, 5.5 for the head',
  ],
  iq2_m: [few('iq2_s', { first: 'iq3_s', embedding: 'iq3_s', out: 'iq3_s' }), 'llama.cpp IQ2_M: 2.5625 bits; 5.5 for the head'],
  iq2_s: [few('iq2_xs', { first: 'iq3_s', embedding: 'iq3_s', out: 'iq3_s' }), 'llama.cpp IQ2_S: 2.3125 bits; 5.5 for the head'],
  iq2_xs: [few('iq2_xs', { first: 'q2_k', embedding: 'q2_k' }), 'llama.cpp IQ2_XS: 2.3125 bits; 5.5 for the head'],
  iq2_xxs: [few('iq2_xxs', { first: 'q2_k', embedding: 'q2_k' }), 'llama.cpp IQ2_XXS: 2.0625 bits; 5.5 for the head'],
  iq1_m: [few('iq1_m', { first: 'q2_k', embedding: 'q2_k', out: 'iq2_xxs' }), 'llama.cpp IQ1_M: 1.75 bits; 5.5 for the head'],
  iq1_s: [few('iq1_s', { first: 'q2_k', embedding: 'q2_k', out: 'iq2_xxs' }), 'llama.cpp IQ1_S: 1.5625 bits; 5.5 for the head'],
  tq2_0: [ternary('tq2_0'), 'llama.cpp TQ2_0: ternary weights at 2.0625 bits; 6.5625 for the head'],
  tq1_0: [ternary('tq1_0'), 'llama.cpp TQ1_0: ternary weights at 1.6875 bits; 6.5625 for the head'],
  mxfp4: [fp('q8_0', { expert: 'mxfp4' }), 'llama.cpp MXFP4 MoE, as gpt-oss is shipped: experts 4.25 bits, everything else 8.5'],
} satisfies Readonly<Record<string, readonly [FileType, summary: string]>>;

/** Name of a file type of llama.cpp. */
export type LlamaName = keyof typeof TYPES;

/** File types of llama.cpp. */
export const LLAMA: readonly Quantization[] = Object.entries(TYPES).map(([name, [types, summary]]) => fileType(name, summary, types));
