import { UserError } from '../../base/errors.js';
import { whatStands } from '../../base/files.js';
import { realpathSync } from '../../base/host/files.js';
import { dirname, resolve } from '../../base/host/paths.js';
import { isWithin } from '../../base/host/view.js';
import { filesBelow, statOf } from '../../base/input-file.js';
import { contentOf } from '../fingerprint.js';

const MODULE_FILE = /\.[mc]?[jt]s$/;

/** A permitted module: SHA-256 as in `contentOf`, and absolute path. */
export type TrustedModule = readonly [content: string, path: string];

/** Modules below folders. @param cache of downloads, not trusted @throws UserError for a non-folder, or overlap */
export const modulesBelow = (folders: readonly string[], cache: string): TrustedModule[] =>
  folders.flatMap((folder) => {
    if (whatStands(folder)?.isDirectory() !== true) throw new UserError(`--modules ${folder}: is no folder; name one that holds modules`);
    const [root, filled] = [realOf(folder), realOf(cache)];
    if (isWithin(root, filled) || isWithin(filled, root))
      throw new UserError(`--modules ${folder}: shares files with the file cache, which others fill; name another --file-cache`);
    return filesBelow(folder)
      .filter((path) => MODULE_FILE.test(path) && !dirname(path).includes('node_modules'))
      .map((path) => resolve(path))
      .map((path) => [contentOf(path)!, path] as const);
  });

const realOf = (path: string): string => (statOf(path) === null ? resolve(path) : realpathSync(path));

/** Modules by content below the worker's own folders. A run never brings code. */
export class ModuleIndex {
  readonly #paths: ReadonlyMap<string, string>;

  constructor(trusted: readonly TrustedModule[]) {
    this.#paths = new Map(trusted);
  }

  /** @param named path at the sweep, for messages @param sha256 hex @throws UserError if missing or changed */
  find(named: string, sha256: string | undefined): string {
    const path = this.#paths.get(`sha256:${sha256}`);
    if (path === undefined) {
      const which = sha256 === undefined ? '' : ` with SHA-256 ${sha256.slice(0, 12)}`;
      throw new UserError(
        `${named}: is code, which never travels, and this worker has none${which}; start it with --modules <folder that has it>`,
      );
    }
    if (contentOf(path) !== `sha256:${sha256}`) throw new UserError(`${path}: has changed since the worker started; start it again`);
    return path;
  }
}
