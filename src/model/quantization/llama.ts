import { byName } from '../../base/objects.js';
import { bundledSections } from '../../base/profiles.js';
import { type FileType, fileType, LADDERS } from './file-type.js';
import type { Quantization, TensorPlace } from './rule.js';

/**
 * Layers with more bits in llama-quantize's `_m` mixes: the first and last eighth, and every third between
 * (`use_more_bits`).
 */
export function moreBits(layer: number, layers: number): boolean {
  const eighth = Math.floor(layers / 8);
  return layer < eighth || layer >= Math.floor((7 * layers) / 8) || (layer - eighth) % 3 === 2;
}

const early =
  (of: number) =>
  ({ layer, layers }: TensorPlace): boolean =>
    layer < Math.floor(layers / of);

/** Places with a non-base format, by word in the table. */
const PLACES = byName<(place: TensorPlace) => boolean>({
  often: ({ layer, layers }) => moreBits(layer, layers),
  eighth: early(8),
  sixteenth: early(16),
  first4: ({ layer }) => layer < 4,
  first2: ({ layer }) => layer < 2,
  // Four or more query heads per KV head.
  shared: ({ groups }) => groups >= 4,
  middle: ({ layer, layers }) => layer >= Math.floor(layers / 8) && layer < Math.floor((7 * layers) / 8),
  'eighth-or-often': (place) => (place.experts === 8 ? moreBits(place.layer, place.layers) : early(8)(place)),
});

/**
 * Roles of a row; `eight`: attention outputs of eight-expert models; `first`: formats of the first layers of kind
 * `few`.
 */
type Row = Partial<Omit<FileType, 'ladder' | 'generous' | 'base'>> & { readonly eight?: string; readonly first?: string };

/** A choice: a format, `format/place` or `format/place/others`. */
function choiceOf(text: string, base: string): FileType['key'] {
  const [some = '', where, others = base] = text.split('/');
  if (where === undefined) return some;
  const at = PLACES[where];
  if (at === undefined) throw new Error(`profiles/formats.txt: no place ${where}`);
  return (place) => (at(place) ? some : others);
}

/** Models of exactly eight experts (Mixtral): keys and values are q8_0, most attention outputs q5_k. */
function withEight({ key, value, out, ...types }: FileType, eightOut: string): FileType {
  const of = (eight: string, others: FileType['key']) => (place: TensorPlace) =>
    place.experts === 8 ? eight : typeof others === 'function' ? others(place) : (others ?? types.base);
  return { ...types, key: of('q8_0', key), value: of('q8_0', value), out: of(eightOut, out) };
}

const KINDS = byName<(base: string, row: Row) => FileType>({
  floats: (base) => ({ base, head: base, ladder: [base], generous: base }),
  // Types with one scale per block, with few rules.
  legacy: (base, row) => withEight({ base, head: 'q6_k', ladder: LADDERS.legacy, generous: 'q8_0', ...row }, base),
  k: (base, { eight = base, ...row }) => withEight({ base, head: 'q6_k', ladder: LADDERS.k, generous: 'q8_0', ...row }, eight),
  i: (base, row) => withEight({ base, head: 'q6_k', ladder: LADDERS.i, generous: 'q8_0', ...row }, 'q5_k'),
  few: (base, { first = base, out = base, ...row }) => ({
    base,
    head: 'q5_k',
    ...row,
    key: (place) => (place.experts === 8 ? 'q4_k' : base),
    value: (place) => (place.groups >= 4 || place.experts >= 4 ? 'q4_k' : first),
    out: (place) => (place.experts === 8 ? 'q5_k' : typeof out === 'function' ? out(place) : out),
    down: (place) => (early(8)(place) ? first : base),
    ladder: LADDERS.i,
    generous: 'q8_0',
  }),
  ternary: (base) => ({ base, head: 'q6_k', embedding: 'q4_k', ladder: LADDERS.ternary, generous: 'q8_0' }),
  fp: (base, row) => ({ base, head: base, ladder: LADDERS.fp, generous: 'bf16', ...row }),
});

/** File type of a file known only by size: k-quants, as in most files. */
export const MIX: Quantization = fileType('mix', 'k-quants in proportions that give the file a stated size', KINDS.k!('q4_k', {}));

/** Sections of `profiles/formats.txt`. */
export const TABLE = bundledSections('formats.txt');

/** File types of llama.cpp, from `profiles/formats.txt`. @throws Error for a malformed row */
export const LLAMA: readonly Quantization[] = TABLE.get('types')!.map((row) => {
  const [name = '', kind = '', rules = '', summary] = row.split(/ {2,}/);
  const [ftype = '', base = ''] = kind.split(' ');
  const typesOf = KINDS[ftype];
  if (typesOf === undefined || summary === undefined) throw new Error(`profiles/formats.txt: no file type: ${row}`);
  const roles = rules === '-' ? [] : rules.split(' ').map((rule) => rule.split('=') as [string, string]);
  return fileType(name, summary, typesOf(base, Object.fromEntries(roles.map(([role, text]) => [role, choiceOf(text, base)])) as Row));
});

/** Quantization names by alias. */
export const ALIASES: ReadonlyMap<string, string> = new Map(TABLE.get('aliases')!.map((row) => row.split(/ +/) as [string, string]));
