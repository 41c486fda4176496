// The bytes of a trace, whatever they came in: a file, standard input, a gzip or zstd stream. Streams are spooled to a nameless
// temporary file, so that every format may seek and read twice.
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as zlib from 'node:zlib';
import { messageOf, UserError } from '../base/errors.js';
import { attempt, temporaryFile } from '../base/files.js';

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
  readonly fd: number;
  #open = true;
  #sha256: string | null = null;

  constructor(path: string, fd: number) {
    this.path = path;
    this.fd = fd;
    this.bytes = fstatSync(fd).size;
    this.head = new Uint8Array(Math.min(HEAD_BYTES, this.bytes));
    this.read(0, this.head);
    this.text = this.head.includes(0) ? '' : Buffer.from(this.head.buffer, 0, this.head.length).toString('utf8');
  }

  /**
   * Fills `into` from byte `position`.
   * @throws UserError where the file ends before
   */
  read(position: number, into: Uint8Array): void {
    for (let done = 0; done < into.length; ) {
      const got = readSync(this.fd, into, done, into.length - done, position + done);
      if (got === 0)
        throw new UserError(`${this.path}: the file ends at byte ${position + done}; it was cut short, record or copy it again`);
      done += got;
    }
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

  /** SHA-256 of the (decompressed) bytes, hex. */
  sha256(): string {
    if (this.#sha256 !== null) return this.#sha256;
    const hash = createHash('sha256');
    const block = Buffer.alloc(1024 * 1024);
    for (let at = 0; at < this.bytes; at += block.length) {
      const part = block.subarray(0, Math.min(block.length, this.bytes - at));
      this.read(at, part);
      hash.update(part);
    }
    return (this.#sha256 = hash.digest('hex'));
  }

  close(): void {
    if (this.#open) closeSync(this.fd);
    this.#open = false;
  }
}

/**
 * Opens a trace file; `-` reads standard input. gzip and zstd are recognised by their first bytes.
 * @throws UserError where it cannot be read or is empty
 */
export async function openSource(path: string): Promise<TraceSource> {
  let source: TraceSource;
  if (path === '-') source = new TraceSource(path, await spool(path, process.stdin, null));
  else source = new TraceSource(path, openForReading(path));
  try {
    const decompressor = await decompressorFor(source);
    if (decompressor !== null) {
      const fd = await spool(path, Readable.from(blocksOf(source)), { decompressor, packedBytes: source.bytes });
      source.close();
      source = new TraceSource(path, fd);
    }
    if (source.bytes === 0) throw new UserError(`${path}: the trace is empty`);
    return source;
  } catch (error) {
    source.close();
    throw error;
  }
}

function openForReading(path: string): number {
  try {
    const fd = openSync(path, 'r');
    if (fstatSync(fd).isFile()) return fd;
    closeSync(fd);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'no permission to read it' : messageOf(error);
    throw new UserError(`${path}: cannot be read: ${why}`);
  }
  throw new UserError(`${path}: is not a file; name a trace file, or - for standard input`);
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

async function spool(path: string, input: Readable, packed: { decompressor: Decompressor; packedBytes: number } | null): Promise<number> {
  const fd = temporaryFile();
  let written = 0;
  let refusal: unknown = null;
  const take = (block: Uint8Array): void => {
    written += block.length;
    if (packed !== null && written > BOMB_FLOOR && written > BOMB_RATIO * packed.packedBytes) {
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
    if (packed === null) await pipeline(input, sink);
    else await pipeline(input, packed.decompressor, sink);
    return fd;
  } catch (error) {
    closeSync(fd);
    // A refused stream ends in one of several errors, whichever side noticed first.
    if (error instanceof UserError) throw error;
    throw refusal ?? new UserError(`${path}: cannot be ${packed === null ? 'read' : 'decompressed'}: ${messageOf(error)}`);
  }
}
