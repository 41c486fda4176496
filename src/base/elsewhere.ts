// Files that were named on another machine. A worker of a queue runs a cell that was written there. Names stay as they were, and so do messages
// and results; only a reader of bytes is led from a name to the copy on this machine.
import { resolve } from 'node:path';

/** Files that a run of another machine names, and where they lie on this one. */
export interface Elsewhere {
  /** The working directory there: what relative names and messages are relative to. */
  readonly folder: string;
  /** Absolute path there, and here; files, and folders with what is in them. */
  readonly lies: ReadonlyMap<string, string>;
}

let current: Elsewhere | null = null;
let missed: string[] = [];

/** Reads names as another machine means them from now on; null: as this one does. A process runs one such run at a time. */
export function readElsewhere(elsewhere: Elsewhere | null): void {
  current = elsewhere;
  missed = [];
}

/** The folder that names are relative to. */
export function workingFolder(): string {
  return current?.folder ?? process.cwd();
}

/** The path to open for a name. */
export function whereLies(path: string): string {
  if (current === null || path === '-') return path;
  const absolute = resolve(current.folder, path);
  return current.lies.get(absolute) ?? absolute;
}

/** Remembers that nothing stands at a name of another machine. */
export function noteMissed(path: string): void {
  if (current !== null) missed.push(resolve(current.folder, path));
}

/** Absolute paths of the other machine that were looked for in vain. */
export function missedFiles(): readonly string[] {
  return missed;
}
