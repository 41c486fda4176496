import { UserError } from './errors.js';
import { textOf } from './host/bytes.js';

/** Bytes readable at an offset. */
export interface ByteSource {
  /** Name given by the user. */
  readonly path: string;
  readonly bytes: number;
  read(position: number, into: Uint8Array): void;
}

/** Bytes per read. Ours. */
const BLOCK_BYTES = 256 * 1024;
/** Longest line of a trace, bytes. Ours. */
const LINE_LIMIT = 64 * 1024 * 1024;
/** ASCII: line feed. */
const NEWLINE = 10;
/** ASCII: carriage return. */
const RETURN = 13;
/** ASCII: space. */
const SPACE = 32;
/** ASCII: minus. */
const MINUS = 45;
/** ASCII: digit 0. */
const ZERO = 48;

/** Lines of a file: `bytes[start, end)`, without the break, valid until the next. */
export class LineScanner {
  bytes: Uint8Array = new Uint8Array(BLOCK_BYTES);
  start = 0;
  end = 0;
  line = 0;
  readonly #source: ByteSource;
  #position = 0;
  #filled = 0;
  #next = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Moves to the next line; false at the end. @throws UserError for a line above 64 MiB */
  next(): boolean {
    let search = this.#next;
    for (;;) {
      const found = this.bytes.indexOf(NEWLINE, search);
      if (found >= 0 && found < this.#filled) {
        this.#take(found, found + 1);
        return true;
      }
      const pending = this.#filled - this.#next;
      if (this.#position === this.#source.bytes) {
        if (pending === 0) return false;
        this.#take(this.#filled, this.#filled);
        return true;
      }
      this.#refill(pending);
      search = pending;
    }
  }

  /** Moves to the next nonblank line; false at the end. @throws UserError */
  nextFilled(): boolean {
    while (this.next()) if (!this.blank()) return true;
    return false;
  }

  /** Current line, valid until the next. */
  lineBytes(): Uint8Array {
    return this.bytes.subarray(this.start, this.end);
  }

  text(): string {
    return textOf(this.bytes, this.start, this.end);
  }

  blank(): boolean {
    for (let at = this.start; at < this.end; at++) if (this.bytes[at]! > SPACE) return false;
    return true;
  }

  /** True for a last line without a break. */
  get cut(): boolean {
    return this.#next === this.end;
  }

  place(): string {
    return `${this.#source.path}:${this.line}`;
  }

  #take(end: number, next: number): void {
    if (end - this.#next > LINE_LIMIT) this.#refuse();
    this.start = this.#next;
    this.end = end > this.start && this.bytes[end - 1] === RETURN ? end - 1 : end;
    this.#next = next;
    this.line++;
  }

  #refuse(): never {
    throw new UserError(`${this.#source.path}:${this.line + 1}: the line is longer than 64 MiB; is this a text file?`);
  }

  #refill(pending: number): void {
    if (pending > LINE_LIMIT) this.#refuse();
    if (pending > this.bytes.length / 2) {
      const larger = new Uint8Array(this.bytes.length * 2);
      larger.set(this.bytes.subarray(this.#next, this.#filled));
      this.bytes = larger;
    } else this.bytes.copyWithin(0, this.#next, this.#filled);
    this.#next = 0;
    const room = Math.min(this.bytes.length - pending, this.#source.bytes - this.#position);
    this.#source.read(this.#position, this.bytes.subarray(pending, pending + room));
    this.#position += room;
    this.#filled = pending + room;
  }
}

/** Parses numbers and words of lines in place. */
export class FieldReader extends LineScanner {
  #at = 0;

  override next(): boolean {
    const found = super.next();
    this.#at = this.start;
    return found;
  }

  seek(at: number): void {
    this.#at = at;
  }

  get ended(): boolean {
    return this.#at >= this.end;
  }

  /** Skips one byte; false for a different byte. */
  skip(byte: number): boolean {
    if (this.#at >= this.end || this.bytes[this.#at] !== byte) return false;
    this.#at++;
    return true;
  }

  spaces(): void {
    while (this.#at < this.end && this.bytes[this.#at] === SPACE) this.#at++;
  }

  /** Skips past the next `byte`; false without one. */
  past(byte: number): boolean {
    const { bytes, end } = this;
    while (this.#at < end) if (bytes[this.#at++] === byte) return true;
    return false;
  }

  /** At most 9 digits. @throws UserError with the line */
  integer(what: string): number {
    const { bytes, end } = this;
    let at = this.#at;
    const negative = at < end && bytes[at] === MINUS;
    if (negative) at++;
    const from = at;
    let value = 0;
    while (at < end) {
      const digit = bytes[at]! - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      at++;
    }
    if (at === from || at - from > 9) throw new UserError(`${this.place()}: ${what} is missing or no whole number`);
    this.#at = at;
    return negative ? -value : value;
  }

  /** Text up to the next `byte`, which is skipped, or the end. */
  word(byte: number): string {
    const from = this.#at;
    const found = this.past(byte);
    const to = found ? this.#at - 1 : this.#at;
    return textOf(this.bytes, from, to);
  }
}

/** True if `bytes` contains `literal` at `at`. */
export function holds(bytes: Uint8Array, at: number, literal: Uint8Array): boolean {
  for (let i = 0; i < literal.length; i++) if (bytes[at + i] !== literal[i]) return false;
  return true;
}

/** ASCII bytes for {@link holds}. */
export const ascii = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
