// NumPy's .npy, little-endian, C order. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
import { UserError } from '../../base/errors.js';
import { latin1Of, viewOf } from '../../base/host/bytes.js';
import { ownValue } from '../../base/objects.js';
import { DTYPE_BYTES } from '../column.js';
import type { TensorInfo } from './safetensors-header.js';

/** True for the start of a .npy file. */
export const looksLikeNpy = (head: Uint8Array): boolean => head[0] === 0x93 && latin1Of(head, 1, 6) === 'NUMPY';

/** Dtypes in safetensors names. @param head file start @param total file bytes @throws UserError */
export function npyHeader(place: string, head: Uint8Array, total: number): TensorInfo {
  if (!looksLikeNpy(head) || head.length < 12) throw new UserError(`${place}: not a .npy array`);
  const view = viewOf(head);
  const start = head[6] === 1 ? 10 : 12;
  const length = head[6] === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (start + length > head.length) throw new UserError(`${place}: the .npy header is cut short or too long`);
  const text = latin1Of(head, start, start + length);
  const code = /'descr':\s*'([<>|=])([a-z]\d+)'/.exec(text);
  const shapeText = /'shape':\s*\(([\d,\s]*)\)/.exec(text);
  const fortran = /'fortran_order':\s*(True|False)/.exec(text);
  if (code === null || shapeText === null || fortran === null || !isWhole(text, [code[0], shapeText[0], fortran[0]]))
    throw new UserError(`${place}: the .npy header is not understood: ${text.trim().slice(0, 80)}`);
  const [, order, type] = code as unknown as [string, string, string];
  const dtype = `${type.charAt(0).toUpperCase()}${8 * Number(type.slice(1))}`;
  const size = /^[uif][1248]$/.test(type) ? DTYPE_BYTES.get(dtype) : undefined;
  if (size === undefined) throw new UserError(`${place}: dtype ${type} holds no expert ids; save integers: array.astype("int16")`);
  if (order === '>' && size > 1) throw new UserError(`${place}: big-endian data; save it little-endian: array.astype("<${type}")`);
  if (fortran[1] === 'True') throw new UserError(`${place}: Fortran order; save it in C order: numpy.ascontiguousarray(array)`);
  const shape = shapeText[1]!
    .split(',')
    .filter((side) => side.trim() !== '')
    .map(Number);
  const bytes = shape.reduce((product, side) => product * side, size);
  const offset = start + length;
  if (!Number.isSafeInteger(bytes) || offset + bytes > total)
    throw new UserError(`${place}: shape (${shape.join(', ')}) takes ${bytes} bytes, the file has ${total - offset}; it was cut short`);
  return { dtype, shape, offset, bytes };
}

/** True if a header is a dictionary of exactly `entries`. */
const isWhole = (text: string, entries: readonly string[]): boolean =>
  /^\s*\{\s*,\s*,\s*,?\s*\}\s*$/.test(entries.reduce((rest, entry) => rest.replace(entry, ''), text));

/** Elements of a whole .npy file in memory, e.g. from a server's reply. @throws UserError as {@link npyHeader} */
export function npyValues(
  place: string,
  file: Uint8Array,
): { readonly shape: readonly number[]; readonly dtype: string; readonly values: ArrayLike<number> } {
  const { dtype, shape, offset, bytes } = npyHeader(place, file, file.length);
  return { shape, dtype, values: numbersOf(dtype, file.subarray(offset, offset + bytes)) };
}

const ARRAYS = {
  U8: Uint8Array,
  I8: Int8Array,
  U16: Uint16Array,
  I16: Int16Array,
  U32: Uint32Array,
  I32: Int32Array,
  F32: Float32Array,
  F64: Float64Array,
} as const;

/** Raw little-endian elements as numbers; 64-bit integers are exact below 2^53. */
export function numbersOf(dtype: string, raw: Uint8Array): ArrayLike<number> {
  // Copied, because typed arrays need aligned memory.
  const aligned = new Uint8Array(raw).buffer;
  if (dtype === 'U64') return Float64Array.from(new BigUint64Array(aligned), Number);
  if (dtype === 'I64') return Float64Array.from(new BigInt64Array(aligned), Number);
  const Own = ownValue(ARRAYS, dtype);
  if (Own === undefined) throw new UserError(`dtype ${dtype} holds no whole numbers`);
  return new Own(aligned);
}
