import { AtomicFile } from '../../base/files.js';
import { bytesOf as utf8, viewOf } from '../../base/host/bytes.js';
import { DTYPE_BYTES, toHalf } from '../column.js';
import { metadataOf } from '../formats/metadata.js';
import { chunks, NULL_EXPERT, PHASE, type RoutingTrace, type TraceChunk } from '../trace.js';

/** Rows per block. */
const ROWS = 1024;

/** Options of writing a trace. */
export interface WriteOptions {
  /** Extra metadata strings, with priority over the trace's. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Storage of gate weights: exact, half precision, or dropped. Absent: `f32`. */
  readonly weights?: 'f32' | 'f16' | 'none';
}

interface Column {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly [tokens: number, ...width: number[]];
  encode(chunk: TraceChunk): Uint8Array;
}

/** @throws UserError for an unwritable path */
export function writeSafetensors(trace: RoutingTrace, path: string, options: WriteOptions = {}): void {
  writeAll(path, (file) => fillSafetensors(trace, file, options));
}

/** Pauses after each block. @throws UserError for a failed write */
export function* fillSafetensors(trace: RoutingTrace, file: AtomicFile, options: WriteOptions): Generator<void, void, void> {
  const columns = columnsOf(trace, options.weights ?? 'f32');
  const header: Record<string, unknown> = { __metadata__: metadataOf(trace, options.metadata) };
  const places: { readonly offset: number; readonly rowBytes: number }[] = [];
  let end = 0;
  for (const { name, dtype, shape } of columns) {
    const rowBytes = shape.slice(1).reduce((product, side) => product * side, DTYPE_BYTES.get(dtype)!);
    places.push({ offset: end, rowBytes });
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
      const { offset, rowBytes } = places[i]!;
      file.write(column.encode(chunk), padded.length + offset + row * rowBytes);
    });
    row += chunk.tokens;
    yield;
  }
}

/** Columns by falling element size, so that all are aligned. */
function columnsOf(trace: RoutingTrace, weights: 'f32' | 'f16' | 'none'): Column[] {
  const { tokens, layers, topK, has } = trace;
  const wide = Math.max(...trace.expertsPerLayer) > 255;
  const ids = (name: string, width: number, pick: (chunk: TraceChunk) => Uint16Array): Column => {
    const narrow = new Uint8Array(wide ? 0 : ROWS * layers * width);
    return {
      name,
      dtype: wide ? 'U16' : 'U8',
      shape: [tokens, layers, width],
      // NULL_EXPERT, all bits set, cut to one byte is the null of U8.
      encode: (chunk) => {
        const used = pick(chunk).subarray(0, chunk.tokens * layers * width);
        if (wide) return bytesOf(used);
        narrow.set(used);
        return narrow.subarray(0, used.length);
      },
    };
  };
  const perToken = (name: string, dtype: 'I32' | 'U8', pick: (chunk: TraceChunk) => Int32Array | Uint8Array): Column => ({
    name,
    dtype,
    shape: [tokens],
    encode: (chunk) => bytesOf(pick(chunk).subarray(0, chunk.tokens)),
  });
  const named = new Int32Array(ROWS);
  const columns: Column[] = [
    perToken('request_id', 'I32', (chunk) => {
      for (let i = 0; i < chunk.tokens; i++) named[i] = trace.requests[chunk.request[i]!]!.id;
      return named;
    }),
    perToken('position', 'I32', (chunk) => chunk.position),
  ];
  if (has.tokenIds) columns.push(perToken('token_id', 'I32', (chunk) => chunk.tokenId!));
  if (has.weights && weights !== 'none')
    columns.push({
      name: 'weights',
      dtype: weights === 'f16' ? 'F16' : 'F32',
      shape: [tokens, layers, topK],
      encode: (chunk) => {
        const used = chunk.weights!.subarray(0, chunk.tokens * layers * topK);
        return bytesOf(weights === 'f16' ? Uint16Array.from(used, toHalf) : used);
      },
    });
  columns.push(ids('experts', topK, (chunk) => chunk.experts));
  if (has.predictedK > 0) columns.push(ids('predicted', has.predictedK, (chunk) => chunk.predicted!));
  if (has.phases) columns.push(perToken('phase', 'U8', (chunk) => chunk.phase));
  return columns;
}

/** Canonical, with header. @throws UserError for an unwritable path */
export function writeJsonl(trace: RoutingTrace, path: string, options: WriteOptions = {}): void {
  writeAll(path, (file) => fillJsonl(trace, file, options));
}

/** Pauses like {@link fillSafetensors}. @throws UserError for a failed write */
export function* fillJsonl(trace: RoutingTrace, file: AtomicFile, options: WriteOptions): Generator<void, void, void> {
  file.write(`${JSON.stringify(metadataOf(trace, options.metadata))}\n`);
  for (const block of jsonlLines(trace, trace.has.weights && options.weights !== 'none')) {
    file.write(block);
    yield;
  }
}

/** Token lines of a trace, in blocks. */
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

/** Ids of a row; trailing nulls are omitted, inner nulls are -1. */
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

const bytesOf = (array: Uint8Array | Uint16Array | Int32Array | Float32Array): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

function writeAll(path: string, fill: (file: AtomicFile) => Iterable<void>): void {
  const file = new AtomicFile(path);
  try {
    for (const _ of fill(file));
    file.commit();
  } finally {
    file.abort();
  }
}
