// On a worker: paths of the machine of origin, with bytes of local copies.
import path from 'node:path';

/** Files named by a run of a remote machine, with local paths. */
export interface View {
  /** Remote working directory: the base of relative names and messages. */
  readonly folder: string;
  /** Absolute paths of files and whole folders, remote to local. */
  readonly lies: ReadonlyMap<string, string>;
  /** Local folders visible with all content: the package, its caches, models. */
  readonly own: readonly string[];
}

let current: View | null = null;
let missed: string[] = [];

/** Switches to a remote machine's files; null: to local files. */
export function seeAs(view: View | null): void {
  current = view;
  missed = [];
}

/** Working directory of the view, or null. */
export const viewedFolder = (): string | null => current?.folder ?? null;

/** Local path. @throws with code ENOENT if the view has no such file */
export function placeInView(named: string): string {
  if (current === null) return named;
  const absolute = path.resolve(current.folder, named);
  const place = current.lies.get(absolute);
  if (place !== undefined) return place;
  if (current.own.some((folder) => isWithin(folder, absolute))) return absolute;
  throw Object.assign(new Error(`ENOENT: no such file or directory, '${named}'`), { code: 'ENOENT' });
}

/** True for the folder or a path below. */
export function isWithin(folder: string, absolute: string): boolean {
  const way = path.relative(folder, absolute);
  return way !== '..' && !way.startsWith(`..${path.sep}`) && !path.isAbsolute(way);
}

/** Result of `use` for a path's place. Records a missing file. */
export function reach<T>(named: string, use: (place: string) => T): T {
  try {
    return use(placeInView(named));
  } catch (error) {
    const { code } = error as { readonly code?: string };
    if (current !== null && (code === 'ENOENT' || code === 'ENOTDIR')) missed.push(path.resolve(current.folder, named));
    throw error;
  }
}

/** {@link reach}, or null for a path absent in the view. */
export function seen<T>(named: string, use: (place: string) => T): T | null {
  let place: string;
  try {
    place = placeInView(named);
  } catch {
    return null;
  }
  return use(place);
}

/** Absolute remote paths found missing. */
export const missedFiles = (): readonly string[] => missed;
