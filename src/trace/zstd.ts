// zstd frames (RFC 8878, section 3), walked because Node's decoder accepts a stream cut inside a frame. Before Node
// 22.15, fzstd decodes.
import { Decompress } from 'fzstd';
import { UserError } from '../base/errors.js';
import { type OwnStep, type StreamStep, unzstdding } from '../base/host/compression.js';
import { Xxh64 } from '../base/xxh64.js';

/** Maximum window of fzstd, bytes: levels up to 19. Every block moves the whole window. */
const WINDOW_LIMIT = 8 * 1024 * 1024;

/** Steps of unpacking a stream. */
export interface Decompressor {
  /** Passes packed bytes on, and detects damage that the decoder misses. */
  readonly check?: StreamStep;
  readonly decode: StreamStep | OwnStep;
}

const MAGIC = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd);

/** Decompressor for the current Node. @param path for messages */
export function zstd(path: string): Decompressor {
  const native = unzstdding();
  return native === null ? { decode: unzstd(path) } : { check: wholeFrames, decode: native };
}

/** Passes a stream on. @throws Error if the stream ends inside a frame */
export async function* wholeFrames(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const frames = new FrameWalker();
  for await (const piece of input) {
    for (let at = 0; at < piece.length; ) {
      const end = Math.min(piece.length, at + frames.remaining);
      frames.take(piece.subarray(at, end));
      at = end;
    }
    yield piece;
  }
  frames.checkEnd();
}

/** Without Node, checking sizes and checksums. @throws UserError for a large window @throws Error for damage */
export function unzstd(path: string): StreamStep {
  return async function* (input) {
    const out: Uint8Array[] = [];
    const frames = new FrameWalker();
    let decoder = new Decompress();
    let hash = new Xxh64();
    let bytes = 0;
    for await (const piece of input) {
      for (let at = 0; at < piece.length; ) {
        const part = piece.subarray(at, at + frames.remaining);
        at += part.length;
        const inside = frames.inFrame;
        if (inside) decoder.push(part);
        frames.take(part);
        checkWindow(path, frames.window);
        if (!inside && frames.inFrame) {
          hash = new Xxh64();
          bytes = 0;
          decoder = new Decompress((block) => {
            hash.update(block);
            bytes += block.length;
            out.push(block.slice());
          });
          decoder.push(MAGIC);
        } else if (inside && !frames.inFrame) {
          // Pieces shorter than any usual frame are kept back until the end.
          decoder.push(new Uint8Array(0), true);
          if (frames.contentBytes !== null && frames.contentBytes !== bytes) throw new Error('a frame has another size than it says');
          if (frames.checksum !== null && Number(BigInt.asUintN(32, hash.digest())) !== frames.checksum)
            throw new Error('the checksum of a frame is another one');
        }
        yield* out;
        out.length = 0;
      }
    }
    frames.checkEnd();
  };
}

function checkWindow(path: string, window: number): void {
  if (window <= WINDOW_LIMIT) return;
  throw new UserError(
    `${path}: was compressed with a window of ${Math.ceil(window / 2 ** 20)} MiB; on this Node up to ${WINDOW_LIMIT / 2 ** 20} MiB ` +
      'can be decompressed: compress it at a level up to 19, decompress it first (zstd -d), or use Node 22.15 or later',
  );
}

type Part = 'magic' | 'descriptor' | 'header' | 'skip-size' | 'skip' | 'block' | 'content' | 'checksum';

/** Bytes of a dictionary id, by the descriptor's two lowest bits. */
const DICTIONARY_BYTES = [0, 1, 2, 4] as const;

class FrameWalker {
  /** Bytes left of the current part. */
  remaining = 4;
  /** Window of the current frame, bytes. */
  window = 0;
  /** Declared content bytes and low half of the hash; null: not declared. */
  contentBytes: number | null = null;
  checksum: number | null = null;
  #part: Part = 'magic';
  #bytes: number[] = [];
  #descriptor = 0;
  #last = false;

  get inFrame(): boolean {
    return this.#part !== 'magic' && this.#part !== 'skip-size' && this.#part !== 'skip';
  }

  /** @throws Error if the stream must not end yet */
  checkEnd(): void {
    if (this.#part !== 'magic' || this.#bytes.length > 0) throw new Error('the stream is cut short');
  }

  take(bytes: Uint8Array): void {
    if (this.#part !== 'skip' && this.#part !== 'content') this.#bytes.push(...bytes);
    this.remaining -= bytes.length;
    while (this.remaining === 0) [this.#part, this.remaining] = this.#next();
  }

  #next(): readonly [Part, number] {
    const bytes = this.#bytes;
    this.#bytes = [];
    const word = bytes.reduce((sum, byte, i) => sum + byte * 2 ** (8 * i), 0);
    switch (this.#part) {
      case 'magic':
        if (word === 0xfd2fb528) {
          this.checksum = null;
          return ['descriptor', 1];
        }
        if (word >>> 4 === 0x184d2a5) return ['skip-size', 4];
        throw new Error('invalid zstd data');
      case 'descriptor': {
        this.#descriptor = word;
        const single = (word >> 5) & 1;
        const size = word >> 6 === 0 ? single : 1 << (word >> 6);
        return ['header', 1 - single + DICTIONARY_BYTES[word & 3]! + size];
      }
      case 'header':
        this.#readHeader(bytes);
        return ['block', 3];
      case 'skip-size':
        return ['skip', word];
      case 'block':
        this.#last = (word & 1) === 1;
        // A block of one repeated byte has one byte of content.
        return ['content', ((word >> 1) & 3) === 1 ? 1 : word >> 3];
      case 'content':
        if (!this.#last) return ['block', 3];
        return (this.#descriptor & 4) === 0 ? ['magic', 4] : ['checksum', 4];
      case 'checksum':
        this.checksum = word;
        return ['magic', 4];
      default:
        return ['magic', 4];
    }
  }

  #readHeader(bytes: readonly number[]): void {
    const descriptor = this.#descriptor;
    const single = (descriptor & 32) !== 0;
    const size = bytes.slice((single ? 0 : 1) + DICTIONARY_BYTES[descriptor & 3]!);
    // Two-byte sizes start at 256.
    this.contentBytes =
      size.length === 0 ? null : size.reduce((sum, byte, i) => sum + byte * 2 ** (8 * i), descriptor >> 6 === 1 ? 256 : 0);
    const base = 2 ** (10 + (bytes[0]! >> 3));
    // In a single segment, the window is the content.
    this.window = single ? this.contentBytes! : base + (base / 8) * (bytes[0]! & 7);
  }
}
