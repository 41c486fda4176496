// zstd for Node before 22.15, which has none: fzstd decodes, fed block by block. The frames are walked here, so that a frame cannot ask
// for more memory than is sane and no piece of input unpacks to more than one block (128 KiB). RFC 8878, section 3.
import { Decompress } from 'fzstd';
import { UserError } from '../base/errors.js';

/** Largest window: what levels up to 19 use. Every block costs a move of the whole window. */
const WINDOW_LIMIT = 8 * 1024 * 1024;

/**
 * Decompresses a zstd stream; a transform for `stream.pipeline`.
 * @param path names it in messages
 * @throws UserError where a frame needs a larger window than levels up to 19 use
 * @throws Error of fzstd where the stream is damaged or cut
 */
export function unzstd(path: string): (input: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array, void, void> {
  return async function* (input) {
    const out: Uint8Array[] = [];
    const decoder = new Decompress((block) => out.push(block.slice()));
    const frames = new FrameWalker(path);
    for await (const piece of input) {
      for (let at = 0; at < piece.length; ) {
        const end = Math.min(piece.length, at + frames.remaining);
        decoder.push(piece.subarray(at, end));
        frames.take(piece.subarray(at, end));
        at = end;
        yield* out;
        out.length = 0;
      }
    }
    if (!frames.betweenFrames) throw new Error('the stream is cut short');
    decoder.push(new Uint8Array(0), true);
    yield* out;
  };
}

type Part = 'magic' | 'descriptor' | 'header' | 'skip-size' | 'skip' | 'block' | 'content' | 'checksum';

/** Bytes of a dictionary id, by the two lowest bits of a frame's descriptor. */
const DICTIONARY_BYTES = [0, 1, 2, 4] as const;

/** Follows the structure of frames, one part at a time. */
class FrameWalker {
  /** Bytes to the end of the running part. */
  remaining = 4;
  readonly #path: string;
  #part: Part = 'magic';
  /** Bytes of the running part, where they mean something. */
  #bytes: number[] = [];
  #descriptor = 0;
  /** True in the last block of a frame. */
  #last = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** True where the stream may end. */
  get betweenFrames(): boolean {
    return this.#part === 'magic' && this.#bytes.length === 0;
  }

  /** Takes at most {@link remaining} bytes. */
  take(bytes: Uint8Array): void {
    if (this.#part !== 'skip' && this.#part !== 'content' && this.#part !== 'checksum') this.#bytes.push(...bytes);
    this.remaining -= bytes.length;
    // A part may be empty.
    while (this.remaining === 0) [this.#part, this.remaining] = this.#next();
  }

  /** What follows the part that has just ended. */
  #next(): readonly [Part, number] {
    const bytes = this.#bytes;
    this.#bytes = [];
    const word = bytes.reduce((sum, byte, i) => sum + byte * 2 ** (8 * i), 0);
    switch (this.#part) {
      case 'magic':
        if (word === 0xfd2fb528) return ['descriptor', 1];
        if (word >>> 4 === 0x184d2a5) return ['skip-size', 4];
        throw new Error('invalid zstd data');
      case 'descriptor': {
        this.#descriptor = word;
        const single = (word >> 5) & 1;
        const size = word >> 6 === 0 ? single : 1 << (word >> 6);
        return ['header', 1 - single + DICTIONARY_BYTES[word & 3]! + size];
      }
      case 'header':
        this.#checkWindow(bytes);
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
      default:
        return ['magic', 4];
    }
  }

  #checkWindow(bytes: readonly number[]): void {
    const descriptor = this.#descriptor;
    let window: number;
    if ((descriptor & 32) === 0) {
      const base = 2 ** (10 + (bytes[0]! >> 3));
      window = base + (base / 8) * (bytes[0]! & 7);
    } else {
      // One segment: the window is the content.
      const size = bytes.slice(DICTIONARY_BYTES[descriptor & 3]!);
      window = size.reduce((sum, byte, i) => sum + byte * 2 ** (8 * i), descriptor >> 6 === 1 ? 256 : 0);
    }
    if (window <= WINDOW_LIMIT) return;
    throw new UserError(
      `${this.#path}: was compressed with a window of ${Math.ceil(window / 2 ** 20)} MiB; on this Node up to ${WINDOW_LIMIT / 2 ** 20} MiB ` +
        'can be decompressed: compress it at a level up to 19, decompress it first (zstd -d), or use Node 22.15 or later',
    );
  }
}
