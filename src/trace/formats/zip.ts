// The zip container of .npz and .pt files: central directory, stored and deflated entries. Sizes are checked before an entry is read or
// unpacked, and its checksum before its content is used.
import { crc32, createInflateRaw, inflateRawSync } from 'node:zlib';
import { messageOf, UserError } from '../../base/errors.js';
import { sourceBlocks, TraceSource, unpacked } from '../source.js';

/** One file in the archive. */
export interface ZipEntry {
  readonly name: string;
  /** 0 stored, 8 deflated. */
  readonly method: number;
  readonly packedBytes: number;
  readonly bytes: number;
  /** CRC-32 of the content. */
  readonly crc: number;
  /** Byte offset of the local header. */
  readonly header: number;
}

const END_BYTES = 22;
/** Maximum number of entries of an archive, and of bytes of their directory: a recording has one or a few entries for each pass. */
const MOST_ENTRIES = 100_000;
const MOST_DIRECTORY_BYTES = 16 * 1024 * 1024;
/** 32-bit fields with this value stand for a 64-bit one. */
const WIDE = 0xffffffff;

/** True where a file begins with a zip entry. */
export function looksLikeZip(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x4b && head[2] === 3 && head[3] === 4;
}

/** An open archive. */
export class ZipArchive {
  readonly entries: readonly ZipEntry[];
  readonly #source: TraceSource;

  /** @throws UserError where the directory is damaged */
  constructor(source: TraceSource) {
    this.#source = source;
    this.entries = directoryOf(source);
  }

  /**
   * Content of an entry.
   * @throws UserError where it is damaged, packed in an unknown way, or larger than `limit` bytes
   */
  read(entry: ZipEntry, limit: number): Buffer {
    const { path } = this.#source;
    const place = `${path}: ${entry.name}`;
    if (entry.bytes > limit || entry.packedBytes > limit)
      throw new UserError(`${place}: ${entry.bytes} bytes are more than a trace needs (at most ${limit})`);
    const packed = this.#bytes(this.dataOffset(entry), entry.packedBytes);
    const content = entry.method === 0 ? packed : this.#inflated(entry, packed);
    if (content.length !== entry.bytes)
      throw new UserError(`${place}: unpacks to another size than the directory says; the file is damaged`);
    if (crc32(content) !== entry.crc) throw damaged(place);
    return content;
  }

  /**
   * A deflated entry of any size, in a temporary file.
   * @throws UserError where it is damaged, packed in an unknown way, or grows beyond what a recording does
   */
  async unpacked(entry: ZipEntry): Promise<TraceSource> {
    const place = `${this.#source.path}: ${entry.name}`;
    this.#demandDeflated(entry);
    let crc = 0;
    const content = await unpacked(
      this.#source,
      [this.dataOffset(entry), entry.packedBytes],
      place,
      { decode: createInflateRaw() },
      (block) => {
        crc = crc32(block, crc);
      },
    );
    if (content.bytes === entry.bytes && crc === entry.crc) return new TraceSource(content, this.#source);
    content.close();
    throw damaged(place);
  }

  /**
   * Checks a stored entry, which is read in place.
   * @throws UserError if its checksum differs
   */
  checkStored(entry: ZipEntry): void {
    let crc = 0;
    for (const block of sourceBlocks(this.#source, this.dataOffset(entry), entry.packedBytes)) crc = crc32(block, crc);
    if (crc !== entry.crc || entry.packedBytes !== entry.bytes) throw damaged(`${this.#source.path}: ${entry.name}`);
  }

  #inflated(entry: ZipEntry, packed: Buffer): Buffer {
    this.#demandDeflated(entry);
    try {
      return inflateRawSync(packed, { maxOutputLength: Math.max(1, entry.bytes) });
    } catch (error) {
      throw new UserError(`${this.#source.path}: ${entry.name}: cannot be unpacked: ${messageOf(error)}`);
    }
  }

  #demandDeflated({ method, name }: ZipEntry): void {
    if (method !== 8) throw new UserError(`${this.#source.path}: ${name}: zip method ${method} is unknown; store or deflate it`);
  }

  /** Byte offset of an entry's data in the file. */
  dataOffset(entry: ZipEntry): number {
    const local = this.#bytes(entry.header, 30);
    if (local.readUInt32LE(0) !== 0x04034b50) throw new UserError(`${this.#source.path}: ${entry.name}: its zip header is damaged`);
    const offset = entry.header + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
    if (offset + entry.packedBytes > this.#source.bytes)
      throw new UserError(`${this.#source.path}: ${entry.name}: goes beyond the end; the file was cut short`);
    return offset;
  }

  #bytes(position: number, length: number): Buffer {
    if (position + length > this.#source.bytes)
      throw new UserError(`${this.#source.path}: the zip directory points outside the file; it was cut short`);
    const bytes = Buffer.alloc(length);
    this.#source.read(position, bytes);
    return bytes;
  }
}

function damaged(place: string): UserError {
  return new UserError(`${place}: its checksum is another one; the file is damaged, record or copy it again`);
}

function directoryOf(source: TraceSource): ZipEntry[] {
  const { path, bytes } = source;
  const tail = Buffer.alloc(Math.min(bytes, END_BYTES + 0xffff));
  source.read(bytes - tail.length, tail);
  const end = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  if (end < 0 || end + END_BYTES > tail.length) throw new UserError(`${path}: the zip directory is missing; the file was cut short`);
  let count = tail.readUInt16LE(end + 10);
  let size = tail.readUInt32LE(end + 12);
  let offset = tail.readUInt32LE(end + 16);
  if (count === 0xffff || size === WIDE || offset === WIDE) {
    const locator = end - 20;
    if (locator < 0 || tail.readUInt32LE(locator) !== 0x07064b50) throw new UserError(`${path}: the zip64 directory is missing`);
    const record = Buffer.alloc(56);
    const at = Number(tail.readBigUInt64LE(locator + 8));
    if (at + 56 > bytes) throw new UserError(`${path}: the zip64 directory points outside the file`);
    source.read(at, record);
    count = Number(record.readBigUInt64LE(32));
    size = Number(record.readBigUInt64LE(40));
    offset = Number(record.readBigUInt64LE(48));
  }
  if (count > MOST_ENTRIES || size > MOST_DIRECTORY_BYTES)
    throw new UserError(`${path}: has ${count} members with a directory of ${size} bytes; no recording has so many`);
  if (offset + size > bytes) throw new UserError(`${path}: the zip directory points outside the file; it is damaged`);
  const directory = Buffer.alloc(size);
  source.read(offset, directory);
  const entries: ZipEntry[] = [];
  for (let at = 0; entries.length < count; ) {
    if (at + 46 > size || directory.readUInt32LE(at) !== 0x02014b50) throw new UserError(`${path}: the zip directory is damaged`);
    const nameBytes = directory.readUInt16LE(at + 28);
    const extraBytes = directory.readUInt16LE(at + 30);
    const next = at + 46 + nameBytes + extraBytes + directory.readUInt16LE(at + 32);
    if (next > size) throw new UserError(`${path}: the zip directory is damaged`);
    const extra = directory.subarray(at + 46 + nameBytes, at + 46 + nameBytes + extraBytes);
    const wide = wideFields(extra);
    const take = (narrow: number): number => (narrow === WIDE ? (wide.shift() ?? narrow) : narrow);
    // The order of the 64-bit fields is fixed: size, packed size, header offset.
    const unpackedBytes = take(directory.readUInt32LE(at + 24));
    const packedBytes = take(directory.readUInt32LE(at + 20));
    const header = take(directory.readUInt32LE(at + 42));
    entries.push({
      name: directory.toString('utf8', at + 46, at + 46 + nameBytes),
      method: directory.readUInt16LE(at + 10),
      packedBytes,
      bytes: unpackedBytes,
      crc: directory.readUInt32LE(at + 16),
      header,
    });
    at = next;
  }
  return entries;
}

/** 64-bit values of the zip64 extra field, in order. */
function wideFields(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === 1) {
      const values: number[] = [];
      for (let field = at + 4; field + 8 <= Math.min(extra.length, at + 4 + length); field += 8)
        values.push(Number(extra.readBigUInt64LE(field)));
      return values;
    }
    at += 4 + length;
  }
  return [];
}
