// The files that a process sees. A worker of a queue runs a cell that was written on another machine: paths, messages and results stay those of
// that machine, and only the reading of bytes goes to the copies on this one. Where nothing is set, a process sees its own machine.
import path from 'node:path';

/** Files that a run of another machine names, and where they lie on this one. */
export interface View {
  /** The working directory there: the base of relative names and messages. */
  readonly folder: string;
  /** Absolute paths there and here, of files, and of folders with their content. */
  readonly lies: ReadonlyMap<string, string>;
}

let current: View | null = null;
let missed: string[] = [];

/** Sees files as on another machine from now on; null: as on this one. A process executes one such run at a time. */
export function seeAs(view: View | null): void {
  current = view;
  missed = [];
}

/** The working directory of the view; null: it is this machine's. */
export const viewedFolder = (): string | null => current?.folder ?? null;

/** Where a path lies on this machine. */
export function placeInView(named: string): string {
  if (current === null) return named;
  const absolute = path.resolve(current.folder, named);
  return current.lies.get(absolute) ?? absolute;
}

/** The value of `use` for the place of a path. That something is missing there is kept in mind. */
export function reach<T>(named: string, use: (place: string) => T): T {
  try {
    return use(placeInView(named));
  } catch (error) {
    const { code } = error as { readonly code?: string };
    if (current !== null && (code === 'ENOENT' || code === 'ENOTDIR')) missed.push(path.resolve(current.folder, named));
    throw error;
  }
}

/** Absolute paths of the other machine that do not exist. */
export const missedFiles = (): readonly string[] => missed;
