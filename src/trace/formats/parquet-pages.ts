// Checks Parquet pages before hyparquet, which could allocate gigabytes or loop forever.
// https://parquet.apache.org/docs/file-format/
import type { ColumnMetaData, Compressors, SchemaTree } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { viewOf } from '../../base/host/bytes.js';
import { crc32 } from '../../base/host/compression.js';

/** Maximum unpacked page, bytes. Writers use 1 MiB. */
const PAGE_LIMIT = 64 * 1024 * 1024;
/** Surplus values allowed in a run: bit-packed runs come in groups of eight. */
const RUN_SLACK = 512;

/** Repeating and optional levels of a column. */
interface NestingLevels {
  readonly repetition: number;
  readonly definition: number;
}

/** Levels of a column by path of schema nodes, without the root. */
export function nestingLevelsOf(path: readonly SchemaTree[]): NestingLevels {
  const kinds = path.map(({ element }) => element.repetition_type);
  return {
    repetition: kinds.filter((kind) => kind === 'REPEATED').length,
    definition: kinds.filter((kind) => kind !== 'REQUIRED').length,
  };
}

/** Decompressors limited to the page size. */
export function boundedCompressors(compressors: Compressors, zstd: (input: Uint8Array, output: Uint8Array) => Uint8Array): Compressors {
  const bounded: Compressors = {};
  const all: Compressors = { ...compressors, ZSTD: (input, length) => zstd(input, new Uint8Array(length)) };
  for (const [codec, decompress] of Object.entries(all) as [keyof Compressors, NonNullable<Compressors[keyof Compressors]>][])
    bounded[codec] = (input, length) => {
      if (!(length >= 0 && length <= PAGE_LIMIT)) throw new Error(`a page of ${length} bytes is larger than any writer makes`);
      return decompress(input, length);
    };
  return bounded;
}

/** @param rows of the row group @throws Error if a page or run exceeds the chunk */
export function checkPages(
  bytes: ArrayBuffer,
  column: ColumnMetaData,
  levels: NestingLevels,
  rows: number,
  compressors: Compressors,
): void {
  const reader = { view: new DataView(bytes), offset: 0 };
  const most = Number(column.num_values);
  let values = 0;
  // hyparquet reads flat columns up to `rows`, nested columns to the end of the chunk.
  while (reader.offset < bytes.byteLength - 1 && (levels.repetition > 0 || values < rows)) {
    const { type, compressed_page_size: size, uncompressed_page_size: unpacked, crc, ...header } = parquetHeader(reader);
    const from = reader.offset;
    if (!(size >= 0 && from + size <= bytes.byteLength)) throw new Error(`a page of ${size} bytes runs over the end of its column`);
    if (!(unpacked >= 0 && unpacked <= PAGE_LIMIT)) throw new Error(`a page of ${unpacked} bytes is larger than any writer makes`);
    const page = new Uint8Array(bytes, from, size);
    if (crc !== undefined && crc32(page) !== crc >>> 0) throw new Error('the checksum of a page is another one');
    reader.offset += size;
    if (type === 'DICTIONARY_PAGE') {
      const entries = header.dictionary_page_header?.num_values ?? 0;
      if (!(entries >= 0 && entries <= most)) throw new Error(`a dictionary of ${entries} entries for ${most} values`);
    } else if (type === 'DATA_PAGE' && header.data_page_header !== undefined) {
      const { num_values: count, encoding } = header.data_page_header;
      if (!(count > 0 && values + count <= most)) throw new Error(`pages hold more than the ${most} values of their column`);
      values += count;
      checkBytes(unpack(page, unpacked, column.codec, compressors), encoding, levels, count);
    } else if (type === 'DATA_PAGE_V2' && header.data_page_header_v2 !== undefined) {
      const { num_values: count, num_nulls: nulls, encoding, is_compressed: packed, ...v2 } = header.data_page_header_v2;
      const { repetition_levels_byte_length: repetition, definition_levels_byte_length: definition } = v2;
      if (!(count > 0 && values + count <= most && nulls >= 0 && nulls <= count))
        throw new Error(`pages hold more than the ${most} values of their column`);
      if (!(repetition >= 0 && definition >= 0 && repetition + definition <= size))
        throw new Error('levels run over the end of their page');
      values += count;
      const view = viewOf(page);
      if (levels.repetition > 0) checkRuns(view, 0, widthOf(levels.repetition), count);
      if (levels.definition > 0) checkRuns(view, repetition, widthOf(levels.definition), count);
      const data = page.subarray(repetition + definition);
      const body = packed === false ? data : unpack(data, unpacked - repetition - definition, column.codec, compressors);
      checkBytes(body, encoding, { repetition: 0, definition: 0 }, count - nulls);
    } else throw new Error(`page type ${type} is not known`);
  }
}

function checkBytes(page: Uint8Array, encoding: string, levels: NestingLevels, count: number): void {
  const view = viewOf(page);
  let offset = 0;
  for (const level of [levels.repetition, levels.definition]) {
    if (level === 0) continue;
    const length = view.getUint32(offset, true);
    checkRuns(view, offset + 4, widthOf(level), count);
    offset += 4 + length;
  }
  if (encoding === 'RLE_DICTIONARY' || encoding === 'PLAIN_DICTIONARY') {
    const width = view.getUint8(offset);
    if (width > 32) throw new Error(`dictionary indices of ${width} bits`);
    // Nulls have no index, so fewer than `count` values may follow.
    if (width > 0) checkRuns(view, offset + 1, width, count);
  } else if (encoding !== 'PLAIN' && encoding !== 'DELTA_BINARY_PACKED' && encoding !== 'BYTE_STREAM_SPLIT') {
    throw new Error(`encoding ${encoding} is not read; write it with plain or dictionary encoding`);
  }
}

/** Checks hybrid runs (run length or bit-packed). */
function checkRuns(view: DataView, from: number, width: number, count: number): void {
  let at = from;
  for (let seen = 0; seen < count && at < view.byteLength; ) {
    let header = 0;
    for (let shift = 0, byte = 0x80; byte & 0x80; shift += 7) {
      if (shift > 28) throw new Error('a run length of more than 32 bits');
      byte = view.getUint8(at++);
      header |= (byte & 0x7f) << shift;
    }
    const packed = (header & 1) === 1;
    const length = packed ? (header >> 1) * 8 : header >>> 1;
    if (length < 0 || length > count - seen + RUN_SLACK) throw new Error(`a run of ${length} values where ${count - seen} are missing`);
    at += packed ? (length / 8) * width : (width + 7) >> 3;
    seen += length;
  }
}

function unpack(page: Uint8Array, unpacked: number, codec: ColumnMetaData['codec'], compressors: Compressors): Uint8Array {
  if (codec === 'UNCOMPRESSED') return page;
  const decompress = compressors[codec];
  if (decompress === undefined) throw new Error(`compression ${codec} is not read`);
  return decompress(page, unpacked);
}

const widthOf = (level: number): number => 32 - Math.clz32(level);
