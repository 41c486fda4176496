import { UserError } from '../base/errors.js';
import { checkShape, predictedChecker, RowChecker } from './check.js';
import { type ColumnLayout, ColumnReader, nullIdOf } from './column.js';
import { RequestTable } from './requests.js';
import type { TraceSource } from './source.js';
import { NULL_EXPERT, PHASE, type RoutingTrace, type TraceChunk, type TraceMeta } from './trace.js';

/** Ids decoded at a time, by default. */
const BLOCK_IDS = 256 * 1024;
/** Rows decoded at a time, at most. */
const BLOCK_ROWS = 16 * 1024;

/** Columns of a tensor trace, `[tokens]` if not noted. */
type TensorColumns = { readonly [C in Exclude<keyof TraceChunk, 'tokens'>]: ColumnLayout | null } & {
  /** `[tokens, layers, topK]`, like `weights` */
  readonly experts: ColumnLayout;
  /** `[tokens, layers, predictedK]` */
  readonly predicted: (ColumnLayout & { readonly width: number }) | null;
};

/** Parts of a tensor trace. */
export interface TensorTraceParts {
  readonly source: TraceSource;
  readonly tokens: number;
  readonly layers: number;
  readonly topK: number;
  readonly columns: TensorColumns;
  /** Experts per layer; null: by the largest id, which needs a full read. */
  readonly experts: readonly number[] | null;
  /** Prompt rows of a single request without phase column; null: all decode. */
  readonly promptRows: number | null;
  readonly meta: TraceMeta;
}

/** Trace from tensor columns, read by offset in constant memory. @throws UserError if rows do not form requests */
export function tensorTrace({ source, tokens, layers, topK, columns, experts, promptRows, meta }: TensorTraceParts): RoutingTrace {
  const { path } = source;
  const predictedK = columns.predicted?.width ?? 0;
  checkShape(path, layers, Math.max(topK, predictedK));
  const reader = new ColumnReader(source);
  const has = {
    phases: columns.phase !== null || promptRows !== null,
    weights: columns.weights !== null,
    tokenIds: columns.tokenId !== null,
    predictedK,
  };
  const table = foldRequests(path, reader, columns, tokens, promptRows);
  const ids = idReader(path, reader, layers);
  const row = layers * topK;
  const expertsPerLayer = experts ?? new Array<number>(layers).fill(largestId(path, ids, columns.experts, tokens, row) + 1);
  const checker = new RowChecker(path, topK, expertsPerLayer);
  const predicted = predictedChecker(path, predictedK, expertsPerLayer, meta);
  const shape = { path, tokens, layers, topK, expertsPerLayer, requests: table.requests, meta, has };
  return {
    ...shape,
    read(start, count, into) {
      ids(columns.experts, start, count, row, into.experts);
      checker.check(into.experts, count, start, nullIdOf(columns.experts.dtype));
      if (columns.predicted !== null && into.predicted !== null) {
        ids(columns.predicted, start, count, layers * predictedK, into.predicted);
        predicted.check(into.predicted, count, start, nullIdOf(columns.predicted.dtype));
      }
      if (columns.weights !== null && into.weights !== null) reader.weights(columns.weights, start * row, count * row, into.weights);
      if (columns.tokenId !== null && into.tokenId !== null) reader.integers(columns.tokenId, 'token_id', start, count, into.tokenId);
      table.fill(start, count, into);
      into.tokens = count;
    },
    sha256: () => source.sha256(),
    close: () => source.close(),
  };
}

type IdReader = (column: ColumnLayout, start: number, count: number, width: number, into: Uint16Array) => void;

function idReader(path: string, reader: ColumnReader, layers: number): IdReader {
  return (column, start, count, width, into) => {
    const bad = reader.ids(column, start * width, count * width, into);
    if (bad < 0) return;
    const layer = Math.floor((bad % width) / (width / layers));
    throw new UserError(
      `${path}: token ${start + Math.floor(bad / width)}, layer ${layer}: not an expert id (ids are 0 to 65534, -1 for none); is the dtype right?`,
    );
  };
}

function largestId(path: string, ids: IdReader, experts: ColumnLayout, tokens: number, row: number): number {
  const rows = Math.max(1, Math.floor(BLOCK_IDS / row));
  const block = new Uint16Array(rows * row);
  const none = nullIdOf(experts.dtype);
  let largest = -1;
  for (let start = 0; start < tokens; start += rows) {
    const count = Math.min(rows, tokens - start);
    ids(experts, start, count, row, block);
    for (let i = 0; i < count * row; i++) {
      const id = block[i]!;
      if (id > largest && id !== none && id !== NULL_EXPERT) largest = id;
    }
  }
  if (largest < 0) throw new UserError(`${path}: no token chooses any expert; the trace is empty`);
  return largest;
}

function foldRequests(path: string, reader: ColumnReader, columns: TensorColumns, tokens: number, promptRows: number | null): RequestTable {
  const { request, position, phase } = columns;
  const table = new RequestTable(path);
  const rows = Math.min(BLOCK_ROWS, tokens);
  const requests = new Int32Array(rows);
  const positions = new Int32Array(rows).fill(-1);
  const phases = new Int32Array(rows).fill(PHASE.decode);
  for (let start = 0; start < tokens; start += rows) {
    const count = Math.min(rows, tokens - start);
    if (request !== null) reader.integers(request, 'request_id', start, count, requests);
    if (position !== null) reader.integers(position, 'position', start, count, positions);
    if (phase !== null) reader.integers(phase, 'phase', start, count, phases);
    else if (promptRows !== null) {
      const prompt = Math.max(0, Math.min(count, promptRows - start));
      phases.fill(PHASE.prefill, 0, prompt).fill(PHASE.decode, prompt);
    }
    for (let i = 0; i < count; i++) {
      const at = positions[i]!;
      const kind = phases[i]!;
      if (kind !== PHASE.prefill && kind !== PHASE.decode)
        throw new UserError(`${path}: token ${start + i}: phase ${kind} is neither 0 (prefill) nor 1 (decode)`);
      if (position !== null && at < 0) throw new UserError(`${path}: token ${start + i}: position ${at} is negative; the first token is 0`);
      table.add(requests[i]!, at, kind);
    }
  }
  table.finish();
  return table;
}
