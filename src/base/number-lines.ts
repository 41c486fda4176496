// Lines of whole numbers, as loggers write them: read in one loop over the bytes, with neither lines nor fields looked for first. Most
// ids have one or two digits, in no order a branch predictor could learn: both are read without a branch between them.
import { UserError } from './errors.js';
import type { ByteSource } from './scan.js';

const BLOCK_BYTES = 256 * 1024;
/** A longer line is not a line of a trace. */
const LINE_LIMIT = 16 * 1024 * 1024;
/** Bytes behind the last line break that a number may look at. */
const SLACK = 4;
const NEWLINE = 10;
const RETURN = 13;
const SPACE = 32;
const COMMA = 44;
const ZERO = 48;
/** More digits are no number of a trace. */
const MOST_DIGITS = 9;

/** Walks lines of non-negative numbers that commas or spaces separate; blank lines are passed over. */
export class NumberLines {
  /** Numbers of the current line are `values[0, count)`; after {@link nextPairs} the second numbers of its lines. */
  values: Int32Array = new Int32Array(64);
  count = 0;
  /** Number of the current line, from 1. */
  line: number;
  /** The byte that follows the first number of the current line. */
  separator = 0;
  /** First number of the lines that {@link nextPairs} gathered. */
  key = 0;
  readonly #source: ByteSource;
  /** Whole lines; a line break stands behind the last byte of the file too. */
  #bytes = new Uint8Array(BLOCK_BYTES + SLACK);
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

  /**
   * Moves past the next lines `key,value` that have one key, and gathers their values; false at the end.
   * @throws UserError with line where a line is not two numbers with a comma between them
   */
  nextPairs(): boolean {
    if (!this.next()) return false;
    if (this.count !== 2 || this.separator !== COMMA) this.#refuse('not two numbers with a comma between them');
    this.key = this.values[0]!;
    this.values[0] = this.values[1]!;
    this.count = 1;
    while ((this.#at < this.#end || this.#refill()) && this.#parsePairs());
    return true;
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
      let byte = bytes[at]!;
      const digit = (byte - ZERO) >>> 0;
      if (digit <= 9) {
        const next = bytes[at + 1]!;
        const second = next - ZERO;
        // All ones where a second digit follows; separators lie below the digits.
        const two = ~(second >> 31);
        let value = digit + (two & (digit * 9 + second));
        byte = (next & ~two) | (bytes[at + 2]! & two);
        if (second > 9 || (byte - ZERO) >>> 0 <= 9) {
          value = this.#long(at);
          at = this.#at;
          byte = bytes[at++]!;
        } else at += 2 - two;
        if (count === 0) this.separator = byte;
        if (count === values.length) values = this.#grow();
        values[count++] = value;
      } else at++;
      if (byte === SPACE || byte === COMMA) continue;
      if (byte === NEWLINE) break;
      if (byte !== RETURN) this.#refuse(`${JSON.stringify(String.fromCharCode(byte))} where a whole number is expected`);
    }
    this.#at = at;
    this.count = count;
  }

  /** Gathers lines of the running key up to the end of the buffer; false before a line that is anything else. */
  #parsePairs(): boolean {
    const bytes = this.#bytes;
    const { key } = this;
    const end = this.#end;
    let { values, count, line } = this;
    let at = this.#at;
    let same = true;
    while (at < end) {
      let from = at;
      let found = 0;
      let byte = bytes[from]!;
      for (; (byte - ZERO) >>> 0 <= 9; byte = bytes[++from]!) found = (found * 10 + byte - ZERO) | 0;
      const digit = (bytes[from + 1]! - ZERO) >>> 0;
      const next = bytes[from + 2]!;
      const second = next - ZERO;
      const two = ~(second >> 31);
      const last = (next & ~two) | (bytes[from + 3]! & two);
      // A longer number, a carriage return or a mistake: the general reader takes that line.
      if (found !== key || from === at || byte !== COMMA || digit > 9 || last !== NEWLINE || second > 9) {
        same = false;
        break;
      }
      if (count === values.length) values = this.#grow();
      values[count++] = digit + (two & (digit * 9 + second));
      at = from + 3 - two;
      line++;
    }
    this.#at = at;
    this.count = count;
    this.line = line;
    return same || this.#general();
  }

  /** Reads one line of the running key in any form; false, and back at its start, where it has another key. */
  #general(): boolean {
    const { values, count, key, line } = this;
    const from = this.#at;
    this.values = this.#pair;
    this.line++;
    this.#parse();
    const pair = this.values;
    const found = this.count;
    this.values = values;
    this.count = count;
    if (found === 0) return true;
    if (found !== 2 || this.separator !== COMMA) this.#refuse('not two numbers with a comma between them');
    if (pair[0] !== key) {
      this.#at = from;
      this.line = line;
      return false;
    }
    const into = count === values.length ? this.#grow() : values;
    into[this.count++] = pair[1]!;
    return true;
  }

  readonly #pair = new Int32Array(8);

  /** A number of any length at `at`; leaves {@link #at} behind it. */
  #long(at: number): number {
    const bytes = this.#bytes;
    const from = at;
    let value = 0;
    for (let byte = bytes[at]!; (byte - ZERO) >>> 0 <= 9; byte = bytes[++at]!) value = (value * 10 + byte - ZERO) | 0;
    if (at - from > MOST_DIGITS) this.#refuse(`a number of more than ${MOST_DIGITS} digits`);
    this.#at = at;
    return value;
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
      if (pending + SLACK >= this.#bytes.length) {
        if (pending >= LINE_LIMIT) this.#refuse(`the line is longer than ${LINE_LIMIT >> 20} MiB; is this a text file?`, 1);
        const larger = new Uint8Array(this.#bytes.length * 2);
        larger.set(this.#bytes.subarray(0, pending));
        this.#bytes = larger;
      }
      const length = Math.min(left, this.#bytes.length - SLACK - pending);
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
