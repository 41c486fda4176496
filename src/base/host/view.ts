// The files that a process sees: on a worker, paths and messages of the machine that wrote the cell, with bytes of copies here alone.
import path from 'node:path';

/** Files that a run of another machine names, and their paths on this one. */
export interface View {
  /** The working directory there: the base of relative names and messages. */
  readonly folder: string;
  /** Absolute paths there and here, of files, and of folders with their content. */
  readonly lies: ReadonlyMap<string, string>;
  /** Folders of this machine that are seen with all that is in them: of the package itself, of its caches, of models. */
  readonly own: readonly string[];
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

/** Path on this machine. @throws with code ENOENT if the view has nothing there */
export function placeInView(named: string): string {
  if (current === null) return named;
  const absolute = path.resolve(current.folder, named);
  const place = current.lies.get(absolute);
  if (place !== undefined) return place;
  if (current.own.some((folder) => isWithin(folder, absolute))) return absolute;
  throw Object.assign(new Error(`ENOENT: no such file or directory, '${named}'`), { code: 'ENOENT' });
}

/** True if an absolute path is a folder, or lies in it. */
export function isWithin(folder: string, absolute: string): boolean {
  const way = path.relative(folder, absolute);
  return way !== '..' && !way.startsWith(`..${path.sep}`) && !path.isAbsolute(way);
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

/** {@link reach} for questions that may be answered with nothing: undefined if the view has nothing at a path. */
export function seen<T>(named: string, use: (place: string) => T): T | undefined {
  let place: string;
  try {
    place = placeInView(named);
  } catch {
    return undefined;
  }
  return use(place);
}

/** Absolute paths of the other machine that do not exist. */
export const missedFiles = (): readonly string[] => missed;
