import path from 'node:path';
import url from 'node:url';

/** Rules for showing a path from a folder. */
export interface PathRules {
  relative(from: string, to: string): string;
  isAbsolute(path: string): boolean;
}

/** Separator of names. */
export const sep: string = path.sep;
/** Last name of a path, without `ending`. */
export const basename: (path: string, ending?: string) => string = path.basename;
/** Path without its last name; `.` for a single name. */
export const dirname: (path: string) => string = path.dirname;
/** Ending of a name with its dot, or empty. */
export const extname: (path: string) => string = path.extname;
/** True for a path from the root. */
export const isAbsolute: PathRules['isAbsolute'] = path.isAbsolute;
/** Joins paths and removes `.` and redundant `..`. */
export const join: (...parts: string[]) => string = path.join;
/** Path from one place to the next; absolute across roots. */
export const relative: PathRules['relative'] = path.relative;
/** Absolute path: from the last absolute part or the working directory. */
export const resolve: (...parts: string[]) => string = path.resolve;
/** Path of a `file:` URL. */
export const fileURLToPath: (url: string) => string = url.fileURLToPath;
/** `file:` URL of a path. */
export const pathToFileURL: (path: string) => { readonly href: string } = url.pathToFileURL;
