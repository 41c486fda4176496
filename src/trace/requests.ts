import { UserError } from '../base/errors.js';
import { grown } from '../base/grown.js';
import { PHASE, type TraceChunk, type TraceRequest } from './trace.js';

/** Condenses rows into requests. A request's rows are contiguous, positions ascend, the prompt comes first. */
export class RequestTable {
  /** Requests so far; the last is complete after {@link finish}. */
  readonly requests: TraceRequest[] = [];
  rows = 0;
  readonly #place: (row: number) => string;
  readonly #ids = new Set<number>();
  #runs = 0;
  /** By run of consecutive positions: first row, first position, request. */
  #runRow = new Int32Array(16);
  #runPosition = new Int32Array(16);
  #runRequest = new Int32Array(16);
  #id = 0;
  #start = 0;
  #prefill = 0;
  #position = -1;
  #phase: number = PHASE.prefill;
  #lastRun = 0;

  /** @param path of the file in messages, or place of a row */
  constructor(path: string | ((row: number) => string)) {
    this.#place = typeof path === 'string' ? (row) => `${path}: token ${row}` : path;
  }

  /** @param position -1: next @throws UserError for split requests, falling positions, or a late prompt */
  add(id: number, position: number, phase: number): void {
    if (this.rows === 0 || id !== this.#id) this.#open(id, Math.max(position, 0));
    else if (position >= 0 && position !== this.#position + 1) this.#jump(position);
    else this.#position++;
    if (phase !== this.#phase) {
      if (phase === PHASE.prefill)
        throw new UserError(
          `${this.#place(this.rows)}: a prefill row follows a decode row of request ${id}; a prompt comes first, so give a new request a new id`,
        );
      this.#phase = phase;
    }
    if (phase === PHASE.prefill) this.#prefill++;
    this.rows++;
  }

  finish(): void {
    if (this.rows === 0) return;
    const prefill = this.#prefill;
    this.requests.push({ id: this.#id, start: this.#start, prefill, decode: this.rows - this.#start - prefill });
  }

  fill(start: number, count: number, into: TraceChunk): void {
    if (count === 0) return;
    const { request, position, phase } = into;
    let run = this.#runOf(start);
    let at = 0;
    while (at < count) {
      const index = this.#runRequest[run]!;
      const { start: first, prefill } = this.requests[index]!;
      const shift = this.#runPosition[run]! - this.#runRow[run]!;
      const end = Math.min(count, (run + 1 < this.#runs ? this.#runRow[run + 1]! : this.rows) - start);
      const decodes = first + prefill - start;
      for (; at < end; at++) {
        request[at] = index;
        position[at] = start + at + shift;
        phase[at] = at < decodes ? PHASE.prefill : PHASE.decode;
      }
      run++;
    }
    this.#lastRun = run - 1;
  }

  #open(id: number, position: number): void {
    this.finish();
    if (this.#ids.has(id))
      throw new UserError(
        `${this.#place(this.rows)}: request ${id} goes on after another request; the rows of one request must be contiguous, sort them by request`,
      );
    this.#ids.add(id);
    this.#id = id;
    this.#start = this.rows;
    this.#prefill = 0;
    this.#phase = PHASE.prefill;
    this.#position = position;
    this.#run(position);
  }

  #jump(position: number): void {
    if (position <= this.#position)
      throw new UserError(
        `${this.#place(this.rows)}: position ${position} follows position ${this.#position} in request ${this.#id}; positions must ascend within a request`,
      );
    this.#position = position;
    this.#run(position);
  }

  #run(position: number): void {
    if (this.#runs === this.#runRow.length) {
      this.#runRow = grown(this.#runRow);
      this.#runPosition = grown(this.#runPosition);
      this.#runRequest = grown(this.#runRequest);
    }
    this.#runRow[this.#runs] = this.rows;
    this.#runPosition[this.#runs] = position;
    this.#runRequest[this.#runs] = this.requests.length;
    this.#runs++;
  }

  #runOf(row: number): number {
    const rows = this.#runRow;
    const holds = (run: number): boolean => run < this.#runs && rows[run]! <= row && (run + 1 === this.#runs || row < rows[run + 1]!);
    if (holds(this.#lastRun)) return this.#lastRun;
    if (holds(this.#lastRun + 1)) return this.#lastRun + 1;
    let low = 0;
    for (let high = this.#runs; high - low > 1; ) {
      const middle = (low + high) >>> 1;
      if (rows[middle]! <= row) low = middle;
      else high = middle;
    }
    return low;
  }
}
