// Bytes of a trace: file, standard input, gzip or zstd. Streams go to a temporary file.
import { messageOf, UserError } from '../base/errors.js';
import { closeTemporary, temporaryFile, writeTemporary } from '../base/files.js';
import { textOf } from '../base/host/bytes.js';
import { gunzipping, pipe } from '../base/host/compression.js';
import { newSha256 } from '../base/host/hash.js';
import { InputFile } from '../base/input-file.js';
import type { Decompressor } from './zstd.js';

/** Bytes read to recognise a format. */
const HEAD_BYTES = 64 * 1024;
/** Hashes by file state: a sweep reads the same files repeatedly. */
const HASHES = new Map<string, string>();
/** Most remembered hashes. */
const MOST_HASHES = 256;
/** Maximum decompression ratio of streams beyond {@link BOMB_FLOOR} bytes. Traces compress 3 to 60 times. */
const BOMB_RATIO = 400;
/** Bytes of a stream of any decompression ratio. */
const BOMB_FLOOR = 64 * 1024 * 1024;

/** Open trace file with random access. */
export class TraceSource {
  /** As named by the user; `-` is standard input. */
  readonly path: string;
  /** Decompressed. */
  readonly bytes: number;
  /** At most 64 KiB. */
  readonly head: Uint8Array;
  /** {@link head} as text; empty if binary (has a zero byte). */
  readonly text: string;
  readonly #file: InputFile;
  readonly #whole: TraceSource | null;
  #sha256: string | null = null;

  /** @param whole enclosing archive: hashed in place of the source, closed with it */
  constructor(file: InputFile, whole: TraceSource | null = null) {
    this.#file = file;
    this.#whole = whole;
    this.path = file.path;
    this.bytes = file.bytes;
    this.head = new Uint8Array(Math.min(HEAD_BYTES, this.bytes));
    this.read(0, this.head);
    this.text = this.head.includes(0) ? '' : textOf(this.head);
  }

  /** Fills `into` from byte `position`. @throws UserError at the end of the file */
  read(position: number, into: Uint8Array): void {
    this.#file.read(position, into);
  }

  /** Up to `length` bytes from `position`; fewer at the end. */
  part(position: number, length: number): Uint8Array {
    return this.#file.part(position, length);
  }

  /** @throws UserError beyond `limit` bytes */
  readAll(limit: number): Uint8Array {
    if (this.bytes > limit)
      throw new UserError(
        `${this.path}: ${this.bytes} bytes are too many for one document (at most ${limit}); write JSON lines, one reply a line`,
      );
    const all = new Uint8Array(this.bytes);
    this.read(0, all);
    return all;
  }

  /** SHA-256 of the decompressed bytes, hex. @throws UserError if the file changed since opening */
  sha256(): string {
    if (this.#whole !== null) return this.#whole.sha256();
    if (this.#sha256 !== null) return this.#sha256;
    const known = HASHES.get(this.#file.state);
    if (known !== undefined) {
      this.checkUnchanged();
      return (this.#sha256 = known);
    }
    const hash = newSha256();
    const block = new Uint8Array(1024 * 1024);
    for (let at = 0; at < this.bytes; at += block.length) {
      const part = block.subarray(0, Math.min(block.length, this.bytes - at));
      this.read(at, part);
      hash.update(part);
    }
    this.checkUnchanged();
    this.#sha256 = hash.digest('hex');
    HASHES.set(this.#file.state, this.#sha256);
    if (HASHES.size > MOST_HASHES) HASHES.delete(HASHES.keys().next().value!);
    return this.#sha256;
  }

  /** @throws UserError if the file changed since opening */
  checkUnchanged(): void {
    (this.#whole ?? this.#file).checkUnchanged();
  }

  close(): void {
    this.#file.close();
    this.#whole?.close();
  }
}

/** A file, or `-`; detects gzip and zstd. @throws UserError if unreadable or empty */
export async function openSource(path: string): Promise<TraceSource> {
  let source = new TraceSource(InputFile.open(path, 'trace'));
  try {
    const decompressor = await decompressorOf(source);
    if (decompressor !== null) {
      const content = await unpacked(source, [0, source.bytes], path, decompressor);
      source.checkUnchanged();
      source.close();
      source = new TraceSource(content);
    }
    if (source.bytes === 0) throw new UserError(`${path}: the trace is empty`);
    return source;
  } catch (error) {
    source.close();
    throw error;
  }
}

async function decompressorOf({ head, path }: TraceSource): Promise<Decompressor | null> {
  if (head[0] === 0x1f && head[1] === 0x8b) return { decode: gunzipping() };
  if (head[0] !== 0x28 || head[1] !== 0xb5 || head[2] !== 0x2f || head[3] !== 0xfd) return null;
  const { zstd } = await import('./zstd.js');
  return zstd(path);
}

/** Part of a source, in blocks. */
export function* sourceBlocks(source: TraceSource, from: number, bytes: number): Generator<Uint8Array, void, void> {
  for (let at = 0; at < bytes; at += HEAD_BYTES) {
    const block = new Uint8Array(Math.min(HEAD_BYTES, bytes - at));
    source.read(from + at, block);
    yield block;
  }
}

/** A part into a temporary file. @param range first byte, length @param watch of blocks @throws UserError if damaged */
export async function unpacked(
  source: TraceSource,
  [from, bytes]: readonly [number, number],
  place: string,
  { check, decode }: Decompressor,
  watch: (block: Uint8Array) => void = () => undefined,
): Promise<InputFile> {
  const fd = temporaryFile();
  let written = 0;
  let refusal: unknown = null;
  const take = (block: Uint8Array): void => {
    written += block.length;
    if (written > BOMB_FLOOR && written > BOMB_RATIO * bytes)
      throw new UserError(
        `${place}: unpacks to more than ${BOMB_RATIO} times its size, which no trace does; decompress it yourself if you trust it`,
      );
    watch(block);
    writeTemporary(fd, block);
  };
  const sink = async (stream: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const block of stream) {
      try {
        take(block);
      } catch (error) {
        refusal = error;
        throw error;
      }
    }
  };
  try {
    await pipe(sourceBlocks(source, from, bytes), check === undefined ? [decode] : [check, decode], sink);
  } catch (error) {
    closeTemporary(fd);
    if (error instanceof UserError) throw error;
    throw refusal ?? new UserError(`${place}: cannot be decompressed: ${messageOf(error)}`);
  }
  return new InputFile(place, fd);
}
