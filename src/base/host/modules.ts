import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Folder of the package. src/base/host and dist/base/host have equal depth. */
export const PACKAGE_FOLDER: string = fileURLToPath(new URL('../../..', import.meta.url));
/** Folder of our code: `src` or `dist`. */
export const CODE_FOLDER: string = fileURLToPath(new URL('../..', import.meta.url));

const loader = () => createRequire(import.meta.url);

/** Path of a package, or of a file in a package. @throws if not installed */
export const packagePath: (name: string) => string = (name) => loader().resolve(name);
/** Content of a CommonJS package or a package's JSON file. @throws if not loadable */
export const requirePackage: (name: string) => unknown = (name) => loader()(name);
/** @throws if not installed or not loadable */
export const importPackage: (name: string) => Promise<unknown> = (name) => import(name);

let importable: ReadonlySet<string> | null = null;

/** Restricts later imports to absolute `paths`. */
export function importOnly(paths: Iterable<string>): void {
  importable = new Set(paths);
}
/** False for a forbidden absolute path. */
export const mayImport: (path: string) => boolean = (path) => importable === null || importable.has(path);
/** Exports of a module by absolute path. @throws if not loadable or forbidden */
export const importFile: (path: string) => Promise<unknown> = (path) =>
  mayImport(path) ? import(pathToFileURL(path).href) : Promise.reject(new Error(`${path} may not be imported here`));
/** True if this Node strips types from TypeScript. */
export const stripsTypes = (): boolean => Boolean((process.features as { readonly typescript?: unknown }).typescript);
