// The build of moeprof that computes, for fingerprints: a stored run is valid only for the program that made it.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VERSION } from '../result/version.js';

// src/study and dist/study both lie two levels below the package root.
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CODE = fileURLToPath(new URL('..', import.meta.url));

let known: string | undefined;

/**
 * The version; of a working copy, whose code changes without it, followed by a hash of that code. A published package has no sources.
 */
export function buildOf(): string {
  known ??= existsSync(join(ROOT, 'src', 'index.ts')) ? `${VERSION}+${hashBelow(CODE)}` : VERSION;
  return known;
}

/** First 12 digits of a hash over all modules below a folder, in the order of their paths. */
function hashBelow(folder: string): string {
  const hash = createHash('sha256');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[jt]s$/.test(entry.name) && !entry.name.endsWith('.d.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 12);
}
