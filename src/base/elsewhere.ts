// Files that were named on another machine. A worker of a queue runs a cell that was written there. Names, messages and results stay the
// same; only the reading of bytes is redirected to the copy on this machine.
import { resolve } from './host/paths.js';
import { cwd } from './host/process.js';

/** Files that a run of another machine names, and where they lie on this one. */
export interface Elsewhere {
  /** The working directory there: the base of relative names and messages. */
  readonly folder: string;
  /** Absolute paths there and here, of files, and of folders with their content. */
  readonly lies: ReadonlyMap<string, string>;
}

let current: Elsewhere | null = null;
let missed: string[] = [];

/** Resolves names as on another machine from now on; null: as on this one. A process executes one such run at a time. */
export function readElsewhere(elsewhere: Elsewhere | null): void {
  current = elsewhere;
  missed = [];
}

/** The folder that names are relative to. */
export function workingFolder(): string {
  return current?.folder ?? cwd();
}

/** The path to open for a name. */
export function whereLies(path: string): string {
  if (current === null || path === '-') return path;
  const absolute = resolve(current.folder, path);
  return current.lies.get(absolute) ?? absolute;
}

/** Records that a file of another machine does not exist. */
export function noteMissed(path: string): void {
  if (current !== null) missed.push(resolve(current.folder, path));
}

/** Absolute paths of the other machine that do not exist. */
export function missedFiles(): readonly string[] {
  return missed;
}
