import { orUserError, UserError } from '../base/errors.js';
import { attempt, makeFolder, writeFileAtomic } from '../base/files.js';
import { renameSync, rmSync } from '../base/host/files.js';
import { dirname, join } from '../base/host/paths.js';
import { isFolder, listFolder, readText } from '../base/input-file.js';
import { didYouMean } from '../base/text.js';
import { digestOf } from '../result/digest.js';
import { parseResult } from '../result/read.js';
import type { Result } from '../result/result.js';
import { BASELINES, namesBelow } from './scenarios.js';

/** A state of a baseline: `main`, `main~1` before, and so on. */
interface BaselineState {
  readonly name: string;
  readonly folder: string;
}

const HISTORY = '.history';
/** Most earlier states kept. Ours: a result takes about 100 KB. */
const MOST = 100;

/** States of a baseline, latest first; empty without the baseline. */
export function statesOf(name: string): BaselineState[] {
  const folder = join(BASELINES, name);
  if (name === '' || !isFolder(folder)) return [];
  const earlier = earlierOf(folder).toReversed();
  return [{ name, folder }, ...earlier.map((state, index) => ({ name: `${name}~${index + 1}`, folder: join(folder, HISTORY, state) }))];
}

/** True for a baseline; false for an earlier state, never written again. */
export const isBaseline = (folder: string): boolean => dirname(folder) === BASELINES;

/** Names of all baselines. */
export function baselineNames(): string[] {
  if (!isFolder(BASELINES)) return [];
  return listFolder(BASELINES).filter((name) => isFolder(join(BASELINES, name)));
}

/** Folder of `main` or `main~2`. @param runs operands in the message @param exitCode if missing @throws UserError */
export function baselineFolder(wanted: string, runs: string, exitCode: number): string {
  const [, name = wanted, back = '0'] = /^(.*)~(\d+)$/.exec(wanted) ?? [];
  const states = statesOf(name);
  const state = states[Number(back)];
  if (state !== undefined) return state.folder;
  if (states.length > 0) {
    const kept = states.length === 1 ? `only ${name} itself is kept` : `the oldest kept is ${states.at(-1)!.name}`;
    throw new UserError(`baseline:${wanted}: there is no such state; ${kept} (moeprof baseline log ${name})`, exitCode);
  }
  const known = baselineNames();
  const near = known.length === 0 ? '' : ` ${didYouMean(name, known).replace(/\?$/, '')}, or`;
  const save = /^\w[\w.-]*$/.test(name) ? name : 'main';
  throw new UserError(
    `baseline:${wanted}: there is no such baseline;${near} save it first: moeprof baseline save ${save} ${runs}`,
    exitCode,
  );
}

/** Replaced files become an earlier state if a figure changes. */
export function writeBaseline(folder: string, files: ReadonlyMap<string, string>): void {
  const present = isFolder(folder) ? namesBelow(folder).filter((file) => file.endsWith('.json') && !file.startsWith('.')) : [];
  const changed = present.some((file) => {
    const text = files.get(join(folder, file));
    return text !== undefined && figuresOf(readText(join(folder, file), 'result'), file) !== figuresOf(text, file);
  });
  if (changed) keep(folder, present);
  for (const [path, text] of files) {
    makeFolder(dirname(path));
    writeFileAtomic(path, text);
  }
}

/** A result with the date of saving. */
export function dated(result: Result): Result {
  return { ...result, environment: { ...result.environment, saved: `${new Date().toISOString().slice(0, 16)}Z` } };
}

/** Key of a result's figures; for an unreadable file, its text. */
function figuresOf(text: string, file: string): string {
  const result = orUserError(() => parseResult(text, file));
  return result instanceof UserError ? text : digestOf(result);
}

/** Copies a state into the history atomically. */
function keep(folder: string, files: readonly string[]): void {
  const unfinished = join(folder, HISTORY, 'unfinished');
  attempt(unfinished, () => rmSync(unfinished, { recursive: true, force: true }));
  for (const file of files) {
    const path = join(unfinished, file);
    makeFolder(dirname(path));
    writeFileAtomic(path, readText(join(folder, file), 'result'));
  }
  const earlier = earlierOf(folder);
  const next = String(Number(earlier.at(-1) ?? 0) + 1).padStart(4, '0');
  attempt(unfinished, () => renameSync(unfinished, join(folder, HISTORY, next)));
  for (const old of earlier.slice(0, Math.max(0, earlier.length + 1 - MOST))) {
    const path = join(folder, HISTORY, old);
    attempt(path, () => rmSync(path, { recursive: true }));
  }
}

function earlierOf(folder: string): string[] {
  const history = join(folder, HISTORY);
  if (!isFolder(history)) return [];
  return listFolder(history)
    .filter((name) => /^\d+$/.test(name))
    .sort((a, b) => Number(a) - Number(b));
}
