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

/** Time limit of the child process, ms. Ours. */
const PATIENCE_MS = 10_000;

/** `file:line:column`, from a child process that imports the file without running it. */
export function placeOfSyntax(error: SyntaxError, path: string): string | null {
  const known = printedPlace(error.stack ?? '');
  if (known !== null) return known;
  const script = `import ${JSON.stringify(pathToFileURL(path).href)}`;
  const { stderr } = runScript(script, { timeout: PATIENCE_MS, env: { NODE_OPTIONS: '' }, stderr: true });
  return printedPlace(stderr ?? '');
}

function printedPlace(printed: string): string | null {
  const [, file, line, before] = /^(\S.*):(\d+)\n.*\n(\s*)\^/.exec(printed) ?? [];
  return file === undefined ? null : `${shownPath(pathOf(file))}:${line}:${before!.length + 1}`;
}

const OURS = ['src', 'build', 'dist', 'node_modules'].map((name) => `${resolve(PACKAGE_FOLDER, name)}/`);

/** `file:line:column` of the innermost call outside our code and Node's, or null. */
export function placeOfThrow(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  for (const [, file, at] of (error.stack ?? '').matchAll(/(?:\(|at |async )(file:\/\/\/[^\s()]+|\/[^\s()]+):(\d+:\d+)\)?$/gm)) {
    const path = pathOf(file!);
    if (!OURS.some((folder) => path.startsWith(folder))) return `${shownPath(path)}:${at}`;
  }
  return null;
}

const pathOf = (file: string): string => (file.startsWith('file:') ? fileURLToPath(file) : file);
