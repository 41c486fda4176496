import { UserError } from '../../base/errors.js';
import { byName } from '../../base/objects.js';
import { didYouMean } from '../../base/text.js';
import { BYTES, parseQuantity } from '../../base/units.js';
import { ALIASES } from './aliases.js';
import { CHECKPOINTS, FP8_BLOCK, fp8, type Group, INTEGER_KINDS, integers } from './checkpoints.js';
import { IK_LLAMA } from './ik-llama.js';
import { LLAMA, MIX } from './llama.js';
import type { FileSize, Quantization } from './rule.js';
import { UNSLOTH } from './unsloth.js';

/** Quantizations by name; written with details: `int4:group=64`, `ud-q2_k_xl:size=226GiB`. */
export const QUANTIZATIONS: readonly Quantization[] = [...CHECKPOINTS, ...LLAMA, ...UNSLOTH, ...IK_LLAMA];

const NAMED = new Map([...QUANTIZATIONS, MIX].map((quantization) => [quantization.name, quantization]));

/** Quantization by plain name. */
export const knownQuantization = (name: string): Quantization | null => NAMED.get(ALIASES.get(name) ?? name) ?? null;

interface Detail {
  readonly key: string;
  readonly value: string;
}

/** Details of all quantizations; details of some. */
const ANY = ['bits', 'size'];
const OWN = byName<readonly string[]>({
  ...Object.fromEntries(Object.keys(INTEGER_KINDS).map((name) => [name, ['group', 'zero']])),
  fp8: ['block'],
});

/**
 * Quantization by name and details: `bits=` or `size=`, `group=` and `zero=` of int2 to int8, `block=` of fp8. @throws
 * UserError
 */
export function findQuantization(written: string): Quantization {
  const [head = '', ...rest] = written.toLowerCase().split(':');
  const found = knownQuantization(head);
  if (found === null) throw new UserError(`unknown quantization "${head}"; ${didYouMean(head, NAMED.keys())}`);
  if (rest.length === 0 && found !== MIX) return found;
  const details = rest.map((text) => detailOf(text, found));
  if (new Set(details.map(({ key }) => key)).size < details.length || details.filter(({ key }) => ANY.includes(key)).length > 1)
    throw new UserError(`quantization "${written}": says a detail twice; bits and size are the same thing, give one of them`);
  const size = sizeOf(details);
  if (size === null && found === MIX) throw new UserError('quantization "mix": needs a size; write e.g. mix:bits=3.2 or mix:size=43GB');
  return { ...withGroups(found, details), name: written.toLowerCase(), ...(size === null ? {} : { size }) };
}

function detailOf(text: string, { name }: Quantization): Detail {
  const [key = '', value, ...more] = text.split('=');
  const known = [...(OWN[name] ?? []), ...ANY];
  if (!known.includes(key)) throw new UserError(`quantization "${name}": unknown detail "${key}"; ${didYouMean(key, known)}`);
  if (value === undefined || value === '' || more.length > 0)
    throw new UserError(`quantization "${name}": write ${key}= and a value, e.g. ${key === 'size' ? 'size=226GiB' : `${key}=4`}`);
  return { key, value };
}

function sizeOf(details: readonly Detail[]): FileSize | null {
  for (const { key, value } of details) {
    if (key === 'bits') return { bits: numberOf(key, value, 0.5, 32) };
    if (key === 'size') return { bytes: parseQuantity(BYTES, value, 'size') };
  }
  return null;
}

function withGroups(found: Quantization, details: readonly Detail[]): Quantization {
  const value = (key: string): string | undefined => details.find((detail) => detail.key === key)?.value;
  const group = (usual: Group): Group => ({
    group: value('group') === undefined ? usual.group : numberOf('group', value('group')!, 8, 2 ** 16),
    zero: value('zero') === undefined ? usual.zero : numberOf('zero', value('zero')!, 0, 32),
  });
  const kind = INTEGER_KINDS[found.name];
  if (kind !== undefined) return integers(found.name, kind.bits, group(kind.usual));
  if (found.name === 'fp8') return fp8(numberOf('block', value('block') ?? String(FP8_BLOCK), 8, 2 ** 16));
  return found;
}

function numberOf(key: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < least || value > most)
    throw new UserError(`${key}=${text}: must be a number from ${least} to ${most}`);
  return value;
}
