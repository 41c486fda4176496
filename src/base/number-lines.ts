import { UserError } from './errors.js';
import { grown } from './grown.js';
import type { ByteSource } from './scan.js';

/** Bytes per read. Ours. */
const BLOCK_BYTES = 256 * 1024;
/** Longest line of a trace, bytes. Ours. */
const LINE_LIMIT = 16 * 1024 * 1024;
/** Bytes after the last line break that parsing may read. */
const SLACK = 8;
/** ASCII: line feed. */
const NEWLINE = 10;
/** ASCII: carriage return. */
const RETURN = 13;
/** ASCII: space. */
const SPACE = 32;
/** ASCII: comma. */
const COMMA = 44;
/** ASCII: digit 0. */
const ZERO = 48;
/** Most digits of a number in a trace. */
const MOST_DIGITS = 9;

/** Lines of whole numbers separated by commas or spaces, without branches on their lengths; skips blank lines. */
export class NumberLines {
  /** `values[0, count)`: numbers of the line; after {@link nextPairs}, second numbers of the gathered lines. */
  values: Int32Array = new Int32Array(64);
  count = 0;
  /** Current line, from 1. */
  line: number;
  /** Byte after the first number of the current line. */
  separator = 0;
  /** First number of the lines gathered by {@link nextPairs}. */
  key = 0;
  readonly #source: ByteSource;
  /** Line read separately by {@link nextPairs}; {@link #ahead}: its number if it starts the next run. */
  #pair: Int32Array = new Int32Array(8);
  #ahead = 0;
  /** Bytes of `key,` as one word (-1: a longer key); their number. */
  #prefix = 0;
  #width = 0;
  /** Whole lines, the last with a line break. */
  #bytes = new Uint8Array(BLOCK_BYTES + SLACK);
  #at = 0;
  #end = 0;
  #filled = 0;
  #position = 0;

  /** @param skip lines to omit at the start, such as a header */
  constructor(source: ByteSource, skip: number) {
    this.#source = source;
    this.line = 0;
    for (let left = skip; left > 0 && (this.#at < this.#end || this.#refill()); left--) {
      this.line++;
      this.#at = this.#bytes.indexOf(NEWLINE, this.#at) + 1;
    }
  }

  /** Moves to the next nonblank line; false at the end. @throws UserError with the line for anything but numbers */
  next(): boolean {
    while (this.#at < this.#end || this.#refill()) {
      this.line++;
      this.#parse();
      if (this.count > 0) return true;
    }
    return false;
  }

  /**
   * Gathers values of consecutive lines `key,value` with one key; false at the end. Not to be mixed with {@link next}.
   * @throws UserError
   */
  nextPairs(): boolean {
    if (this.#ahead > 0) {
      this.line = this.#ahead;
      this.#ahead = 0;
    } else {
      if (!this.next()) return false;
      this.#demandPair();
      this.#pair.set(this.values.subarray(0, 2));
    }
    this.#begin(this.#pair[0]!, this.#pair[1]!);
    while ((this.#at < this.#end || this.#refill()) && this.#parsePairs());
    return true;
  }

  place(): string {
    return `${this.#source.path}:${this.line}`;
  }

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
        // All ones if a second digit follows; separators have codes below digits.
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

  #begin(key: number, value: number): void {
    this.key = key;
    this.values[0] = value;
    this.count = 1;
    this.#width = key < 10 ? 2 : 3;
    this.#prefix = key < 10 ? (key + ZERO) | (COMMA << 8) : (Math.floor(key / 10) + ZERO) | (((key % 10) + ZERO) << 8) | (COMMA << 16);
    if (key > 99) this.#prefix = -1;
  }

  /** Gathers lines of the running key; false after a line with a different key. */
  #parsePairs(): boolean {
    const bytes = this.#bytes;
    const end = this.#end;
    const width = this.#width;
    const prefix = this.#prefix;
    const mask = width === 2 ? 0xffff : 0xffffff;
    let { values, count, line } = this;
    let at = this.#at;
    let plain = true;
    while (at < end) {
      const start = (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)) & mask;
      const from = at + width;
      const digit = (bytes[from]! - ZERO) >>> 0;
      const next = bytes[from + 1]!;
      const second = next - ZERO;
      const two = ~(second >> 31);
      const last = (next & ~two) | (bytes[from + 2]! & two);
      // Otherwise a different key, longer number, carriage return or mistake.
      plain = start === prefix && digit <= 9 && last === NEWLINE && second <= 9;
      if (!plain) break;
      if (count === values.length) values = this.#grow();
      values[count++] = digit + (two & (digit * 9 + second));
      at = from + 2 - two;
      line++;
    }
    this.#at = at;
    this.count = count;
    this.line = line;
    return plain || this.#general();
  }

  /** Reads a line of any form; false if its key begins the next run. */
  #general(): boolean {
    const { values, count, line } = this;
    this.values = this.#pair;
    this.line++;
    this.#parse();
    this.#pair = this.values;
    const found = this.count;
    if (found > 0) this.#demandPair();
    this.values = values;
    this.count = count;
    if (found === 0) return true;
    if (this.#pair[0] !== this.key) {
      this.#ahead = this.line;
      this.line = line;
      return false;
    }
    const into = count === values.length ? this.#grow() : values;
    into[this.count++] = this.#pair[1]!;
    return true;
  }

  #demandPair(): void {
    if (this.count !== 2 || this.separator !== COMMA) this.#refuse('not two numbers with a comma between them');
  }

  #long(at: number): number {
    const bytes = this.#bytes;
    const from = at;
    let value = 0;
    for (let byte = bytes[at]!; (byte - ZERO) >>> 0 <= 9; byte = bytes[++at]!) value = (value * 10 + byte - ZERO) | 0;
    if (at - from > MOST_DIGITS) this.#refuse(`a number of more than ${MOST_DIGITS} digits`);
    this.#at = at;
    return value;
  }

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
        this.#bytes = grown(this.#bytes);
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
    return (this.values = grown(this.values));
  }

  #refuse(what: string, linesAhead = 0): never {
    throw new UserError(`${this.#source.path}:${this.line + linesAhead}: ${what}`);
  }
}
