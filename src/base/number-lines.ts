// Lines of whole numbers, as loggers write them: read in one loop over the bytes, with neither lines nor fields looked for first.
import { UserError } from './errors.js';
import type { ByteSource } from './scan.js';

const BLOCK_BYTES = 256 * 1024;
/** A longer line is not a line of a trace. */
const LINE_LIMIT = 16 * 1024 * 1024;
const NEWLINE = 10;
const RETURN = 13;
const SPACE = 32;
const COMMA = 44;
const ZERO = 48;
/** More digits are no number of a trace. */
const MOST_DIGITS = 9;

/** Walks lines of non-negative numbers that commas or spaces separate; blank lines are passed over. */
export class NumberLines {
  /** Numbers of the current line are `values[0, count)`. */
  values: Int32Array = new Int32Array(64);
  count = 0;
  /** Number of the current line, from 1. */
  line: number;
  /** The byte that follows the first number of the current line. */
  separator = 0;
  readonly #source: ByteSource;
  /** Whole lines; a line break stands behind the last byte of the file too. */
  #bytes = new Uint8Array(BLOCK_BYTES + 1);
  #at = 0;
  /** End of the whole lines, and of all that was read. */
  #end = 0;
  #filled = 0;
  #position = 0;

  /** @param skip lines to leave out at the beginning, such as a header */
  constructor(source: ByteSource, skip: number) {
    this.#source = source;
    this.line = 0;
    for (let left = skip; left > 0 && (this.#at < this.#end || this.#refill()); left--) {
      this.line++;
      this.#at = this.#bytes.indexOf(NEWLINE, this.#at) + 1;
    }
  }

  /**
   * Moves to the next line that is not blank; false at the end.
   * @throws UserError with line where something else than numbers stands there
   */
  next(): boolean {
    while (this.#at < this.#end || this.#refill()) {
      this.line++;
      this.#parse();
      if (this.count > 0) return true;
    }
    return false;
  }

  /** `path:line` of the current line. */
  place(): string {
    return `${this.#source.path}:${this.line}`;
  }

  /** Reads the line at hand; it ends inside the buffer. */
  #parse(): void {
    const bytes = this.#bytes;
    let { values } = this;
    let at = this.#at;
    let count = 0;
    for (;;) {
      let byte = bytes[at++]!;
      let value = (byte - ZERO) >>> 0;
      if (value <= 9) {
        const from = at;
        for (;;) {
          byte = bytes[at++]!;
          const digit = (byte - ZERO) >>> 0;
          if (digit > 9) break;
          value = (value * 10 + digit) | 0;
        }
        if (at - from > MOST_DIGITS) this.#refuse(`a number of more than ${MOST_DIGITS} digits`);
        if (count === 0) this.separator = byte;
        if (count === values.length) values = this.#grow();
        values[count++] = value;
      }
      if (byte === COMMA || byte === SPACE) continue;
      if (byte === NEWLINE) break;
      if (byte !== RETURN) this.#refuse(`${JSON.stringify(String.fromCharCode(byte))} where a whole number is expected`);
    }
    this.#at = at;
    this.count = count;
  }

  /** Reads on until the buffer holds a whole line; false at the end of the file. */
  #refill(): boolean {
    let pending = this.#filled - this.#at;
    this.#bytes.copyWithin(0, this.#at, this.#filled);
    this.#at = 0;
    for (;;) {
      const left = this.#source.bytes - this.#position;
      if (left === 0) {
        this.#filled = pending;
        this.#end = pending;
        if (pending === 0) return false;
        if (this.#bytes[pending - 1] !== NEWLINE) this.#bytes[this.#end++] = NEWLINE;
        this.#filled = this.#end;
        return true;
      }
      if (pending + 1 >= this.#bytes.length) {
        if (pending >= LINE_LIMIT) this.#refuse(`the line is longer than ${LINE_LIMIT >> 20} MiB; is this a text file?`, 1);
        const larger = new Uint8Array(this.#bytes.length * 2);
        larger.set(this.#bytes.subarray(0, pending));
        this.#bytes = larger;
      }
      const length = Math.min(left, this.#bytes.length - 1 - pending);
      this.#source.read(this.#position, this.#bytes.subarray(pending, pending + length));
      this.#position += length;
      const end = this.#bytes.subarray(0, pending + length).lastIndexOf(NEWLINE) + 1;
      pending += length;
      if (end === 0) continue;
      this.#filled = pending;
      this.#end = end;
      return true;
    }
  }

  #grow(): Int32Array {
    const larger = new Int32Array(this.values.length * 2);
    larger.set(this.values);
    return (this.values = larger);
  }

  #refuse(what: string, linesAhead = 0): never {
    throw new UserError(`${this.#source.path}:${this.line + linesAhead}: ${what}`);
  }
}
