// Small models for cache tests, and a reader of bundled traces that needs nothing of the trace room.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ModelSpec, MoeLayer } from '../../src/model/spec.js';

/** A model of `experts[l]` experts of `bytes[l]` bytes at MoE layer l; everything else is free. */
export function toyModel(experts: readonly number[], bytes: readonly number[] = experts.map(() => 1), topK = 1): ModelSpec {
  let offset = 0;
  const layers = experts.map((count, index): MoeLayer => {
    const layer = { index, experts: count, topK, expertBytes: bytes[index]!, flopsPerToken: 0, offset };
    offset += count;
    return layer;
  });
  const dense = { segments: [], weightBytes: 0, kvBytesPerToken: 0 };
  return { name: 'toy', quantization: 'none', hidden: 0, layers, dense, experts: offset, parameters: { total: 0, active: 0 } };
}

/** Rows of a U8 trace widened to what {@link TraceChunk.experts} holds. */
export interface Rows {
  readonly tokens: number;
  readonly layers: number;
  readonly topK: number;
  readonly experts: Uint16Array;
}

/** Path of a trace that is bundled with moeprof. */
export function bundledTrace(name: string): string {
  return fileURLToPath(new URL(`../../profiles/traces/${name}.safetensors`, import.meta.url));
}

/** Reads the `experts` tensor [T, L, K] (U8) of a safetensors file. */
export function readRows(path: string): Rows {
  const file = readFileSync(path);
  const header = Number(file.readBigUInt64LE(0));
  const { experts } = JSON.parse(file.toString('utf8', 8, 8 + header)) as {
    experts: { shape: [number, number, number]; data_offsets: [number, number] };
  };
  const [tokens, layers, topK] = experts.shape;
  const [from, to] = experts.data_offsets;
  return { tokens, layers, topK, experts: Uint16Array.from(file.subarray(8 + header + from, 8 + header + to)) };
}
