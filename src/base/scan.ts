// Text read as bytes: lines are found in large blocks, without making a string of them. Otherwise parsing would dominate a run over a text
// trace.

import { UserError } from './errors.js';
import { textOf } from './host/bytes.js';

/** Bytes that can be read at an offset. */
export interface ByteSource {
  /** As the user named it. */
  readonly path: string;
  /** Size in bytes. */
  readonly bytes: number;
  read(position: number, into: Uint8Array): void;
}

const BLOCK_BYTES = 256 * 1024;
/** A longer line is not a line of a trace. */
const LINE_LIMIT = 64 * 1024 * 1024;
const NEWLINE = 10;
const RETURN = 13;

/** Walks the lines of a file. `bytes[start, end)` is the current one, without its line break, valid until the next. */
export class LineScanner {
  bytes: Uint8Array = new Uint8Array(BLOCK_BYTES);
  start = 0;
  end = 0;
  /** Number of the current line, from 1. */
  line = 0;
  readonly #source: ByteSource;
  /** Byte of the file that follows the filled part of the buffer. */
  #position = 0;
  #filled = 0;
  #next = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Moves to the next line; false at the end. @throws UserError where a line is longer than 64 MiB */
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

  /** Moves to the next line that holds more than spaces; false at the end. @throws UserError as {@link next} */
  nextFilled(): boolean {
    while (this.next()) if (!this.blank()) return true;
    return false;
  }

  /** The current line; valid until the next. */
  lineBytes(): Uint8Array {
    return this.bytes.subarray(this.start, this.end);
  }

  /** The current line as text. */
  text(): string {
    return textOf(this.bytes, this.start, this.end);
  }

  /** True where the current line holds nothing but spaces. */
  blank(): boolean {
    for (let at = this.start; at < this.end; at++) if (this.bytes[at]! > 32) return false;
    return true;
  }

  /** `path:line` of the current line. */
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

  /** Moves the pending bytes to the front and reads on behind them. */
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

/** True where `bytes` holds `literal` at `at`. */
export function holds(bytes: Uint8Array, at: number, literal: Uint8Array): boolean {
  for (let i = 0; i < literal.length; i++) if (bytes[at + i] !== literal[i]) return false;
  return true;
}

/** ASCII bytes of a literal, for {@link holds}. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}
