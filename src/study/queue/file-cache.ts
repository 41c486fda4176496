import { UserError } from '../../base/errors.js';
import { AtomicFile, attempt, makeFolder, whatStands } from '../../base/files.js';
import { closeSync, openSync, rmSync, utimesSync } from '../../base/host/files.js';
import { homedir } from '../../base/host/machine.js';
import { join, resolve } from '../../base/host/paths.js';
import { env } from '../../base/host/process.js';
import { listFolder, statOf } from '../../base/input-file.js';
import { formatBytes } from '../../base/units.js';
import { hashOfValue, SHA256_HEX } from '../../result/digest.js';

/** Default size: some long recordings. Ours. */
export const CACHE_SIZE = '20GiB';

/** Default folder, below the user's cache folder. */
export const cacheFolder = (): string => join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'moeprof', 'queue');

/** From a server, named by SHA-256 and shared by workers. The least recently used are deleted. */
export class FileCache {
  readonly folder: string;
  readonly #limit: number;

  /** @param limit bytes of all files @throws UserError if the path is no folder */
  constructor(folder: string, limit: number) {
    if (whatStands(folder)?.isDirectory() === false) throw new UserError(`${folder}: is no folder; name one for --file-cache`);
    this.folder = resolve(folder);
    this.#limit = limit;
  }

  /** Path of a file, and marks a use; null: not cached. */
  find(sha256: string, bytes: number): string | null {
    const path = this.#pathOf(sha256);
    const stat = statOf(path);
    if (stat?.isFile() !== true || stat.size !== bytes) return null;
    const now = new Date();
    utimesSync(path, now, now);
    return path;
  }

  /** @param kept files that must stay @param fill receives a writer @returns path @throws UserError if too large */
  async put(
    sha256: string,
    bytes: number,
    kept: ReadonlySet<string>,
    fill: (write: (chunk: Uint8Array) => void) => Promise<void>,
  ): Promise<string> {
    if (bytes > this.#limit)
      throw new UserError(
        `a file of ${formatBytes(bytes)} does not fit into the ${formatBytes(this.#limit)} of ${this.folder}; give --file-cache-size`,
      );
    makeFolder(this.folder);
    this.#makeRoom(bytes, new Set([...kept, sha256]));
    const path = this.#pathOf(sha256);
    const file = new AtomicFile(path);
    try {
      await fill((chunk) => file.write(chunk));
      file.commit();
    } finally {
      file.abort();
    }
    return path;
  }

  remove(sha256: string): void {
    rmSync(this.#pathOf(sha256), { force: true });
  }

  /** A folder of empty files, for listing. */
  view(names: readonly string[]): string {
    const folder = join(this.folder, `names-${hashOfValue(names).slice(0, 32)}`);
    makeFolder(folder);
    for (const name of names) attempt(folder, () => closeSync(openSync(join(folder, name), 'a')));
    return folder;
  }

  #makeRoom(bytes: number, kept: ReadonlySet<string>): void {
    const files = listFolder(this.folder)
      .filter((name) => SHA256_HEX.test(name))
      .flatMap((name) => {
        const stat = statOf(join(this.folder, name));
        return stat?.isFile() !== true ? [] : [{ name, bytes: stat.size, used: stat.mtimeMs }];
      })
      .sort((file, other) => file.used - other.used);
    let taken = files.reduce((sum, file) => sum + file.bytes, 0);
    for (const { bytes: size, name } of files) {
      if (taken + bytes <= this.#limit) return;
      if (kept.has(name)) continue;
      rmSync(join(this.folder, name), { force: true });
      taken -= size;
    }
  }

  #pathOf(sha256: string): string {
    if (!SHA256_HEX.test(sha256)) throw new UserError(`'${sha256.slice(0, 80)}' is no SHA-256 of a file`);
    return join(this.folder, sha256);
  }
}
