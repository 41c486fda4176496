// Numbers and words of a line, read from its bytes in place, between separators.

import { UserError } from './errors.js';
import { textOf } from './host/bytes.js';
import { type ByteSource, LineScanner } from './scan.js';

const ZERO = 48;
const NINE = 57;
const MINUS = 45;

/** Reads numbers and separators of lines in place. */
export class FieldReader {
  /** The lines; its current one is read. */
  readonly scanner: LineScanner;
  #at = 0;

  constructor(source: ByteSource) {
    this.scanner = new LineScanner(source);
  }

  /** Goes to the start of the next line that is not blank; false at the end. @throws UserError where a line is too long */
  next(): boolean {
    const found = this.scanner.nextFilled();
    this.#at = this.scanner.start;
    return found;
  }

  /** `path:line` of the current line. */
  place(): string {
    return this.scanner.place();
  }

  /** Goes to a byte of the scanner's buffer. */
  seek(at: number): void {
    this.#at = at;
  }

  /** True at the end of the line. */
  get ended(): boolean {
    return this.#at >= this.scanner.end;
  }

  /** Skips one byte; false where another stands here. */
  skip(byte: number): boolean {
    if (this.#at >= this.scanner.end || this.scanner.bytes[this.#at] !== byte) return false;
    this.#at++;
    return true;
  }

  /** Skips spaces. */
  spaces(): void {
    while (this.#at < this.scanner.end && this.scanner.bytes[this.#at] === 32) this.#at++;
  }

  /** Skips to behind the next `byte`; false (and at the end) where there is none. */
  past(byte: number): boolean {
    const { bytes, end } = this.scanner;
    while (this.#at < end) if (bytes[this.#at++] === byte) return true;
    return false;
  }

  /** Reads a whole number of at most 9 digits. @throws UserError with line where none stands here */
  integer(what: string): number {
    const { bytes, end } = this.scanner;
    let at = this.#at;
    const negative = at < end && bytes[at] === MINUS;
    if (negative) at++;
    const from = at;
    let value = 0;
    while (at < end) {
      const digit = bytes[at]! - ZERO;
      if (digit < 0 || digit > NINE - ZERO) break;
      value = value * 10 + digit;
      at++;
    }
    if (at === from || at - from > 9) throw new UserError(`${this.place()}: ${what} is missing or no whole number`);
    this.#at = at;
    return negative ? -value : value;
  }

  /** Text up to the next `byte` or the end; the separator is skipped. */
  text(byte: number): string {
    const from = this.#at;
    const found = this.past(byte);
    const to = found ? this.#at - 1 : this.#at;
    return textOf(this.scanner.bytes, from, to);
  }
}
