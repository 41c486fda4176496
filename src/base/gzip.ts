import { crc32, deflatedBlock } from './host/compression.js';

/** Magic, deflate, no flags, no time (equal inputs give equal files), unknown system (RFC 1952, section 2.3). */
const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff);
/** Empty last block (RFC 1951, section 3.2.6). */
const LAST_BLOCK = Uint8Array.of(3, 0);

/** Each write is compressed and passed on at once. */
export class Gzip {
  readonly #out: (bytes: Uint8Array) => void;
  #begun = false;
  #crc = 0;
  #size = 0;

  constructor(out: (bytes: Uint8Array) => void) {
    this.#out = out;
  }

  write(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#begin();
    this.#crc = crc32(bytes, this.#crc);
    this.#size += bytes.length;
    this.#out(deflatedBlock(bytes));
  }

  #begin(): void {
    if (!this.#begun) this.#out(HEADER);
    this.#begun = true;
  }

  /** Ends the file and further writes. */
  end(): void {
    this.#begin();
    const trailer = new DataView(new ArrayBuffer(8));
    trailer.setUint32(0, this.#crc, true);
    trailer.setUint32(4, this.#size % 2 ** 32, true);
    this.#out(LAST_BLOCK);
    this.#out(new Uint8Array(trailer.buffer));
  }
}
