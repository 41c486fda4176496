// Streams by the web's decoders, immediate results by Parquet's decoder.
import { decompressGzip } from 'hyparquet-compressors';
import type { OwnStep, StreamStep } from '../host/compression.js';
import { joined } from './bytes.js';
import { notOnPages } from './modules.js';

/** Remainders of bytes, polynomial 0xedb88320. */
const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? 0xedb88320 : 0);
  return rest;
});

export function crc32(bytes: Uint8Array, before = 0): number {
  let rest = ~before;
  for (const byte of bytes) rest = (rest >>> 8) ^ TABLE[(rest ^ byte) & 255]!;
  return ~rest >>> 0;
}

export function deflatedBlock(_bytes: Uint8Array): Uint8Array {
  throw notOnPages('gzip');
}
export function deflatedFast(_text: string): Uint8Array {
  throw notOnPages('deflate');
}

/** The decoder expects 8 bytes at the end of a gzip file. */
const GZIP_END = new Uint8Array(8);

export const inflated = (bytes: Uint8Array, limit: number): Uint8Array => decompressGzip(joined([bytes, GZIP_END]), limit);

export const inflating = (): OwnStep => ({ own: decoding('deflate-raw') });
/** Unpacks gzip of one member. */
export const gunzipping = (): OwnStep => ({ own: decoding('gzip') });
export const unzstdding = (): OwnStep | null => null;

export async function pipe(
  blocks: Iterable<Uint8Array>,
  steps: readonly (StreamStep | OwnStep)[],
  sink: (stream: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  let stream: AsyncIterable<Uint8Array> = later(blocks);
  for (const step of steps) stream = (typeof step === 'function' ? step : (step.own as StreamStep))(stream);
  await sink(stream);
}

async function* later(blocks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  yield* blocks;
}

function decoding(format: 'gzip' | 'deflate-raw'): StreamStep {
  return async function* (input) {
    const { readable, writable } = new DecompressionStream(format);
    const writer = writable.getWriter();
    const reader = readable.getReader();
    const fed = (async () => {
      for await (const block of input) await writer.write(block as Uint8Array<ArrayBuffer>);
      await writer.close();
    })();
    fed.catch((error: unknown) => writer.abort(error).catch(() => undefined));
    try {
      for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value as Uint8Array;
      await fed;
    } finally {
      await reader.cancel().catch(() => undefined);
    }
  };
}
