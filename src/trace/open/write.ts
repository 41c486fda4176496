// Writers of the canonical layouts. Both stream: rows are read in chunks and written to their offsets, so memory does not grow with the
// trace. The file gets its name only when it is complete.

import { AtomicFile } from '../../base/files.js';
import { bytesOf as utf8, viewOf } from '../../base/host/bytes.js';
import { metadataOf } from '../formats/metadata.js';
import { toHalf } from '../half.js';
import { chunks, NULL_EXPERT, PHASE, type RoutingTrace, type TraceChunk } from '../trace.js';

/** Rows that are written at a time. */
const ROWS = 1024;

/** Options of writing a trace. */
export interface WriteOptions {
  /** More metadata strings; they win over those of the trace. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** How to store gate weights, where there are any: exactly, at half the size with 11 bits, or not at all. `f32` unless said. */
  readonly weights?: 'f32' | 'f16' | 'none';
}

/** One column of a safetensors file. */
interface Column {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Bytes of one row. */
  readonly rowBytes: number;
  /** The chunk's rows as bytes. */
  encode(chunk: TraceChunk): Uint8Array;
}

/**
 * Writes a trace as canonical safetensors.
 * @throws UserError where the path cannot be written
 */
export function writeSafetensors(trace: RoutingTrace, path: string, options: WriteOptions = {}): void {
  writeAll(path, (file) => fillSafetensors(trace, file, options));
}

/**
 * Writes a trace as canonical safetensors into a file under construction. Stops after every block of rows, for callers that have to look
 * after something else meanwhile.
 * @throws UserError where the file cannot be written
 */
export function* fillSafetensors(trace: RoutingTrace, file: AtomicFile, options: WriteOptions): Generator<void, void, void> {
  const columns = columnsOf(trace, options.weights ?? 'f32');
  const header: Record<string, unknown> = { __metadata__: metadataOf(trace, options.metadata) };
  const offsets: number[] = [];
  let end = 0;
  for (const { name, dtype, shape, rowBytes } of columns) {
    offsets.push(end);
    header[name] = { dtype, shape, data_offsets: [end, end + rowBytes * trace.tokens] };
    end += rowBytes * trace.tokens;
  }
  const text = utf8(JSON.stringify(header));
  const padded = new Uint8Array(8 + Math.ceil(text.length / 8) * 8).fill(32);
  viewOf(padded).setBigUint64(0, BigInt(padded.length - 8), true);
  padded.set(text, 8);
  file.write(padded, 0);
  let row = 0;
  for (const chunk of chunks(trace, ROWS)) {
    columns.forEach((column, i) => {
      file.write(column.encode(chunk), padded.length + offsets[i]! + row * column.rowBytes);
    });
    row += chunk.tokens;
    yield;
  }
}

/** Columns in order of falling element size, so that each begins aligned. */
function columnsOf(trace: RoutingTrace, weights: 'f32' | 'f16' | 'none'): Column[] {
  const { tokens, layers, topK, has } = trace;
  const cells = [tokens, layers, topK];
  const row = layers * topK;
  const wide = Math.max(...trace.expertsPerLayer) > 255;
  const idDtype = wide ? 'U16' : 'U8';
  const ids = (name: string, width: number, pick: (chunk: TraceChunk) => Uint16Array): Column => {
    const narrow = new Uint8Array(wide ? 0 : ROWS * layers * width);
    return {
      name,
      dtype: idDtype,
      shape: [tokens, layers, width],
      rowBytes: layers * width * (wide ? 2 : 1),
      // Cutting NULL_EXPERT, all bits set, to one byte gives the null of U8.
      encode: (chunk) => {
        const used = pick(chunk).subarray(0, chunk.tokens * layers * width);
        if (wide) return bytesOf(used);
        narrow.set(used);
        return narrow.subarray(0, used.length);
      },
    };
  };
  const int32 = (name: string, pick: (chunk: TraceChunk) => Int32Array): Column => ({
    name,
    dtype: 'I32',
    shape: [tokens],
    rowBytes: 4,
    encode: (chunk) => bytesOf(pick(chunk).subarray(0, chunk.tokens)),
  });
  const named = new Int32Array(ROWS);
  const columns: Column[] = [
    int32('request_id', (chunk) => {
      for (let i = 0; i < chunk.tokens; i++) named[i] = trace.requests[chunk.request[i]!]!.id;
      return named;
    }),
    int32('position', (chunk) => chunk.position),
  ];
  if (has.tokenIds) columns.push(int32('token_id', (chunk) => chunk.tokenId!));
  if (has.weights && weights === 'f32') {
    columns.push({
      name: 'weights',
      dtype: 'F32',
      shape: cells,
      rowBytes: row * 4,
      encode: (chunk) => bytesOf(chunk.weights!.subarray(0, chunk.tokens * row)),
    });
  }
  const half = has.weights && weights === 'f16' ? new Uint16Array(ROWS * row) : null;
  if (half !== null) {
    columns.push({
      name: 'weights',
      dtype: 'F16',
      shape: cells,
      rowBytes: row * 2,
      encode: (chunk) => {
        const used = chunk.tokens * row;
        for (let i = 0; i < used; i++) half[i] = toHalf(chunk.weights![i]!);
        return bytesOf(half.subarray(0, used));
      },
    });
  }
  columns.push(ids('experts', topK, (chunk) => chunk.experts));
  if (has.predictedK > 0) columns.push(ids('predicted', has.predictedK, (chunk) => chunk.predicted!));
  if (has.phases) {
    columns.push({ name: 'phase', dtype: 'U8', shape: [tokens], rowBytes: 1, encode: (chunk) => chunk.phase.subarray(0, chunk.tokens) });
  }
  return columns;
}

/**
 * Writes a trace as canonical JSONL, a header line first.
 * @throws UserError where the path cannot be written
 */
export function writeJsonl(trace: RoutingTrace, path: string, options: WriteOptions = {}): void {
  writeAll(path, (file) => fillJsonl(trace, file, options));
}

/**
 * Writes a trace as canonical JSONL into a file under construction, with stops as in {@link fillSafetensors}.
 * @throws UserError where the file cannot be written
 */
export function* fillJsonl(trace: RoutingTrace, file: AtomicFile, options: WriteOptions): Generator<void, void, void> {
  file.write(`${JSON.stringify(metadataOf(trace, options.metadata))}\n`);
  for (const block of jsonlLines(trace, trace.has.weights && options.weights !== 'none')) {
    file.write(block);
    yield;
  }
}

/** The token lines of a trace, some rows at a time. */
export function* jsonlLines(trace: RoutingTrace, withWeights: boolean): Generator<string, void, void> {
  const { layers, topK, has } = trace;
  for (const chunk of chunks(trace, 64)) {
    let text = '';
    for (let i = 0; i < chunk.tokens; i++) {
      text += `{"request":${trace.requests[chunk.request[i]!]!.id},"position":${chunk.position[i]}`;
      if (has.phases) text += chunk.phase[i] === PHASE.prefill ? ',"phase":"prefill"' : ',"phase":"decode"';
      if (has.tokenIds) text += `,"token":${chunk.tokenId![i]}`;
      text += `,"experts":${lists(chunk.experts, i, layers, topK)}`;
      if (withWeights) text += `,"weights":${weightLists(chunk, i, layers, topK)}`;
      if (has.predictedK > 0) text += `,"predicted":${lists(chunk.predicted!, i, layers, has.predictedK)}`;
      text += '}\n';
    }
    yield text;
  }
}

/** Ids of one row; trailing nulls are left out, others are -1, so that the rank order stays. */
function lists(ids: Uint16Array, row: number, layers: number, width: number): string {
  let text = '[';
  for (let layer = 0; layer < layers; layer++) {
    const from = (row * layers + layer) * width;
    let to = from + width;
    while (to > from && ids[to - 1] === NULL_EXPERT) to--;
    text += layer === 0 ? '[' : ',[';
    for (let at = from; at < to; at++) text += `${at === from ? '' : ','}${ids[at] === NULL_EXPERT ? -1 : ids[at]}`;
    text += ']';
  }
  return `${text}]`;
}

/** Weights of one row, with the fewest digits that give the same 32-bit float again. */
function weightLists({ weights }: TraceChunk, row: number, layers: number, width: number): string {
  const all: number[][] = [];
  for (let layer = 0; layer < layers; layer++) {
    const from = (row * layers + layer) * width;
    all.push(Array.from(weights!.subarray(from, from + width), shortest));
  }
  return JSON.stringify(all);
}

function shortest(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}

function bytesOf(array: Uint16Array | Int32Array | Float32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function writeAll(path: string, fill: (file: AtomicFile) => Iterable<void>): void {
  const file = new AtomicFile(path);
  try {
    for (const _ of fill(file));
    file.commit();
  } finally {
    file.abort();
  }
}
