import { existsSync, fileBytes } from '../base/host/files.js';
import { newSha256 } from '../base/host/hash.js';
import { CODE_FOLDER, PACKAGE_FOLDER } from '../base/host/modules.js';
import { join } from '../base/host/paths.js';
import { filesBelow } from '../base/input-file.js';
import { VERSION } from '../result/version.js';

let known: string | undefined;

/** Version for fingerprints; a working copy, whose code changes, appends a hash of its code. */
export function buildOf(): string {
  known ??= existsSync(join(PACKAGE_FOLDER, 'src', 'index.ts')) ? `${VERSION}+${hashBelow(CODE_FOLDER)}` : VERSION;
  return known;
}

function hashBelow(folder: string): string {
  const hash = newSha256();
  const files = filesBelow(folder).filter((path) => /(?<!\.d)\.[jt]s$/.test(path));
  for (const file of files) hash.update(fileBytes(file));
  return hash.digest('hex').slice(0, 12);
}
