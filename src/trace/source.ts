// The bytes of a trace, whatever they came in: a file, standard input, a gzip or zstd stream, which is unpacked into a nameless
// temporary file so that every format may seek and read twice.
import { createHash } from 'node:crypto';
import { closeSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as zlib from 'node:zlib';
import { messageOf, UserError } from '../base/errors.js';
import { attempt, temporaryFile } from '../base/files.js';
import { InputFile } from '../base/input-file.js';

/** Bytes of the beginning of a file that recognise its format. */
const HEAD_BYTES = 64 * 1024;
/** A stream that grows beyond {@link BOMB_FLOOR} may not be more than so many times its compressed size. Traces compress 3 to 60 times. */
const BOMB_RATIO = 400;
const BOMB_FLOOR = 64 * 1024 * 1024;

/** An open trace file that can be read at any offset. */
export class TraceSource {
  /** As the user named it; `-` is standard input. */
  readonly path: string;
  /** Size in bytes, decompressed. */
  readonly bytes: number;
  /** The first bytes, at most 64 KiB. */
  readonly head: Uint8Array;
  /** {@link head} as text; empty where it is binary (holds a zero byte). */
  readonly text: string;
  readonly #file: InputFile;
  #sha256: string | null = null;

  constructor(file: InputFile) {
    this.#file = file;
    this.path = file.path;
    this.bytes = file.bytes;
    this.head = new Uint8Array(Math.min(HEAD_BYTES, this.bytes));
    this.read(0, this.head);
    this.text = this.head.includes(0) ? '' : Buffer.from(this.head.buffer, 0, this.head.length).toString('utf8');
  }

  /**
   * Fills `into` from byte `position`.
   * @throws UserError where the file ends before
   */
  read(position: number, into: Uint8Array): void {
    this.#file.read(position, into);
  }

  /**
   * The whole content.
   * @throws UserError where it is larger than `limit` bytes
   */
  readAll(limit: number): Buffer {
    if (this.bytes > limit) {
      throw new UserError(
        `${this.path}: ${this.bytes} bytes are too many for one document (at most ${limit}); write JSON lines, one reply a line`,
      );
    }
    const all = Buffer.alloc(this.bytes);
    this.read(0, all);
    return all;
  }

  /**
   * SHA-256 of the (decompressed) bytes, hex.
   * @throws UserError where the file was changed since it was opened
   */
  sha256(): string {
    if (this.#sha256 !== null) return this.#sha256;
    const hash = createHash('sha256');
    const block = Buffer.alloc(1024 * 1024);
    for (let at = 0; at < this.bytes; at += block.length) {
      const part = block.subarray(0, Math.min(block.length, this.bytes - at));
      this.read(at, part);
      hash.update(part);
    }
    this.checkUnchanged();
    return (this.#sha256 = hash.digest('hex'));
  }

  /** @throws UserError where the file was changed since it was opened */
  checkUnchanged(): void {
    this.#file.checkUnchanged();
  }

  close(): void {
    this.#file.close();
  }
}

/**
 * Opens a trace file; `-` reads standard input. gzip and zstd are recognised by their first bytes.
 * @throws UserError where it cannot be read or is empty
 */
export async function openSource(path: string): Promise<TraceSource> {
  let source = new TraceSource(InputFile.open(path, 'trace'));
  try {
    const decompressor = await decompressorFor(source);
    if (decompressor !== null) {
      const unpacked = await unpack(source, decompressor);
      source.checkUnchanged();
      source.close();
      source = unpacked;
    }
    if (source.bytes === 0) throw new UserError(`${path}: the trace is empty`);
    return source;
  } catch (error) {
    source.close();
    throw error;
  }
}

/** A step of a stream: bytes in, other bytes out. */
type Decompressor = Transform | ((input: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>);

async function decompressorFor({ head, path }: TraceSource): Promise<Decompressor | null> {
  if (head[0] === 0x1f && head[1] === 0x8b) return zlib.createGunzip();
  if (head[0] !== 0x28 || head[1] !== 0xb5 || head[2] !== 0x2f || head[3] !== 0xfd) return null;
  const { createZstdDecompress } = zlib as { createZstdDecompress?: () => Transform };
  if (createZstdDecompress !== undefined) return createZstdDecompress();
  const { unzstd } = await import('./zstd.js');
  return unzstd(path);
}

function* blocksOf(source: TraceSource): Generator<Uint8Array, void, void> {
  for (let at = 0; at < source.bytes; at += HEAD_BYTES) {
    const block = new Uint8Array(Math.min(HEAD_BYTES, source.bytes - at));
    source.read(at, block);
    yield block;
  }
}

async function unpack(source: TraceSource, decompressor: Decompressor): Promise<TraceSource> {
  const { path } = source;
  const fd = temporaryFile();
  let written = 0;
  let refusal: unknown = null;
  const take = (block: Uint8Array): void => {
    written += block.length;
    if (written > BOMB_FLOOR && written > BOMB_RATIO * source.bytes) {
      throw new UserError(
        `${path}: unpacks to more than ${BOMB_RATIO} times its size, which no trace does; decompress it yourself if you trust it`,
      );
    }
    attempt(tmpdir(), () => {
      for (let done = 0; done < block.length; ) done += writeSync(fd, block, done);
    });
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
    await pipeline(Readable.from(blocksOf(source)), decompressor, sink);
  } catch (error) {
    closeSync(fd);
    // A refused stream ends in one of several errors, whichever side noticed first.
    if (error instanceof UserError) throw error;
    throw refusal ?? new UserError(`${path}: cannot be decompressed: ${messageOf(error)}`);
  }
  return new TraceSource(new InputFile(path, fd));
}
