// Small traces and files for tests: built here byte by byte, so that a wrong file is wrong in exactly one way.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelSpec } from '../../src/model/spec.js';
import { TraceStore } from '../../src/trace/store.js';
import { allocateChunk, PHASE, type RoutingTrace } from '../../src/trace/trace.js';

export { temporaryFolder } from '../support/folder.js';

/** A model with nothing but its routing shape. */
export function modelOf(layers: readonly { experts: number; topK: number }[], name = 'test-model'): ModelSpec {
  let offset = 0;
  const moe = layers.map(({ experts, topK }, index) => {
    const layer = { index, experts, topK, expertBytes: 1000, flopsPerToken: 1000, offset };
    offset += experts;
    return layer;
  });
  return {
    name,
    quantization: 'bf16',
    hidden: 0,
    layers: moe,
    dense: { segments: [], weightBytes: 0, kvBytesPerToken: 0 },
    experts: offset,
    parameters: { total: 0, active: 0 },
  };
}

/** `layers` equal layers. */
export function uniformModel(layers: number, experts: number, topK: number): ModelSpec {
  return modelOf(new Array(layers).fill({ experts, topK }));
}

/** One tensor of a file to build. */
export interface RawTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: ArrayBufferView | Uint8Array;
}

/** Bytes of a safetensors file; `edit` may spoil the header. */
export function safetensorsBytes(
  tensors: Readonly<Record<string, RawTensor>>,
  metadata: Readonly<Record<string, unknown>> | null = null,
  edit: (header: Record<string, unknown>) => unknown = (header) => header,
): Buffer {
  const header: Record<string, unknown> = metadata === null ? {} : { __metadata__: metadata };
  const data: Buffer[] = [];
  let end = 0;
  for (const [name, { dtype, shape, data: view }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [end, end + view.byteLength] };
    data.push(Buffer.from(view.buffer, view.byteOffset, view.byteLength));
    end += view.byteLength;
  }
  const text = Buffer.from(JSON.stringify(edit(header)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...data]);
}

/** Writes bytes to a file of a folder and gives its path. */
export function fileOf(folder: string, name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  // Of a file that is written over, ext4 first puts on the disk what it had: most of the time of the fuzz test was that.
  rmSync(path, { force: true });
  writeFileSync(path, bytes);
  return path;
}

/** A token as a test writes it; null choices are -1. */
export interface TestRow {
  readonly request?: number;
  readonly position?: number;
  readonly phase?: number;
  readonly token?: number;
  readonly experts: readonly (readonly number[])[];
  readonly weights?: readonly (readonly number[])[];
  readonly predicted?: readonly (readonly number[])[];
}

/** A trace in memory of the rows given; all rows have the keys of the first. */
export function traceOf(
  rows: readonly TestRow[],
  experts: number | readonly number[],
  options: { memoryBytes?: number; topK?: number; predictedAhead?: readonly number[] } = {},
): RoutingTrace {
  const first = rows[0]!;
  const layers = first.experts.length;
  const topK = options.topK ?? Math.max(...first.experts.map((list) => list.length));
  const predictedK = first.predicted === undefined ? 0 : Math.max(1, ...rows.flatMap((row) => row.predicted!.map((list) => list.length)));
  const store = new TraceStore({
    path: 'test',
    layers,
    topK,
    weights: first.weights !== undefined,
    tokenIds: first.token !== undefined,
    phases: first.phase !== undefined,
    predictedK,
    ...(options.memoryBytes === undefined ? {} : { memoryBytes: options.memoryBytes }),
  });
  rows.forEach((row, index) => {
    store.seek(index);
    row.experts.forEach((list, layer) => {
      store.ids.set(list, store.idsAt + layer * topK);
    });
    row.weights?.forEach((list, layer) => {
      store.weights.set(list, store.idsAt + layer * topK);
    });
    row.predicted?.forEach((list, layer) => {
      store.predicted.set(list, store.predictedAt + layer * predictedK);
    });
    if (row.token !== undefined) store.tokenIds[store.tokenAt] = row.token;
    store.addRow(row.request ?? 0, row.position ?? -1, row.phase ?? PHASE.decode);
  });
  const list = typeof experts === 'number' ? new Array<number>(layers).fill(experts) : experts;
  const ahead = options.predictedAhead === undefined ? {} : { predictedAhead: options.predictedAhead };
  return store.finish(list, { model: 'test-model', format: 'test', synthetic: false, expertBytes: null, ...ahead, notes: {} });
}

/** Everything a trace says, as plain values, read in blocks of `capacity` rows. */
export function contentOf(trace: RoutingTrace, capacity = 1000) {
  const { tokens, layers, topK, expertsPerLayer, requests, has } = trace;
  const columns = {
    request: [] as number[],
    position: [] as number[],
    phase: [] as number[],
    tokenId: [] as number[],
    experts: [] as number[],
    weights: [] as number[],
    predicted: [] as number[],
  };
  const chunk = allocateChunk(trace, capacity);
  for (let start = 0; start < tokens; start += capacity) {
    trace.read(start, Math.min(capacity, tokens - start), chunk);
    const rows = chunk.tokens;
    columns.request.push(...chunk.request.subarray(0, rows));
    columns.position.push(...chunk.position.subarray(0, rows));
    columns.phase.push(...chunk.phase.subarray(0, rows));
    columns.experts.push(...chunk.experts.subarray(0, rows * layers * topK));
    if (chunk.tokenId !== null) columns.tokenId.push(...chunk.tokenId.subarray(0, rows));
    if (chunk.weights !== null) columns.weights.push(...chunk.weights.subarray(0, rows * layers * topK));
    if (chunk.predicted !== null) columns.predicted.push(...chunk.predicted.subarray(0, rows * layers * has.predictedK));
  }
  return { tokens, layers, topK, expertsPerLayer, requests, has, columns };
}
