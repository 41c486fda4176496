// Converts values of a Parquet column into those of a trace: whole numbers, lists of them, weights, phases, names of requests.
import { UserError } from '../../base/errors.js';
import type { ParquetColumn } from './parquet-table.js';
import { phaseOf } from './record-lines.js';

/** Values of a column of one row group; rows must be read in order. */
export class ParquetValues {
  readonly #place: (row: number) => string;
  readonly #name: string;
  readonly #parts: ParquetColumn;
  #part = 0;
  /** First row of the running part. */
  #start = 0;

  constructor(path: string, name: string, first: number, parts: ParquetColumn) {
    this.#place = (row) => `${path}: row ${first + row}: column ${name}`;
    this.#name = name;
    this.#parts = parts;
  }

  /** A whole number; rows must be read in order. */
  whole(row: number): number {
    return this.#whole(this.#value(row), row);
  }

  /** The numbers of a list, or one number; null is no choice. */
  wholes(row: number, visit: (value: number) => void): void {
    const value = this.#value(row);
    if (value === null || value === undefined) return;
    if (Array.isArray(value) || ArrayBuffer.isView(value)) for (const entry of value as Iterable<unknown>) visit(this.#whole(entry, row));
    else visit(this.#whole(value, row));
  }

  floats(row: number, visit: (value: number) => void): void {
    const value = this.#value(row);
    const list: Iterable<unknown> = Array.isArray(value) || ArrayBuffer.isView(value) ? (value as Iterable<unknown>) : [value];
    for (const entry of list) {
      if (typeof entry !== 'number') throw new UserError(`${this.#place(row)} is ${shown(entry)}; a number is expected`);
      visit(entry);
    }
  }

  phase(row: number): number {
    const value = this.#value(row);
    return phaseOf(typeof value === 'bigint' ? Number(value) : value, this.#place(row));
  }

  /** A number unchanged, or the ordinal of a text. */
  label(row: number, labels: Map<string, number>): number {
    const value = this.#value(row);
    if (typeof value !== 'string') return this.#whole(value, row);
    return labels.get(value) ?? labels.set(value, labels.size).size - 1;
  }

  #whole(value: unknown, row: number): number {
    const number = typeof value === 'bigint' ? Number(value) : value;
    if (typeof number === 'number' && number === (number | 0)) return number;
    throw new UserError(`${this.#place(row)} is ${shown(value)}; a whole number is expected`);
  }

  #value(row: number): unknown {
    while (row - this.#start >= (this.#parts[this.#part]?.length ?? Number.POSITIVE_INFINITY)) {
      this.#start += this.#parts[this.#part++]!.length;
    }
    const part = this.#parts[this.#part];
    if (part === undefined) throw new Error(`column ${this.#name} ends before row ${row}`);
    return part[row - this.#start];
  }
}

/** A value in a message. */
function shown(value: unknown): string {
  return typeof value === 'object' && value !== null ? 'no number' : String(value).slice(0, 40);
}
