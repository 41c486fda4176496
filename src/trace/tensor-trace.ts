// A trace whose rows lie as columns in a file: [tokens, layers, topK] ids and the like. Rows are read by offset when they are asked
// for, so memory does not grow with the trace. The canonical safetensors layout and .npy arrays are read this way.
import { UserError } from '../base/errors.js';
import { checkShape, RowChecker } from './check.js';
import { type ColumnLayout, ColumnReader, nullIdOf } from './column.js';
import { RequestTable } from './requests.js';
import type { TraceSource } from './source.js';
import { NULL_EXPERT, PHASE, type RoutingTrace, type TraceChunk, type TraceMeta, type TraceRequest } from './trace.js';

/** Ids are decoded so many at a time where no caller sets the block. */
const BLOCK_IDS = 256 * 1024;
/** Rows of a column folded at a time. */
const BLOCK_ROWS = 16 * 1024;

/** The columns of a tensor trace; `[tokens]` unless said. */
export interface TensorColumns {
  /** `[tokens, layers, topK]` */
  readonly experts: ColumnLayout;
  /** `[tokens, layers, topK]` */
  readonly weights: ColumnLayout | null;
  /** `[tokens, layers, predictedK]` */
  readonly predicted: (ColumnLayout & { readonly width: number }) | null;
  readonly request: ColumnLayout | null;
  readonly position: ColumnLayout | null;
  readonly phase: ColumnLayout | null;
  readonly tokenId: ColumnLayout | null;
}

/** What a tensor trace is made of. */
export interface TensorTraceParts {
  readonly source: TraceSource;
  readonly tokens: number;
  readonly layers: number;
  readonly topK: number;
  readonly columns: TensorColumns;
  /** Experts per layer; null: the largest id says, at the price of reading the trace once. */
  readonly experts: readonly number[] | null;
  /** Rows of a single request that are its prompt, where there is no phase column; null: all rows are decoded ones. */
  readonly promptRows: number | null;
  readonly meta: TraceMeta;
}

/** Random-access rows of a tensor file. */
export class TensorTrace implements RoutingTrace {
  readonly path: string;
  readonly tokens: number;
  readonly layers: number;
  readonly topK: number;
  readonly expertsPerLayer: readonly number[];
  readonly requests: readonly TraceRequest[];
  readonly meta: TraceMeta;
  readonly has: RoutingTrace['has'];
  readonly #source: TraceSource;
  readonly #columns: TensorColumns;
  readonly #reader: ColumnReader;
  readonly #table: RequestTable;
  readonly #checker: RowChecker;
  readonly #predictedChecker: RowChecker | null;

  /** @throws UserError where the rows do not form requests */
  constructor(parts: TensorTraceParts) {
    const { source, tokens, layers, topK, columns } = parts;
    checkShape(source.path, layers, Math.max(topK, columns.predicted?.width ?? 0));
    this.path = source.path;
    this.tokens = tokens;
    this.layers = layers;
    this.topK = topK;
    this.meta = parts.meta;
    this.#source = source;
    this.#columns = columns;
    this.#reader = new ColumnReader(source);
    this.has = {
      phases: columns.phase !== null || parts.promptRows !== null,
      weights: columns.weights !== null,
      tokenIds: columns.tokenId !== null,
      predictedK: columns.predicted?.width ?? 0,
    };
    this.#table = this.#foldRequests(parts.promptRows);
    this.requests = this.#table.requests;
    this.expertsPerLayer = parts.experts ?? new Array<number>(layers).fill(this.#largestId() + 1);
    this.#checker = new RowChecker(this.path, topK, this.expertsPerLayer);
    this.#predictedChecker =
      columns.predicted === null
        ? null
        : new RowChecker((row) => `${this.path}: predicted: token ${row}`, columns.predicted.width, this.expertsPerLayer);
  }

  sha256(): string {
    return this.#source.sha256();
  }

  read(start: number, count: number, into: TraceChunk): void {
    const columns = this.#columns;
    const row = this.layers * this.topK;
    this.#ids(columns.experts, start, count, row, into.experts);
    this.#checker.check(into.experts, count, start, nullIdOf(columns.experts.dtype));
    if (columns.predicted !== null && into.predicted !== null) {
      this.#ids(columns.predicted, start, count, this.layers * columns.predicted.width, into.predicted);
      this.#predictedChecker!.check(into.predicted, count, start, nullIdOf(columns.predicted.dtype));
    }
    if (columns.weights !== null && into.weights !== null) this.#reader.weights(columns.weights, start * row, count * row, into.weights);
    if (columns.tokenId !== null && into.tokenId !== null) this.#reader.integers(columns.tokenId, start, count, into.tokenId);
    this.#table.fill(start, count, into);
    into.tokens = count;
  }

  close(): void {
    this.#source.close();
  }

  /** Decodes ids of `count` rows of `width` ids each. */
  #ids(column: ColumnLayout, start: number, count: number, width: number, into: Uint16Array): void {
    const bad = this.#reader.ids(column, start * width, count * width, into);
    if (bad < 0) return;
    const layer = Math.floor((bad % width) / (width / this.layers));
    throw new UserError(
      `${this.path}: token ${start + Math.floor(bad / width)}, layer ${layer}: not an expert id (ids are 0 to 65534, -1 for none); is the dtype right?`,
    );
  }

  /** Largest id of the file; all of it is read. */
  #largestId(): number {
    const { experts } = this.#columns;
    const row = this.layers * this.topK;
    const rows = Math.max(1, Math.floor(BLOCK_IDS / row));
    const block = new Uint16Array(rows * row);
    const none = nullIdOf(experts.dtype);
    let largest = -1;
    for (let start = 0; start < this.tokens; start += rows) {
      const count = Math.min(rows, this.tokens - start);
      this.#ids(experts, start, count, row, block);
      for (let i = 0; i < count * row; i++) {
        const id = block[i]!;
        if (id > largest && id !== none && id !== NULL_EXPERT) largest = id;
      }
    }
    if (largest < 0) throw new UserError(`${this.path}: no token chooses any expert; the trace is empty`);
    return largest;
  }

  #foldRequests(promptRows: number | null): RequestTable {
    const { request, position, phase } = this.#columns;
    const table = new RequestTable(this.path);
    const rows = Math.min(BLOCK_ROWS, this.tokens);
    const requests = new Int32Array(rows);
    const positions = new Int32Array(rows).fill(-1);
    const phases = new Int32Array(rows).fill(PHASE.decode);
    for (let start = 0; start < this.tokens; start += rows) {
      const count = Math.min(rows, this.tokens - start);
      if (request !== null) this.#reader.integers(request, start, count, requests);
      if (position !== null) this.#reader.integers(position, start, count, positions);
      if (phase !== null) this.#reader.integers(phase, start, count, phases);
      else if (promptRows !== null)
        phases
          .fill(PHASE.prefill, 0, Math.max(0, Math.min(count, promptRows - start)))
          .fill(PHASE.decode, Math.max(0, Math.min(count, promptRows - start)));
      for (let i = 0; i < count; i++) {
        const at = positions[i]!;
        const kind = phases[i]!;
        if (kind !== PHASE.prefill && kind !== PHASE.decode) {
          throw new UserError(`${this.path}: token ${start + i}: phase ${kind} is neither 0 (prefill) nor 1 (decode)`);
        }
        if (position !== null && at < 0)
          throw new UserError(`${this.path}: token ${start + i}: position ${at} is negative; the first token is 0`);
        table.add(requests[i]!, at, kind);
      }
    }
    table.finish();
    return table;
  }
}
