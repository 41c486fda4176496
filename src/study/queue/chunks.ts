// Files sent through a server in chunks, addressed by content.
import { z } from 'zod';
import { UserError } from '../../base/errors.js';
import { newSha256 } from '../../base/host/hash.js';
import { InputFile } from '../../base/input-file.js';
import { shortened, visible } from '../../base/text.js';
import { parsed } from './protocol.js';
import type { Seal } from './seal.js';

/** Bytes per chunk. Ours: a round trip of 1 ms is small, and servers hold values in memory. */
export const CHUNK_BYTES = 2 ** 20;

const noteShape = z.union([
  z.object({ refused: z.string(), seal: z.string() }),
  z.object({ bytes: z.int().nonnegative(), chunks: z.int(), seal: z.string() }).refine(({ bytes, chunks }) => chunks === chunkCount(bytes)),
]);

/** Size and chunks of a file, or the reason for its absence. */
export type FileNote = { readonly bytes: number; readonly chunks: number } | { readonly refused: string };

const noteParts = (sha256: string, note: FileNote): string[] => [sha256, 'refused' in note ? note.refused : String(note.bytes)];

/** Sealed text of a note. */
export const fileNoteText = (sha256: string, note: FileNote, seal: Seal): string =>
  JSON.stringify({ ...note, seal: seal.over('file', ...noteParts(sha256, note)) });

/** Chunks of a file; 0 for an empty file. */
export const chunkCount = (bytes: number): number => Math.ceil(bytes / CHUNK_BYTES);

/** @returns null: no note, or an invalid seal */
export function fileNoteOf(sha256: string, text: string | null, seal: Seal): FileNote | null {
  const note = parsed(noteShape, text);
  if (note === null || !seal.holds(note.seal, 'file', ...noteParts(sha256, note))) return null;
  return 'refused' in note ? { refused: shortened(visible(note.refused)) } : { bytes: note.bytes, chunks: note.chunks };
}

/** @throws UserError if the size changes meanwhile */
export function* chunksOf(path: string): Generator<Uint8Array> {
  const file = InputFile.open(path, 'trace');
  try {
    for (let at = 0; at < file.bytes; at += CHUNK_BYTES) {
      const chunk = file.part(at, CHUNK_BYTES);
      if (chunk.length < Math.min(CHUNK_BYTES, file.bytes - at))
        throw new UserError(`${path}: became shorter while it was sent; start the sweep again`);
      yield chunk;
    }
  } finally {
    file.close();
  }
}

/** The received content differs from the requested file. */
export class DamagedFile extends Error {}

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

  /** @throws DamagedFile if the chunk is missing, or of a wrong length */
  add(chunk: Uint8Array | null): Uint8Array {
    const expected = Math.min(CHUNK_BYTES, this.#bytes - this.#got);
    if (chunk === null || chunk.length !== expected) throw new DamagedFile('a part of it is gone from the server');
    this.#hash.update(chunk);
    this.#got += chunk.length;
    return chunk;
  }

  /** @throws DamagedFile if size or digest differ */
  finish(): void {
    if (this.#got !== this.#bytes || this.#hash.digest('hex') !== this.#sha256) throw new DamagedFile('it came through the server damaged');
  }
}
