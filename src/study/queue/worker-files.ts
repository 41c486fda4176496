import type { Redis } from 'ioredis';
import { orUserError, UserError } from '../../base/errors.js';
import { nextTurn, sleep } from '../../base/host/clock.js';
import { realpathSync } from '../../base/host/files.js';
import { newSha256 } from '../../base/host/hash.js';
import { dirname } from '../../base/host/paths.js';
import { isWithin, type View } from '../../base/host/view.js';
import { InputFile } from '../../base/input-file.js';
import { remembered } from '../../base/objects.js';
import { CHUNK_BYTES, ChunkCheck, DamagedFile, fileNoteOf } from './chunks.js';
import { provenRun } from './claims.js';
import type { FileCache } from './file-cache.js';
import { type QueueKeys, TRIES } from './protocol.js';
import type { Seal } from './seal.js';
import type { CellFile, SentCell } from './sent-cell.js';

/** Time between looks for a requested file, ms; ours. */
const LOOK_MS = 250;
/** Time for a sweep to begin a file before the worker gives up, ms; ours. */
const PATIENCE_MS = 10_000;

/** No sweep can bring the file now. */
export class NobodyBrings extends Error {}

/** Sources of a worker's files. */
export interface FileSources {
  readonly redis: Redis;
  readonly keys: QueueKeys;
  readonly seal: Seal;
  readonly cache: FileCache;
  /** Folders open to cells, without links. */
  readonly roots: readonly string[];
  /** Package folders read by a run. */
  readonly own: readonly string[];
  /** False: the worker is about to end. */
  waits(): boolean;
}

interface PlacedFiles {
  readonly view: View;
  release(): void;
  drop(): void;
}

/** An allowed equal path, else a cached download. A cell sees no further file. */
export class WorkerFiles {
  readonly #sources: FileSources;
  /** Files on their way, by SHA-256. */
  readonly #coming = new Map<string, Promise<string>>();
  /** Running cells per file. */
  readonly #used = new Map<string, number>();
  readonly #known = new Map<string, { readonly state: string; readonly sha256: string }>();

  constructor(sources: FileSources) {
    this.#sources = sources;
  }

  /** Null: a file is missing, and the name does not prove the claims. @throws UserError {@link NobodyBrings} */
  async placed(fingerprint: string, cell: SentCell): Promise<PlacedFiles | null> {
    const { cache, own: local } = this.#sources;
    const lies = new Map<string, string>();
    const folders = [...local, cache.folder];
    const used: string[] = [];
    const release = (): void => {
      for (const sha256 of used.splice(0)) this.#drop(sha256);
    };
    try {
      let isProven = false;
      for (const file of cell.files) {
        if (await this.#findHere(file, lies, folders)) continue;
        isProven ||= provenRun(fingerprint, cell) !== null;
        if (!isProven) {
          release();
          return null;
        }
        lies.set(file.path, await this.#bring(file, used));
      }
    } catch (error) {
      release();
      throw error;
    }
    const drop = (): void => {
      for (const sha256 of used) cache.remove(sha256);
    };
    return { view: { folder: cell.folder, lies, own: folders }, release, drop };
  }

  /** Finds a file in place. @returns false: the file must be fetched */
  async #findHere({ bytes, names, path, sha256, stays }: CellFile, lies: Map<string, string>, folders: string[]): Promise<boolean> {
    if (names !== undefined && stays !== true) lies.set(path, this.#sources.cache.view(names));
    if (names !== undefined && stays === true && this.#isAllowed(path)) lies.set(path, path);
    if (sha256 === null) return true;
    if (!(await this.#isHere(path, sha256, bytes))) return false;
    lies.set(path, path);
    // A model's headers are read in place.
    if (stays === true) folders.push(dirname(path));
    return true;
  }

  async #bring({ bytes, path, sha256, stays }: CellFile, used: string[]): Promise<string> {
    if (stays === true)
      throw new UserError(
        `${path}: models are read where they lie, and this worker has it not; put it on a disk that both see, in a folder of --files`,
      );
    const name = sha256!;
    this.#used.set(name, (this.#used.get(name) ?? 0) + 1);
    used.push(name);
    return remembered(this.#coming, name, () => this.#fetch(path, name, bytes).finally(() => this.#coming.delete(name)));
  }

  /** True for a path in a folder open to cells; follows links. */
  #isAllowed(path: string): boolean {
    const { roots } = this.#sources;
    try {
      const real = realpathSync(path);
      return [path, real].every((target) => roots.some((root) => isWithin(root, target)));
    } catch {
      return false;
    }
  }

  /** True for an equal file. Reads at most the expected length: a device may be endless. */
  async #isHere(path: string, sha256: string, bytes: number): Promise<boolean> {
    if (!this.#isAllowed(path)) return false;
    const file = orUserError(() => InputFile.open(path, 'model'));
    if (file instanceof UserError) return false;
    try {
      if (file.bytes !== bytes) return false;
      const { state } = file;
      const known = this.#known.get(path);
      if (known?.state === state) return known.sha256 === sha256;
      const hash = newSha256();
      for (let at = 0; at < bytes; at += CHUNK_BYTES) {
        hash.update(file.part(at, CHUNK_BYTES));
        await nextTurn();
      }
      const found = hash.digest('hex');
      this.#known.set(path, { state, sha256: found });
      return found === sha256;
    } finally {
      file.close();
    }
  }

  async #fetch(path: string, sha256: string, bytes: number): Promise<string> {
    const { cache, keys, redis } = this.#sources;
    const known = cache.find(sha256, bytes);
    if (known !== null) return known;
    for (let tries = 1; ; tries++) {
      const chunks = await this.#announced(path, sha256);
      try {
        return await cache.put(sha256, bytes, new Set(this.#used.keys()), async (write) => {
          const check = new ChunkCheck(sha256, bytes);
          for (let index = 0; index < chunks; index++) write(check.add(await redis.getBuffer(keys.chunk(sha256, index))));
          check.finish();
        });
      } catch (error) {
        if (!(error instanceof DamagedFile)) throw error;
        if (tries === TRIES) throw new UserError(`${path}: cannot be brought here: ${error.message}, ${TRIES} times`);
        // Without the note, a sweep uploads the file anew.
        await redis.del(keys.file(sha256));
      }
    }
  }

  /** @returns number of chunks */
  async #announced(path: string, sha256: string): Promise<number> {
    const { keys, redis, seal } = this.#sources;
    const begun = performance.now();
    for (;;) {
      const note = fileNoteOf(sha256, await redis.get(keys.file(sha256)), seal);
      if (note !== null && 'refused' in note) throw new UserError(`${path}: cannot be brought here: ${note.refused}`);
      if (note !== null) return note.chunks;
      // Sent repeatedly: a restarted server forgets.
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
