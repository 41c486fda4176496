// Modules that a worker may run: those below folders that its user has named. A job names a module by its content; it never brings the code.

import { UserError } from '../../base/errors.js';
import { whatStands } from '../../base/files.js';
import { entriesBelow } from '../../base/host/files.js';
import { join, resolve } from '../../base/host/paths.js';
import { contentOf } from '../fingerprint.js';

const MODULE_FILE = /\.[mc]?[jt]s$/;

/** Modules by content. */
export class ModuleIndex {
  /** Paths by SHA-256. */
  readonly #paths = new Map<string, string>();

  /** @throws UserError where one is no folder */
  constructor(folders: readonly string[]) {
    for (const folder of folders) {
      if (whatStands(folder)?.isDirectory() !== true) throw new UserError(`--modules ${folder}: is no folder; name one that holds modules`);
      for (const entry of entriesBelow(folder)) {
        if (!entry.isFile() || !MODULE_FILE.test(entry.name) || entry.parentPath.includes('node_modules')) continue;
        const path = resolve(join(entry.parentPath, entry.name));
        this.#paths.set(contentOf(path)!, path);
      }
    }
  }

  /**
   * Finds a module.
   * @param named its path where the sweep is, for messages
   * @throws UserError where no folder has it, or it has changed since: what is loaded already would run
   */
  find(named: string, sha256: string): string {
    const path = this.#paths.get(`sha256:${sha256}`);
    if (path === undefined)
      throw new UserError(
        `${named}: is code, which never travels, and this worker has none with SHA-256 ${sha256.slice(0, 12)}; start it with --modules <folder that has it>`,
      );
    if (contentOf(path) !== `sha256:${sha256}`) throw new UserError(`${path}: has changed since the worker started; start it again`);
    return path;
  }
}
