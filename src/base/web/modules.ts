// Modules on a page: the package lies in files, and no code loads at run time.
import { UserError } from '../errors.js';
import { existsSync } from './files.js';
import { join } from './paths.js';

export const PACKAGE_FOLDER: string = '/moeprof';
export const CODE_FOLDER: string = '/moeprof/dist';

/** Error for a module that a page cannot load. */
export const notOnPages = (what: string): UserError => new UserError(`${what}: a page cannot load it; run moeprof where it is installed`);

/** File of a package on the page's server. */
export function packagePath(name: string): string {
  const path = join(PACKAGE_FOLDER, 'node_modules', name);
  if (existsSync(path)) return path;
  throw notOnPages(name);
}
export function requirePackage(name: string): unknown {
  throw notOnPages(name);
}
export const importPackage = (name: string): Promise<unknown> => Promise.reject(notOnPages(name));
export const importOnly = (): void => undefined;
export const mayImport = (): boolean => true;
export const importFile = (path: string): Promise<unknown> => Promise.reject(notOnPages(path));
export const stripsTypes = (): boolean => false;
