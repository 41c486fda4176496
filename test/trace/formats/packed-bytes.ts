// Packed files, built byte by byte: zstd frames of raw blocks, and Parquet tables with the encodings that writers use.
import { brotliCompressSync, gzipSync } from 'node:zlib';

/** A zstd frame of raw blocks; `window` is written where it differs from the content's size (RFC 8878, 3.1.1). */
export function zstdBytes(content: Uint8Array, window: { exponent: number } | null = null): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(content.length);
  // Four bytes of content size; one segment unless a window is asked for.
  const head = window === null ? [0xa0, ...size] : [0x80, window.exponent << 3, ...size];
  const parts: Uint8Array[] = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, ...head])];
  const blocks = Math.max(1, Math.ceil(content.length / 65536));
  for (let i = 0; i < blocks; i++) {
    const part = content.subarray(i * 65536, (i + 1) * 65536);
    const word = (part.length << 3) | (i === blocks - 1 ? 1 : 0);
    parts.push(Buffer.from([word & 255, (word >> 8) & 255, word >> 16]), part);
  }
  return Buffer.concat(parts);
}

/** A zstd frame of blocks that repeat one byte: `blocks` times 128 KiB, the most that 4 bytes can claim. */
export function zstdBomb(blocks: number): Buffer {
  const word = ((128 << 10) << 3) | (1 << 1);
  const block = Buffer.from([word & 255, (word >> 8) & 255, word >> 16, 0x20]);
  const last = Buffer.from(block);
  last[0]! |= 1;
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 7 << 3]), ...new Array<Buffer>(blocks - 1).fill(block), last]);
}

/** A column to write: one value per row; lists make a LIST column of whole numbers. */
export interface Column {
  readonly name: string;
  readonly type: 'INT32' | 'INT64' | 'FLOAT' | 'BYTE_ARRAY';
  readonly values: readonly (number | string | readonly number[])[];
  readonly dictionary?: boolean;
  /** Second version of data pages. */
  readonly v2?: boolean;
}

export type Codec = 'UNCOMPRESSED' | 'SNAPPY' | 'GZIP' | 'BROTLI' | 'ZSTD';

const TYPES = { INT32: 1, INT64: 2, FLOAT: 4, BYTE_ARRAY: 6 } as const;
const CODECS = { UNCOMPRESSED: 0, SNAPPY: 1, GZIP: 2, BROTLI: 4, ZSTD: 6 } as const;

/** A Parquet file of row groups of `groupRows` rows. */
export function parquetBytes(columns: readonly Column[], codec: Codec = 'UNCOMPRESSED', groupRows = 1_000_000): Buffer {
  const parts: Buffer[] = [Buffer.from('PAR1')];
  let offset = 4;
  const append = (bytes: Buffer): number => {
    parts.push(bytes);
    offset += bytes.length;
    return offset - bytes.length;
  };
  const rows = columns[0]!.values.length;
  const groups: Field[][] = [];
  for (let start = 0; start < rows; start += groupRows) {
    const count = Math.min(groupRows, rows - start);
    const chunks = columns.map((column) => columnChunk(column, column.values.slice(start, start + count), codec, append));
    groups.push([
      [1, list(12, chunks)],
      [2, i64(0)],
      [3, i64(count)],
    ]);
  }
  const root = struct([
    [4, binary('schema')],
    [5, i32(columns.length)],
  ]);
  const footer = struct([
    [1, i32(1)],
    [2, list(12, [root, ...columns.flatMap(schemaOf)])],
    [3, i64(rows)],
    [4, list(12, groups.map(struct))],
  ]);
  return Buffer.concat([...parts, footer, u32(footer.length), Buffer.from('PAR1')]);
}

/**
 * Writes the pages of a column chunk.
 * @param append takes bytes, and returns where in the file they begin
 * @returns its metadata
 */
function columnChunk(column: Column, lists: Column['values'], codec: Codec, append: (bytes: Buffer) => number): Buffer {
  const nested = Array.isArray(lists[0]);
  const values = lists.flat() as (number | string)[];
  const begin = append(Buffer.alloc(0));
  const entries = [...new Set(values)];
  const dictionary = column.dictionary === true ? append(page(codec, 'dictionary', plain(column.type, entries), [entries.length])) : null;
  const body = dictionary === null ? plain(column.type, values) : indices(values, entries);
  const encoding = dictionary === null ? 0 : 8;
  const levels = nested ? levelsOf(lists as readonly (readonly number[])[]) : [];
  const data =
    column.v2 === true
      ? append(page(codec, 'v2', body, [values.length, lists.length, encoding], levels))
      : append(
          page(codec, 'v1', Buffer.concat([...levels.flatMap((level) => [u32(level.length), level]), body]), [values.length, encoding]),
        );
  const length = append(Buffer.alloc(0)) - begin;
  const path = nested ? [column.name, 'list', 'element'] : [column.name];
  const meta: Field[] = [
    [1, i32(TYPES[column.type])],
    [2, list(5, [varint(zigzag(encoding))])],
    [3, list(8, path.map(text))],
    [4, i32(CODECS[codec])],
    [5, i64(values.length)],
    [6, i64(length)],
    [7, i64(length)],
    [9, i64(data)],
    ...(dictionary === null ? [] : [[11, i64(dictionary)] as Field]),
  ];
  return struct([
    [2, i64(begin)],
    [3, { type: 12, bytes: struct(meta) }],
  ]);
}

/** Repetition and definition levels of a LIST column. */
function levelsOf(lists: readonly (readonly number[])[]): Buffer[] {
  const repetition = lists.flatMap((list) => list.map((_, i) => (i === 0 ? 0 : 1)));
  return [
    packed(repetition, 1),
    packed(
      repetition.map(() => 3),
      2,
    ),
  ];
}

/** Schema elements of a column. */
function schemaOf({ name, type, values }: Column): Buffer[] {
  if (!Array.isArray(values[0])) {
    return [struct([[1, i32(TYPES[type])], [3, i32(0)], [4, binary(name)], ...(type === 'BYTE_ARRAY' ? [[6, i32(0)] as Field] : [])])];
  }
  return [
    struct([
      [3, i32(1)],
      [4, binary(name)],
      [5, i32(1)],
      [6, i32(3)],
    ]),
    struct([
      [3, i32(2)],
      [4, binary('list')],
      [5, i32(1)],
    ]),
    struct([
      [1, i32(TYPES[type])],
      [3, i32(1)],
      [4, binary('element')],
    ]),
  ];
}

/** A page with its header. */
function page(
  codec: Codec,
  kind: 'dictionary' | 'v1' | 'v2',
  body: Buffer,
  counts: readonly number[],
  levels: readonly Buffer[] = [],
): Buffer {
  const packedBody = compress(codec, body);
  const outside = levels.reduce((sum, level) => sum + level.length, 0);
  const header: Record<typeof kind, Field> = {
    dictionary: [
      7,
      {
        type: 12,
        bytes: struct([
          [1, i32(counts[0]!)],
          [2, i32(0)],
        ]),
      },
    ],
    v1: [
      5,
      {
        type: 12,
        bytes: struct([
          [1, i32(counts[0]!)],
          [2, i32(counts[1] ?? 0)],
          [3, i32(3)],
          [4, i32(3)],
        ]),
      },
    ],
    v2: [
      8,
      {
        type: 12,
        bytes: struct([
          [1, i32(counts[0]!)],
          [2, i32(0)],
          [3, i32(counts[1] ?? 0)],
          [4, i32(counts[2] ?? 0)],
          [5, i32(levels[1]?.length ?? 0)],
          [6, i32(levels[0]?.length ?? 0)],
        ]),
      },
    ],
  };
  const head = struct([
    [1, i32({ dictionary: 2, v1: 0, v2: 3 }[kind])],
    [2, i32(body.length + outside)],
    [3, i32(packedBody.length + outside)],
    header[kind],
  ]);
  return Buffer.concat([head, ...levels, packedBody]);
}

function compress(codec: Codec, body: Buffer): Buffer {
  if (codec === 'GZIP') return gzipSync(body);
  if (codec === 'ZSTD') return zstdBytes(body);
  if (codec === 'BROTLI') return brotliCompressSync(body);
  if (codec === 'UNCOMPRESSED') return body;
  // Snappy of one literal: the length, then a tag of 60 + 1 with two bytes of length - 1.
  const length = body.length - 1;
  return Buffer.concat([varint(body.length), Buffer.from([61 << 2, length & 255, length >> 8]), body]);
}

function plain(type: Column['type'], values: readonly (number | string)[]): Buffer {
  if (type === 'INT32') return Buffer.from(Int32Array.from(values as number[]).buffer);
  if (type === 'INT64') return Buffer.from(BigInt64Array.from(values as number[], BigInt).buffer);
  if (type === 'FLOAT') return Buffer.from(Float32Array.from(values as number[]).buffer);
  return Buffer.concat(values.flatMap((value) => [u32(Buffer.byteLength(String(value))), Buffer.from(String(value))]));
}

function indices(values: readonly (number | string)[], entries: readonly (number | string)[]): Buffer {
  const width = Math.max(1, 32 - Math.clz32(entries.length - 1));
  return Buffer.concat([
    Buffer.from([width]),
    packed(
      values.map((value) => entries.indexOf(value)),
      width,
    ),
  ]);
}

/** One bit-packed run; one value alone becomes a run length. */
function packed(values: readonly number[], width: number): Buffer {
  if (values.every((value) => value === values[0])) return Buffer.concat([varint(values.length << 1), Buffer.from([values[0]!])]);
  const groups = Math.ceil(values.length / 8);
  const bits = Buffer.alloc(groups * width);
  values.forEach((value, i) => {
    for (let bit = 0; bit < width; bit++) if ((value >> bit) & 1) bits[(i * width + bit) >> 3]! |= 1 << ((i * width + bit) & 7);
  });
  return Buffer.concat([varint((groups << 1) | 1), bits]);
}

// Thrift's compact protocol, as far as Parquet needs it.

interface Value {
  readonly type: number;
  readonly bytes: Buffer;
}
type Field = readonly [id: number, value: Value];

function struct(fields: readonly Field[]): Buffer {
  let last = 0;
  const parts = fields.flatMap(([id, { type, bytes }]) => {
    const head = Buffer.from([((id - last) << 4) | type]);
    last = id;
    return [head, bytes];
  });
  return Buffer.concat([...parts, Buffer.from([0])]);
}

function list(type: number, items: readonly Buffer[]): Value {
  const head =
    items.length < 15 ? Buffer.from([(items.length << 4) | type]) : Buffer.concat([Buffer.from([0xf0 | type]), varint(items.length)]);
  return { type: 9, bytes: Buffer.concat([head, ...items]) };
}

function i32(value: number): Value {
  return { type: 5, bytes: varint(zigzag(value)) };
}

function i64(value: number): Value {
  return { type: 6, bytes: varint(zigzag(value)) };
}

function binary(value: string): Value {
  return { type: 8, bytes: text(value) };
}

function text(value: string): Buffer {
  return Buffer.concat([varint(Buffer.byteLength(value)), Buffer.from(value)]);
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
