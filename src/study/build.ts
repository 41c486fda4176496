import { existsSync, fileBytes } from '../base/host/files.js';
import { newSha256 } from '../base/host/hash.js';
import { CODE_FOLDER, PACKAGE_FOLDER } from '../base/host/modules.js';
import { join } from '../base/host/paths.js';
import { filesBelow } from '../base/input-file.js';
import { VERSION } from '../result/version.js';

let known: string | undefined;

/** The version, for fingerprints; of a working copy, whose code changes without it, followed by a hash of that code. Packages have no sources. */
export function buildOf(): string {
  known ??= existsSync(join(PACKAGE_FOLDER, 'src', 'index.ts')) ? `${VERSION}+${hashBelow(CODE_FOLDER)}` : VERSION;
  return known;
}

/** First 12 digits of a hash over all modules below a folder, in the order of their paths. */
function hashBelow(folder: string): string {
  const hash = newSha256();
  const files = filesBelow(folder).filter((path) => /(?<!\.d)\.[jt]s$/.test(path));
  for (const file of files) hash.update(fileBytes(file));
  return hash.digest('hex').slice(0, 12);
}
