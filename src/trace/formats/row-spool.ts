import { closeTemporary, readAll, temporaryFile, writeTemporary } from '../../base/files.js';

/** Maximum choices of a row. */
export const CHOICE_LIMIT = 4096;
/** Words: request, layer, token (-1: absent), phase, token id, choices, weighted. */
const RECORD_HEAD = 7;

interface SpooledRow {
  readonly request: number;
  readonly layer: number;
  readonly token: number;
  readonly phase: number;
  readonly tokenId: number;
  readonly ids: Int32Array;
  readonly weights: Float32Array | null;
}

/**
 * Decoded rows in a temporary file, since importing may walk twice: {@link RECORD_HEAD} whole numbers, ids, weights.
 */
export class RowSpool {
  readonly #fd = temporaryFile();
  readonly #words = new Int32Array(64 * 1024);
  readonly #floats = new Float32Array(this.#words.buffer);
  #length = 0;
  #written = 0;
  #start = 0;
  #ids = 0;
  readonly #weights: number[] = [];

  begin(request: number, layer: number, token: number, phase: number, tokenId: number): void {
    if (this.#length + RECORD_HEAD + 2 * CHOICE_LIMIT > this.#words.length) this.#flush();
    this.#start = this.#length;
    this.#words.set([request, layer, token, phase, tokenId, 0, 0], this.#length);
    this.#length += RECORD_HEAD;
    this.#ids = 0;
    this.#weights.length = 0;
  }

  id(id: number): void {
    if (this.#ids++ < CHOICE_LIMIT) this.#words[this.#length++] = id;
  }

  weight(weight: number): void {
    if (this.#weights.length < CHOICE_LIMIT) this.#weights.push(weight);
  }

  /** Ends a row; false for too many choices. Keeps weights if one per choice. */
  end(): boolean {
    const weighted = this.#ids > 0 && this.#weights.length === this.#ids;
    this.#words[this.#start + 5] = this.#ids;
    this.#words[this.#start + 6] = weighted ? 1 : 0;
    if (weighted) for (const weight of this.#weights) this.#floats[this.#length++] = weight;
    return this.#ids <= CHOICE_LIMIT;
  }

  *walk(): Generator<SpooledRow, void, void> {
    this.#flush();
    const words = new Int32Array(64 * 1024);
    const floats = new Float32Array(words.buffer);
    let position = 0;
    let filled = 0;
    let at = 0;
    for (;;) {
      if (at + RECORD_HEAD + 2 * CHOICE_LIMIT > filled && position < this.#written) {
        words.copyWithin(0, at, filled);
        filled -= at;
        at = 0;
        const count = Math.min(words.length - filled, this.#written - position);
        readWords(this.#fd, words, filled, count, position);
        filled += count;
        position += count;
      }
      if (at === filled) return;
      const count = words[at + 5]!;
      const from = at + RECORD_HEAD;
      const weighted = words[at + 6] === 1;
      yield {
        request: words[at]!,
        layer: words[at + 1]!,
        token: words[at + 2]!,
        phase: words[at + 3]!,
        tokenId: words[at + 4]!,
        ids: words.subarray(from, from + count),
        weights: weighted ? floats.subarray(from + count, from + 2 * count) : null,
      };
      at = from + (weighted ? 2 * count : count);
    }
  }

  close(): void {
    closeTemporary(this.#fd);
  }

  #flush(): void {
    writeTemporary(this.#fd, new Uint8Array(this.#words.buffer, 0, this.#length * 4), this.#written * 4);
    this.#written += this.#length;
    this.#length = 0;
  }
}

function readWords(fd: number, words: Int32Array, at: number, count: number, position: number): void {
  const bytes = new Uint8Array(words.buffer, at * 4, count * 4);
  if (readAll(fd, bytes, position * 4) < bytes.length) throw new Error('the temporary file of rows is cut short');
}
