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

/** Time limit for finding the place of a syntax error, ms. Ours. */
const PATIENCE_MS = 10_000;

/**
 * `file:line:column` of a syntax error. Node prints the place only at the end of a process, so a child process imports
 * the file; nothing runs.
 */
export function placeOfSyntax(error: SyntaxError, path: string): string | null {
  const known = printedPlace(error.stack ?? '');
  if (known !== null) return known;
  const script = `import ${JSON.stringify(pathToFileURL(path).href)}`;
  const { stderr } = runScript(script, { timeout: PATIENCE_MS, env: { NODE_OPTIONS: '' }, stderr: true });
  return printedPlace(stderr ?? '');
}

/** Place in Node's output above an error: the file with its line, the line's text, and a caret below the column. */
function printedPlace(printed: string): string | null {
  const [, file, line, before] = /^(\S.*):(\d+)\n.*\n(\s*)\^/.exec(printed) ?? [];
  return file === undefined ? null : `${shownPath(pathOf(file))}:${line}:${before!.length + 1}`;
}

/** Folders of our code: sources and compiled. */
const OURS = ['src', 'build', 'dist', 'node_modules'].map((name) => `${resolve(PACKAGE_FOLDER, name)}/`);

/** `file:line:column` of the innermost user call, neither ours nor Node's; null without a call. */
export function placeOfThrow(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  for (const [, file, at] of (error.stack ?? '').matchAll(/(?:\(|at |async )(file:\/\/\/[^\s()]+|\/[^\s()]+):(\d+:\d+)\)?$/gm)) {
    const path = pathOf(file!);
    if (!OURS.some((folder) => path.startsWith(folder))) return `${shownPath(path)}:${at}`;
  }
  return null;
}

const pathOf = (file: string): string => (file.startsWith('file:') ? fileURLToPath(file) : file);
