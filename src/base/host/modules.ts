import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The folder of the package, with `profiles/` and `package.json`. src/base/host and dist/base/host lie equally deep in it. */
export const PACKAGE_FOLDER: string = fileURLToPath(new URL('../../..', import.meta.url));
/** The folder of our own code: `src` or `dist`. */
export const CODE_FOLDER: string = fileURLToPath(new URL('../..', import.meta.url));

/** Made if something is loaded: most runs load nothing. */
const loader = () => createRequire(import.meta.url);

/** Path of a package, or of a file of one. @throws if it is not installed */
export const packagePath: (name: string) => string = (name) => loader().resolve(name);
/** What a CommonJS package or a JSON file of a package holds. @throws if it is not installed, or does not load */
export const requirePackage: (name: string) => unknown = (name) => loader()(name);
/** What a package exports. @throws if it is not installed, or does not load */
export const importPackage: (name: string) => Promise<unknown> = (name) => import(name);

let importable: ReadonlySet<string> | null = null;

/** From now on this process imports no files but these. @param paths absolute */
export function importOnly(paths: Iterable<string>): void {
  importable = new Set(paths);
}
/** False for a file that this process may not import. @param path absolute */
export const mayImport: (path: string) => boolean = (path) => importable === null || importable.has(path);
/** What the module at an absolute path exports. @throws if there is none, it does not load, or may not be imported */
export const importFile: (path: string) => Promise<unknown> = (path) =>
  mayImport(path) ? import(pathToFileURL(path).href) : Promise.reject(new Error(`${path} may not be imported here`));
/** True if this Node runs TypeScript by leaving types out. */
export const stripsTypes = (): boolean => Boolean((process.features as { readonly typescript?: unknown }).typescript);
