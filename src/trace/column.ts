import { UserError } from '../base/errors.js';
import type { TraceSource } from './source.js';
import { NULL_EXPERT } from './trace.js';

/** Element type and offset of a column. */
export interface ColumnLayout {
  readonly dtype: string;
  readonly offset: number;
}

/** Bytes per element by safetensors dtype. */
export const DTYPE_BYTES: ReadonlyMap<string, number> = new Map([
  ...['BOOL', 'U8', 'I8', 'F8_E4M3', 'F8_E5M2'].map((dtype) => [dtype, 1] as const),
  ...['U16', 'I16', 'F16', 'BF16'].map((dtype) => [dtype, 2] as const),
  ...['U32', 'I32', 'F32'].map((dtype) => [dtype, 4] as const),
  ...['U64', 'I64', 'F64'].map((dtype) => [dtype, 8] as const),
]);

/** Dtypes of expert ids. */
export const ID_DTYPES: readonly string[] = ['U8', 'I8', 'U16', 'I16', 'U32', 'I32', 'U64', 'I64'];
/** Dtypes of gate weights. */
export const WEIGHT_DTYPES: readonly string[] = ['F16', 'BF16', 'F32'];

/** Null id in a column of ids: all bits set, cut to the width of U8. */
export const nullIdOf = (dtype: string): number => (dtype === 'U8' ? 0xff : NULL_EXPERT);

/** Columns by offset, widened to TraceChunk types; 16-bit columns need no copy. */
export class ColumnReader {
  readonly #source: TraceSource;
  #scratch = new ArrayBuffer(0);

  constructor(source: TraceSource) {
    this.#source = source;
  }

  /** Reads expert ids; negative ids become {@link NULL_EXPERT}. @returns index of the first id beyond 16 bits, or -1 */
  ids(column: ColumnLayout, first: number, count: number, into: Uint16Array): number {
    const { dtype, offset } = column;
    if (dtype === 'U16' || dtype === 'I16') {
      this.#source.read(offset + first * 2, new Uint8Array(into.buffer, into.byteOffset, count * 2));
      return dtype === 'U16' ? -1 : firstBelowMinusOne(into, count);
    }
    if (dtype === 'U8') {
      into.set(this.#raw(offset + first, count));
      return -1;
    }
    if (dtype === 'I8') return narrow(new Int8Array(this.#raw(offset + first, count).buffer, 0, count), 1, count, into);
    if (dtype === 'U32' || dtype === 'I32')
      return narrow(new Int32Array(this.#raw(offset + first * 4, count * 4).buffer, 0, count), 1, count, into);
    const words = new Int32Array(this.#raw(offset + first * 8, count * 8).buffer, 0, count * 2);
    for (let i = 0; i < count; i++) if (words[2 * i + 1] !== words[2 * i]! >> 31) return i;
    return narrow(words, 2, count, into);
  }

  weights(column: ColumnLayout, first: number, count: number, into: Float32Array): void {
    const { dtype, offset } = column;
    if (dtype === 'F32') {
      this.#source.read(offset + first * 4, new Uint8Array(into.buffer, into.byteOffset, count * 4));
      return;
    }
    const raw = new Uint16Array(this.#raw(offset + first * 2, count * 2).buffer, 0, count);
    if (dtype === 'F16') {
      const values = halfTable();
      for (let i = 0; i < count; i++) into[i] = values[raw[i]!]!;
    } else {
      const bits = new Uint32Array(into.buffer, into.byteOffset, count);
      for (let i = 0; i < count; i++) bits[i] = raw[i]! << 16;
    }
  }

  /** Reads small integers (I32, I64, U8 …). @throws UserError for a value outside signed 32 bits */
  integers(column: ColumnLayout, name: string, first: number, count: number, into: Int32Array): void {
    const { dtype, offset } = column;
    if (dtype === 'I32' || dtype === 'U32') {
      this.#source.read(offset + first * 4, new Uint8Array(into.buffer, into.byteOffset, count * 4));
      if (dtype === 'U32') for (let i = 0; i < count; i++) if (into[i]! < 0) throw this.#tooWide(name, first + i, BigInt(into[i]! >>> 0));
    } else if (dtype === 'I64' || dtype === 'U64') {
      const words = new Int32Array(this.#raw(offset + first * 8, count * 8).buffer, 0, count * 2);
      for (let i = 0; i < count; i++) {
        const low = words[2 * i]!;
        const high = words[2 * i + 1]!;
        if (high !== low >> 31 || (dtype === 'U64' && high < 0)) {
          const value = (BigInt(high) << 32n) | BigInt(low >>> 0);
          throw this.#tooWide(name, first + i, dtype === 'U64' ? BigInt.asUintN(64, value) : value);
        }
        into[i] = low;
      }
    } else if (dtype === 'U16' || dtype === 'I16') {
      const raw = this.#raw(offset + first * 2, count * 2).buffer;
      into.set(dtype === 'U16' ? new Uint16Array(raw, 0, count) : new Int16Array(raw, 0, count));
    } else {
      const raw = this.#raw(offset + first, count);
      into.set(dtype === 'I8' ? new Int8Array(raw.buffer, 0, count) : raw);
    }
  }

  #tooWide(name: string, index: number, value: bigint): UserError {
    return new UserError(`${this.#source.path}: tensor ${name}: element ${index} is ${value}; the largest that is read is 2147483647`);
  }

  #raw(position: number, bytes: number): Uint8Array<ArrayBuffer> {
    if (this.#scratch.byteLength < bytes) this.#scratch = new ArrayBuffer(bytes);
    const raw = new Uint8Array(this.#scratch, 0, bytes);
    this.#source.read(position, raw);
    return raw;
  }
}

/** Copies every `step`-th value as an id; -1: null. Returns the first invalid index, or -1. */
function narrow(values: Int8Array | Int32Array, step: number, count: number, into: Uint16Array): number {
  for (let i = 0; i < count; i++) {
    const value = values[i * step]!;
    if (value < -1 || value >= NULL_EXPERT) return i;
    into[i] = value;
  }
  return -1;
}

function firstBelowMinusOne(ids: Uint16Array, count: number): number {
  for (let i = 0; i < count; i++) if (ids[i]! >= 0x8000 && ids[i] !== NULL_EXPERT) return i;
  return -1;
}

let table: Float32Array | null = null;

/** Value of every half-precision bit pattern, 65,536 entries. */
export function halfTable(): Float32Array {
  if (table !== null) return table;
  table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >>> 10) & 31;
    const fraction = bits & 1023;
    table[bits] =
      exponent === 31
        ? fraction === 0
          ? sign * Number.POSITIVE_INFINITY
          : Number.NaN
        : sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
  }
  return table;
}

const word = new Float32Array(1);
const bitsOfWord = new Uint32Array(word.buffer);

/** Half-precision bits of `value`, rounded to nearest even; overflow becomes infinity. */
export function toHalf(value: number): number {
  word[0] = value;
  const bits = bitsOfWord[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // 65520 is the first value to round beyond the largest half, 65504.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) return sign | roundEven(Math.abs(word[0]) * 2 ** 24);
  const rebased = magnitude - 0x38000000;
  return sign | ((rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13);
}

function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
