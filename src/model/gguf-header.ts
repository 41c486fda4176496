import { UserError } from '../base/errors.js';
import { latin1Of, textOf, viewOf } from '../base/host/bytes.js';
import { type InputFile, withInput } from '../base/input-file.js';
import { LIMITS, Meter } from '../base/meter.js';
import { type DescribedTensor, type GgufTensor, sizedTensors } from './gguf-tensors.js';

type GgufValue = number | boolean | string | readonly number[] | readonly boolean[];

/** Header of a GGUF file. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */
export interface GgufHeader {
  readonly metadata: Readonly<Record<string, GgufValue>>;
  readonly tensors: readonly GgufTensor[];
  /** First data byte, the base of tensor offsets. */
  readonly dataStart: number;
}

type RandomAccess = Pick<InputFile, 'path' | 'bytes' | 'part'>;

/** First bytes of a GGUF file. */
export const GGUF_MAGIC = 'GGUF';

/** Bytes per read; headers are mostly vocabulary, a few MiB. */
const CHUNK = 1 << 16;
/** Our limits: bytes of a text, kept array entries, bytes of the header, its entries, dimensions. */
const MAX_TEXT = 1 << 20;
const MAX_KEPT = 1 << 16;
const MAX_HEADER = 1 << 27;
const MAX_ENTRIES = 1 << 17;
const MAX_DIMENSIONS = 8;

/** Non-numeric value types. */
const STRING = 8;
const ARRAY = 9;

/** Numeric types by id: bytes and reader; 7 is a boolean. */
const NUMBERS: readonly (readonly [bytes: number, read: (view: DataView, at: number) => number | boolean] | null)[] = [
  [1, (view, at) => view.getUint8(at)],
  [1, (view, at) => view.getInt8(at)],
  [2, (view, at) => view.getUint16(at, true)],
  [2, (view, at) => view.getInt16(at, true)],
  [4, (view, at) => view.getUint32(at, true)],
  [4, (view, at) => view.getInt32(at, true)],
  [4, (view, at) => view.getFloat32(at, true)],
  [1, (view, at) => view.getUint8(at) !== 0],
  null,
  null,
  [8, (view, at) => Number(view.getBigUint64(at, true))],
  [8, (view, at) => Number(view.getBigInt64(at, true))],
  [8, (view, at) => view.getFloat64(at, true)],
];

class Cursor {
  readonly #file: RandomAccess;
  #chunk: Uint8Array = new Uint8Array(0);
  #view = viewOf(this.#chunk);
  #start = 0;
  position = 0;
  readonly kept: Meter;

  constructor(file: RandomAccess) {
    this.#file = file;
    this.kept = new Meter(file.path, LIMITS.numbers);
  }

  /** @returns start of the next `length` bytes in the chunk @throws UserError if the file ends too early */
  #over(length: number): number {
    const from = this.position - this.#start;
    if (from < 0 || from + length > this.#chunk.length) {
      this.#start = this.position;
      this.#chunk = this.#file.part(this.position, Math.max(CHUNK, length));
      this.#view = viewOf(this.#chunk);
      if (this.#chunk.length < length) throw this.broken('the file ends inside its header; it was cut short, fetch it again');
    }
    const offset = this.position - this.#start;
    this.skip(length);
    return offset;
  }

  skip(length: number): void {
    this.position += length;
    if (this.position > Math.min(this.#file.bytes, MAX_HEADER))
      throw this.broken(
        this.position > this.#file.bytes ? 'the file ends inside its header; it was cut short, fetch it again' : 'the header does not end',
      );
  }

  u32(): number {
    const at = this.#over(4);
    return this.#view.getUint32(at, true);
  }

  /** A count or size. @throws UserError beyond 2^53 */
  u64(): number {
    const at = this.#over(8);
    const high = this.#view.getUint32(at + 4, true);
    if (high >= 2 ** 21) throw this.broken(`${this.#view.getBigUint64(at, true)} is no count`);
    return high * 2 ** 32 + this.#view.getUint32(at, true);
  }

  text(): string {
    const length = this.u64();
    if (length > MAX_TEXT) throw this.broken(`a text of ${length} bytes is no name`);
    const from = this.#over(length);
    return textOf(this.#chunk, from, from + length);
  }

  number(bytes: number, read: (view: DataView, at: number) => number | boolean): number | boolean {
    const at = this.#over(bytes);
    return read(this.#view, at);
  }

  broken(why: string): UserError {
    return new UserError(`${this.#file.path}: damaged GGUF header at byte ${this.position}: ${why}`);
  }
}

/** @throws UserError for a non-GGUF, damaged or unsupported file */
export const readGgufHeader = (path: string): GgufHeader => withInput(path, 'model', ggufHeaderOf);

/** @throws UserError as {@link readGgufHeader} */
export function ggufHeaderOf(file: RandomAccess): GgufHeader {
  const { path } = file;
  if (latin1Of(file.part(0, 4)) !== GGUF_MAGIC) throw new UserError(`${path}: is no GGUF file`);
  const cursor = new Cursor(file);
  cursor.skip(4);
  const version = cursor.u32();
  if (version !== 2 && version !== 3) {
    const why = version % 65536 === 0 ? 'is big-endian' : `has GGUF version ${version}`;
    throw new UserError(`${path}: ${why}; moeprof reads versions 2 and 3, little-endian (convert it again with a current llama.cpp)`);
  }
  const tensorCount = cursor.u64();
  const valueCount = cursor.u64();
  // A metadata entry takes at least 13 bytes, a tensor 24.
  if (valueCount * 13 + tensorCount * 24 > file.bytes || valueCount + tensorCount > MAX_ENTRIES)
    throw cursor.broken(`${valueCount} values and ${tensorCount} tensors are more than ${file.bytes} bytes can describe; it was cut short`);
  const metadata: Record<string, GgufValue> = Object.create(null) as Record<string, GgufValue>;
  for (let i = 0; i < valueCount; i++) {
    const name = cursor.text();
    const value = readValue(cursor, cursor.u32(), name);
    if (value !== null) metadata[name] = value;
  }
  const described = Array.from({ length: tensorCount }, () => readTensor(cursor));
  const alignment = metadata['general.alignment'] ?? 32;
  if (typeof alignment !== 'number' || !Number.isInteger(alignment) || alignment < 1)
    throw new UserError(`${path}: general.alignment: expected a whole number of at least 1; the file is damaged`);
  const dataStart = Math.ceil(cursor.position / alignment) * alignment;
  return { metadata, tensors: sizedTensors(path, described, file.bytes - dataStart), dataStart };
}

function readValue(cursor: Cursor, type: number, name: string): GgufValue | null {
  if (type === STRING) return cursor.text();
  const quoted = JSON.stringify(name.slice(0, 60));
  if (type !== ARRAY) {
    const [size, read] = NUMBERS[type] ?? refuse(cursor, `${quoted} has the unknown type ${type}`);
    return cursor.number(size, read);
  }
  const inner = cursor.u32();
  const length = cursor.u64();
  if (inner === STRING) {
    for (let i = 0; i < length; i++) cursor.skip(cursor.u64());
    return null;
  }
  const [size, read] = NUMBERS[inner] ?? refuse(cursor, `${quoted} is an array of type ${inner}`);
  if (length > MAX_KEPT) {
    cursor.skip(length * size);
    return null;
  }
  cursor.kept.spent(length);
  return Array.from({ length }, () => cursor.number(size, read)) as readonly number[] | readonly boolean[];
}

function refuse(cursor: Cursor, why: string): never {
  throw cursor.broken(why);
}

function readTensor(cursor: Cursor): DescribedTensor {
  const name = cursor.text();
  const dimensions = cursor.u32();
  if (dimensions > MAX_DIMENSIONS) throw cursor.broken(`tensor ${JSON.stringify(name.slice(0, 60))} has ${dimensions} dimensions`);
  const shape = Array.from({ length: dimensions }, () => cursor.u64());
  const elements = shape.reduce((product, side) => product * side, 1);
  if (!Number.isSafeInteger(elements))
    throw cursor.broken(`tensor ${JSON.stringify(name.slice(0, 60))} has the shape ${shape.join(' x ')}`);
  return { name, shape, elements, type: cursor.u32(), offset: cursor.u64() };
}
