import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as zlib from 'node:zlib';

/** Step of a stream: bytes in, bytes out. */
export type StreamStep = (input: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array, void, void>;

/** Step of the system, usable once. */
export interface OwnStep {
  /** For {@link pipe} only. */
  readonly own: unknown;
}

/** CRC-32, continued from `before`. */
export const crc32: (bytes: Uint8Array, before?: number) => number = zlib.crc32;

/** Deflates bytes to a whole byte, not marked as the last block, so that more can follow. */
export const deflatedBlock = (bytes: Uint8Array): Uint8Array => zlib.deflateRawSync(bytes, { finishFlush: zlib.constants.Z_SYNC_FLUSH });

/** A small window takes less time to prepare than to fill. Ours. */
const FAST = { level: 1, windowBits: 13, memLevel: 6 };

/** Deflates a text at the fastest level. */
export const deflatedFast: (text: string) => Uint8Array = (text) => zlib.deflateRawSync(text, FAST);

/** Inflates bytes. @throws Error if damaged or above `limit` bytes */
export const inflated: (bytes: Uint8Array, limit: number) => Uint8Array = (bytes, limit) =>
  zlib.inflateRawSync(bytes, { maxOutputLength: limit });

/** Inflates a stream. */
export const inflating: () => OwnStep = () => ({ own: zlib.createInflateRaw() });
/** Unpacks a gzip stream. */
export const gunzipping: () => OwnStep = () => ({ own: zlib.createGunzip() });
/** Unpacks a zstd stream; null before Node 22.15. */
export function unzstdding(): OwnStep | null {
  const { createZstdDecompress } = zlib as { createZstdDecompress?: () => Transform };
  return createZstdDecompress === undefined ? null : { own: createZstdDecompress() };
}

/** Sends blocks through steps to `sink`. @throws any step's error */
export function pipe(
  blocks: Iterable<Uint8Array>,
  steps: readonly (StreamStep | OwnStep)[],
  sink: (stream: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  const streams = steps.map((step) => (typeof step === 'function' ? step : (step.own as Transform)));
  return (pipeline as (...parts: readonly unknown[]) => Promise<void>)(Readable.from(blocks), ...streams, sink);
}
