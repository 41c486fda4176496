// The version of moeprof, from its package.json: results and reports carry it, and `--version` prints it.
import { readFileSync } from 'node:fs';

/** Version of the running moeprof, e.g. `0.1.0`. */
// src/result and dist/result both lie two levels below the package root.
export const VERSION: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string }
).version;
