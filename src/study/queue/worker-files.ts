// The files of a cell on a worker: where the sweep has them, if that is a disk of both; else from the server, into the worker's cache.
// Modules come from neither: a worker runs only what lies in folders that its own user has named.

import type { Redis } from 'ioredis';
import { UserError } from '../../base/errors.js';
import { sleep } from '../../base/host/clock.js';
import type { View } from '../../base/host/view.js';
import { contentOf } from '../fingerprint.js';
import { ChunkCheck, fileNoteOf } from './chunks.js';
import type { FileCache } from './file-cache.js';
import type { ModuleIndex } from './module-index.js';
import type { CellFile, QueueKeys, SentCell } from './protocol.js';

/** Time between two looks whether a sweep has brought a file, ms. */
const LOOK_MS = 250;
/** How long a worker waits for a sweep to begin with a file before it takes another cell, ms. */
const PATIENCE_MS = 10_000;

/** No sweep is there to bring a file; one may come later. */
export class NobodyBrings extends Error {}

/** Sources of a worker's files. */
interface FileSources {
  readonly redis: Redis;
  readonly keys: QueueKeys;
  readonly cache: FileCache;
  readonly modules: ModuleIndex;
  /** False: the worker is about to end. */
  waits(): boolean;
}

/** Brings the files of cells to this machine, each once. */
export class WorkerFiles {
  readonly #sources: FileSources;
  /** By SHA-256: files that are on their way. */
  readonly #coming = new Map<string, Promise<string>>();
  /** Number of running cells by the SHA-256 of a file that they read. */
  readonly #used = new Map<string, number>();

  constructor(sources: FileSources) {
    this.#sources = sources;
  }

  /** Places of a cell's files under the sweep's names, modules apart. @throws UserError for one that the worker's user has not put here */
  asNamed(cell: SentCell): View {
    return { folder: cell.folder, lies: this.#trusted(cell) };
  }

  /**
   * Brings the files that are missing or different here.
   * @returns the places of its files, and a function to call at its end
   * @throws UserError where a file or module is missing {@link NobodyBrings}
   */
  async brought(cell: SentCell): Promise<{ readonly elsewhere: View; release(): void }> {
    const lies = this.#trusted(cell);
    const used: string[] = [];
    const release = (): void => {
      for (const sha256 of used.splice(0)) this.#drop(sha256);
    };
    try {
      for (const file of cell.files) await this.#place(file, lies, used);
    } catch (error) {
      release();
      throw error;
    }
    return { elsewhere: { folder: cell.folder, lies }, release };
  }

  /** Places of a cell's modules. @throws UserError for one that the worker's user has not put here */
  #trusted({ modules }: SentCell): Map<string, string> {
    return new Map(modules.map(({ path, sha256 }) => [path, this.#sources.modules.find(path, sha256)]));
  }

  async #place({ bytes, names, path, sha256, stays }: CellFile, lies: Map<string, string>, used: string[]): Promise<void> {
    const { cache } = this.#sources;
    if (names !== undefined && stays !== true) lies.set(path, cache.view(names));
    if (sha256 === null || contentOf(path) === `sha256:${sha256}`) return;
    if (stays === true)
      throw new UserError(`${path}: models are read where they lie, and this worker has it not; put it on a disk that both see`);
    this.#used.set(sha256, (this.#used.get(sha256) ?? 0) + 1);
    used.push(sha256);
    const coming = this.#coming.get(sha256) ?? this.#fetch(path, sha256, bytes).finally(() => this.#coming.delete(sha256));
    this.#coming.set(sha256, coming);
    lies.set(path, await coming);
  }

  async #fetch(path: string, sha256: string, bytes: number): Promise<string> {
    const { cache, keys, redis } = this.#sources;
    const known = cache.find(sha256);
    if (known !== null) return known;
    const chunks = await this.#announced(path, sha256);
    return cache.put(sha256, bytes, new Set(this.#used.keys()), async (write) => {
      const check = new ChunkCheck(sha256, bytes);
      for (let index = 0; index < chunks; index++) write(check.add(await redis.getBuffer(keys.chunk(sha256, index))));
      check.finish();
    });
  }

  /** Waits until the server has a file. @returns the number of its chunks */
  async #announced(path: string, sha256: string): Promise<number> {
    const { keys, redis } = this.#sources;
    const begun = performance.now();
    for (;;) {
      const note = fileNoteOf(await redis.get(keys.file(sha256)));
      if (note !== null && 'refused' in note) throw new UserError(`${path}: cannot be brought here: ${note.refused}`);
      if (note !== null) return note.chunks;
      // Said again each time: a server that was started anew has forgotten it.
      await redis.sadd(keys.wanted, sha256);
      if (!this.#sources.waits() || (performance.now() - begun > PATIENCE_MS && (await redis.exists(keys.chunk(sha256, 0))) === 0))
        throw new NobodyBrings(`${path}: is not here, and no sweep is there to bring it`);
      await sleep(LOOK_MS);
    }
  }

  #drop(sha256: string): void {
    const others = this.#used.get(sha256)! - 1;
    if (others === 0) this.#used.delete(sha256);
    else this.#used.set(sha256, others);
  }
}
