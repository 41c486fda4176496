import { messageOf, UserError } from '../../base/errors.js';
import { textOf, viewOf } from '../../base/host/bytes.js';
import { crc32, inflated, inflating } from '../../base/host/compression.js';
import { sourceBlocks, TraceSource, unpacked } from '../source.js';

/** File in an archive. */
export interface ZipEntry {
  readonly name: string;
  /** 0 stored, 8 deflated. */
  readonly method: number;
  readonly packedBytes: number;
  readonly bytes: number;
  readonly crc: number;
  readonly header: number;
}

/** Bytes of the end record without comment. */
const END_BYTES = 22;
/** Maximum entries, and directory bytes: recordings have one or a few entries per pass. */
const MOST_ENTRIES = 100_000;
const MOST_DIRECTORY_BYTES = 16 * 1024 * 1024;
/** 32-bit value that refers to a 64-bit field. */
const WIDE = 0xffffffff;

/** True if a file begins with a zip entry. */
export const looksLikeZip = (head: Uint8Array): boolean => head[0] === 0x50 && head[1] === 0x4b && head[2] === 3 && head[3] === 4;

/** Zip container of .npz and .pt files, stored or deflated, verified. */
export class ZipArchive {
  readonly entries: readonly ZipEntry[];
  readonly #source: TraceSource;

  /** @throws UserError if the directory is damaged */
  constructor(source: TraceSource) {
    this.#source = source;
    this.entries = directoryOf(source);
  }

  /** Content of an entry. @throws UserError if damaged, of unknown method, or larger than `limit` bytes */
  read(entry: ZipEntry, limit: number): Uint8Array {
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

  /** Deflated entry as a temporary file. @throws UserError as {@link read} */
  async unpacked(entry: ZipEntry): Promise<TraceSource> {
    const place = `${this.#source.path}: ${entry.name}`;
    this.#demandDeflated(entry);
    let crc = 0;
    const content = await unpacked(this.#source, [this.dataOffset(entry), entry.packedBytes], place, { decode: inflating() }, (block) => {
      crc = crc32(block, crc);
    });
    if (content.bytes === entry.bytes && crc === entry.crc) return new TraceSource(content, this.#source);
    content.close();
    throw damaged(place);
  }

  /** Verifies the checksum of a stored entry. @throws UserError */
  checkStored(entry: ZipEntry): void {
    let crc = 0;
    for (const block of sourceBlocks(this.#source, this.dataOffset(entry), entry.packedBytes)) crc = crc32(block, crc);
    if (crc !== entry.crc || entry.packedBytes !== entry.bytes) throw damaged(`${this.#source.path}: ${entry.name}`);
  }

  #inflated(entry: ZipEntry, packed: Uint8Array): Uint8Array {
    this.#demandDeflated(entry);
    try {
      return inflated(packed, Math.max(1, entry.bytes));
    } catch (error) {
      throw new UserError(`${this.#source.path}: ${entry.name}: cannot be unpacked: ${messageOf(error)}`);
    }
  }

  #demandDeflated({ method, name }: ZipEntry): void {
    if (method !== 8) throw new UserError(`${this.#source.path}: ${name}: zip method ${method} is unknown; store or deflate it`);
  }

  dataOffset(entry: ZipEntry): number {
    const local = viewOf(this.#bytes(entry.header, 30));
    if (local.getUint32(0, true) !== 0x04034b50) throw new UserError(`${this.#source.path}: ${entry.name}: its zip header is damaged`);
    const offset = entry.header + 30 + local.getUint16(26, true) + local.getUint16(28, true);
    if (offset + entry.packedBytes > this.#source.bytes)
      throw new UserError(`${this.#source.path}: ${entry.name}: goes beyond the end; the file was cut short`);
    return offset;
  }

  #bytes(position: number, length: number): Uint8Array {
    if (position + length > this.#source.bytes)
      throw new UserError(`${this.#source.path}: the zip directory points outside the file; it was cut short`);
    const bytes = new Uint8Array(length);
    this.#source.read(position, bytes);
    return bytes;
  }
}

const damaged = (place: string): UserError =>
  new UserError(`${place}: its checksum is another one; the file is damaged, record or copy it again`);

function directoryOf(source: TraceSource): ZipEntry[] {
  const { path, bytes } = source;
  const ending = new Uint8Array(Math.min(bytes, END_BYTES + 0xffff));
  source.read(bytes - ending.length, ending);
  const tail = viewOf(ending);
  let end = ending.length - 4;
  while (end >= 0 && tail.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0 || end + END_BYTES > ending.length) throw new UserError(`${path}: the zip directory is missing; the file was cut short`);
  let count = tail.getUint16(end + 10, true);
  let size = tail.getUint32(end + 12, true);
  let offset = tail.getUint32(end + 16, true);
  if (count === 0xffff || size === WIDE || offset === WIDE) {
    const locator = end - 20;
    if (locator < 0 || tail.getUint32(locator, true) !== 0x07064b50) throw new UserError(`${path}: the zip64 directory is missing`);
    const record = new Uint8Array(56);
    const at = Number(tail.getBigUint64(locator + 8, true));
    if (at + 56 > bytes) throw new UserError(`${path}: the zip64 directory points outside the file`);
    source.read(at, record);
    [count, size, offset] = [32, 40, 48].map((field) => Number(viewOf(record).getBigUint64(field, true))) as [number, number, number];
  }
  if (count > MOST_ENTRIES || size > MOST_DIRECTORY_BYTES)
    throw new UserError(`${path}: has ${count} members with a directory of ${size} bytes; no recording has so many`);
  if (offset + size > bytes) throw new UserError(`${path}: the zip directory points outside the file; it is damaged`);
  const content = new Uint8Array(size);
  source.read(offset, content);
  const directory = viewOf(content);
  const entries: ZipEntry[] = [];
  for (let at = 0; entries.length < count; ) {
    if (at + 46 > size || directory.getUint32(at, true) !== 0x02014b50) throw new UserError(`${path}: the zip directory is damaged`);
    const nameBytes = directory.getUint16(at + 28, true);
    const extraBytes = directory.getUint16(at + 30, true);
    const next = at + 46 + nameBytes + extraBytes + directory.getUint16(at + 32, true);
    if (next > size) throw new UserError(`${path}: the zip directory is damaged`);
    const extra = viewOf(content.subarray(at + 46 + nameBytes, at + 46 + nameBytes + extraBytes));
    const wide = wideFields(extra);
    const take = (narrow: number): number => (narrow === WIDE ? (wide.shift() ?? narrow) : narrow);
    // The 64-bit fields have a fixed order: size, packed size, header offset.
    const unpackedBytes = take(directory.getUint32(at + 24, true));
    const packedBytes = take(directory.getUint32(at + 20, true));
    const header = take(directory.getUint32(at + 42, true));
    entries.push({
      name: textOf(content, at + 46, at + 46 + nameBytes),
      method: directory.getUint16(at + 10, true),
      packedBytes,
      bytes: unpackedBytes,
      crc: directory.getUint32(at + 16, true),
      header,
    });
    at = next;
  }
  return entries;
}

function wideFields(extra: DataView): number[] {
  const end = extra.byteLength;
  for (let at = 0; at + 4 <= end; ) {
    const length = extra.getUint16(at + 2, true);
    if (extra.getUint16(at, true) === 1) {
      const values: number[] = [];
      for (let field = at + 4; field + 8 <= Math.min(end, at + 4 + length); field += 8)
        values.push(Number(extra.getBigUint64(field, true)));
      return values;
    }
    at += 4 + length;
  }
  return [];
}
