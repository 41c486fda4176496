import { messageOf } from './errors.js';
import { PACKAGE_FOLDER } from './host/modules.js';
import { fileURLToPath, pathToFileURL, resolve } from './host/paths.js';
import { runScript } from './host/processes.js';
import { shownPath } from './profiles.js';

/** Describes a thrown value in one line. */
export function describedThrow(error: unknown): string {
  const line = messageOf(error).split('\n')[0]!;
  return error instanceof Error ? `${error.name}: ${line}` : `'${line}'`;
}

/** Limit of the time to find the place of a syntax error, ms. */
const PATIENCE_MS = 10_000;

/** `file:line:column` of a syntax error, which Node prints only if it ends a process: another one imports the file. Nothing of it runs. */
export function placeOfSyntax(error: SyntaxError, path: string): string | null {
  const known = printedPlace(error.stack ?? '');
  if (known !== null) return known;
  const script = `import ${JSON.stringify(pathToFileURL(path).href)}`;
  const { stderr } = runScript(script, { timeout: PATIENCE_MS, env: { NODE_OPTIONS: '' }, stderr: true });
  return printedPlace(stderr ?? '');
}

/** The place in Node's output above an error: the file with its line, the line itself, and a caret below the column. */
function printedPlace(printed: string): string | null {
  const [, file, line, before] = /^(\S.*):(\d+)\n.*\n(\s*)\^/.exec(printed) ?? [];
  return file === undefined ? null : `${shownPath(pathOf(file))}:${line}:${before!.length + 1}`;
}

/** Folders of our own code: the sources and what is compiled from them. */
const OURS = ['src', 'build', 'dist', 'node_modules'].map((name) => `${resolve(PACKAGE_FOLDER, name)}/`);

/** `file:line:column` of the innermost call that is neither ours nor Node's; null: there is none. */
export function placeOfThrow(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  for (const [, file, at] of (error.stack ?? '').matchAll(/(?:\(|at |async )(file:\/\/\/[^\s()]+|\/[^\s()]+):(\d+:\d+)\)?$/gm)) {
    const path = pathOf(file!);
    if (!OURS.some((folder) => path.startsWith(folder))) return `${shownPath(path)}:${at}`;
  }
  return null;
}

/** A file as Node names it: a path, or a URL. */
const pathOf = (file: string): string => (file.startsWith('file:') ? fileURLToPath(file) : file);
