// Files sent through a server: in chunks, because a server holds each value in memory, and addressed by content, so that files are never
// confused.

import { z } from 'zod';
import { UserError } from '../../base/errors.js';
import { unfilled } from '../../base/host/bytes.js';
import { closeSync, fstatSync, openSync, readSync } from '../../base/host/files.js';
import { newSha256 } from '../../base/host/hash.js';
import { shortened, visible } from '../../base/text.js';
import { parsed } from './protocol.js';

/** Bytes of a chunk: a round trip of a millisecond hardly counts, and a server with a hundred workers holds few of them at once. */
export const CHUNK_BYTES = 2 ** 20;

const noteShape = z.union([
  z.object({ refused: z.string().transform((text) => shortened(visible(text))) }),
  z.object({ bytes: z.int().nonnegative(), chunks: z.int() }).refine(({ bytes, chunks }) => chunks === chunkCount(bytes)),
]);

/** A note on the server about a file: its size and chunks, or why the file is missing. */
export type FileNote = Readonly<z.infer<typeof noteShape>>;

/** How many chunks a file makes. An empty one makes none. */
export function chunkCount(bytes: number): number {
  return Math.ceil(bytes / CHUNK_BYTES);
}

/** @returns null: there is no note yet @throws UserError where the text is not a note */
export function fileNoteOf(text: string | null): FileNote | null {
  if (text === null) return null;
  const note = parsed(noteShape, text);
  if (note !== null) return note;
  throw new UserError('what the server says of a file cannot be read; empty the queue, and start the sweep again');
}

/** A file, one chunk after another. @throws UserError where its size changes meanwhile */
export function* chunksOf(path: string): Generator<Uint8Array> {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    for (let at = 0; at < size; ) {
      const chunk = unfilled(Math.min(CHUNK_BYTES, size - at));
      const read = readSync(file, chunk, 0, chunk.length, at);
      if (read < chunk.length) throw new UserError(`${path}: became shorter while it was sent; start the sweep again`);
      yield chunk;
      at += read;
    }
  } finally {
    closeSync(file);
  }
}

/** Checks arriving chunks against the requested file. */
export class ChunkCheck {
  readonly #hash = newSha256();
  readonly #sha256: string;
  readonly #bytes: number;
  #got = 0;

  /** @param sha256 hex @param bytes of the whole file */
  constructor(sha256: string, bytes: number) {
    this.#sha256 = sha256;
    this.#bytes = bytes;
  }

  /** @throws UserError where the chunk is missing, or of the wrong length */
  add(chunk: Uint8Array | null): Uint8Array {
    const expected = Math.min(CHUNK_BYTES, this.#bytes - this.#got);
    if (chunk === null || chunk.length !== expected)
      throw new UserError(`a part of file ${this.#sha256.slice(0, 12)} is gone from the server`);
    this.#hash.update(chunk);
    this.#got += chunk.length;
    return chunk;
  }

  /** @throws UserError where the file is not what it should be */
  finish(): void {
    if (this.#got !== this.#bytes || this.#hash.digest('hex') !== this.#sha256)
      throw new UserError(`file ${this.#sha256.slice(0, 12)} came through the server damaged`);
  }
}
