// What benchmarks share: arguments, where the build is, the median, and running one measurement in a process of its own. A process that has run
// one configuration only is what a user has, and its peak memory is that configuration's.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of the compiled modules; MOEPROF_BUILD names that of another build. */
const build = process.env.MOEPROF_BUILD ?? fileURLToPath(new URL('../../build', import.meta.url));

/** `--short`: as little of everything as shows whether it runs. Its figures mean nothing. */
export const SHORT = process.argv.includes('--short');
/** Arguments but `--short`. */
export const ARGUMENTS = process.argv.slice(2).filter((argument) => argument !== '--short');

/** Prints what a machine lacks the means for; without `--short`, where somebody asked for it, ends the process. */
export function skip(text) {
  console.log(`SKIPPED: ${text}`);
  if (!SHORT) process.exit(2);
}

/** Imports a module of the build. */
export async function fromBuild(path) {
  if (!existsSync(join(build, 'index.js'))) {
    console.error(`${build}: there is no build; run npm run build first`);
    process.exit(2);
  }
  return import(join(build, path));
}

/** Middle value of a list of numbers. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** A share as percent, one decimal. */
export const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** The lines of a table in Markdown, with the keys of the first row as heads. */
export function markdownTable(rows) {
  const heads = Object.keys(rows[0]);
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(heads), line(heads.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map((row) => line(heads.map((head) => row[head])))];
}

/** The machine, in one line. */
export function machine() {
  return `Node ${process.versions.node} on ${cpus()[0]?.model.trim() ?? 'an unknown processor'}, ${cpus().length} logical cores`;
}

/**
 * Runs `script --measure <task as JSON>` in a process of its own.
 * @returns what it printed as JSON
 */
export function inProcess(script, task) {
  const child = spawnSync(process.execPath, [fileURLToPath(script), '--measure', JSON.stringify(task)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.status !== 0) throw new Error(`measuring ${JSON.stringify(task)} failed`);
  return JSON.parse(child.stdout);
}
