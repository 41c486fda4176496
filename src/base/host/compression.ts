import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as zlib from 'node:zlib';

/** A step of a stream: bytes in, bytes out. */
export type StreamStep = (input: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array, void, void>;

/** A step of the system's own, which runs once. */
export interface OwnStep {
  /** Known to {@link pipe} alone. */
  readonly own: unknown;
}

/** CRC-32 of bytes that follow those of `before`. */
export const crc32: (bytes: Uint8Array, before?: number) => number = zlib.crc32;

/** Deflates bytes. The result ends on a whole byte and is not marked as the last block, so that more can follow. */
export const deflatedBlock = (bytes: Uint8Array): Uint8Array => zlib.deflateRawSync(bytes, { finishFlush: zlib.constants.Z_SYNC_FLUSH });

/** A small window is made ready in less time than it takes to fill it. */
const FAST = { level: 1, windowBits: 13, memLevel: 6 };

/** Deflates a text as fast as can be. */
export const deflatedFast: (text: string) => Uint8Array = (text) => zlib.deflateRawSync(text, FAST);

/** Unpacks deflated bytes. @throws Error if they are damaged, or become more than `limit` bytes */
export const inflated: (bytes: Uint8Array, limit: number) => Uint8Array = (bytes, limit) =>
  zlib.inflateRawSync(bytes, { maxOutputLength: limit });

/** Unpacks deflate. */
export const inflating: () => OwnStep = () => ({ own: zlib.createInflateRaw() });
/** Unpacks gzip. */
export const gunzipping: () => OwnStep = () => ({ own: zlib.createGunzip() });
/** Unpacks zstd; null before Node 22.15, which cannot. */
export function unzstdding(): OwnStep | null {
  const { createZstdDecompress } = zlib as { createZstdDecompress?: () => Transform };
  return createZstdDecompress === undefined ? null : { own: createZstdDecompress() };
}

/** Sends blocks through steps to `sink`. @throws what one of them throws */
export function pipe(
  blocks: Iterable<Uint8Array>,
  steps: readonly (StreamStep | OwnStep)[],
  sink: (stream: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  const streams = steps.map((step) => (typeof step === 'function' ? step : (step.own as Transform)));
  return (pipeline as (...parts: readonly unknown[]) => Promise<void>)(Readable.from(blocks), ...streams, sink);
}
