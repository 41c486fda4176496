import path from 'node:path';
import url from 'node:url';

/** The rules by which a path is shown from a folder. */
export interface PathRules {
  relative(from: string, to: string): string;
  isAbsolute(path: string): boolean;
}

/** The separator of names in a path. */
export const sep: string = path.sep;
/** The last name of a path, without `ending` if it has that. */
export const basename: (path: string, ending?: string) => string = path.basename;
/** The path without its last name; `.` for a name alone. */
export const dirname: (path: string) => string = path.dirname;
/** The ending of a name with its dot; empty if there is none. */
export const extname: (path: string) => string = path.extname;
/** True for a path from the root. */
export const isAbsolute: PathRules['isAbsolute'] = path.isAbsolute;
/** Paths joined, without `.` and those `..` that can be left out. */
export const join: (...parts: string[]) => string = path.join;
/** The path that leads from one place to another; absolute if none does. */
export const relative: PathRules['relative'] = path.relative;
/** An absolute path: the last of the parts that begins at the root, or the working directory, and the parts after it. */
export const resolve: (...parts: string[]) => string = path.resolve;
/** The path that a `file:` URL names. */
export const fileURLToPath: (url: string) => string = url.fileURLToPath;
/** The `file:` URL of a path. */
export const pathToFileURL: (path: string) => { readonly href: string } = url.pathToFileURL;
