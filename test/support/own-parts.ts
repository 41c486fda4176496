// The examples of the pages on parts of one's own, as files in a temporary folder.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new temporary folder; whoever makes it removes it. */
export function ownFolder(): string {
  return mkdtempSync(join(tmpdir(), 'moeprof-own-'));
}

/** Writes the example of a page of docs/ into a folder. @returns its path */
export function exampleOf(page: string, folder: string): string {
  const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8');
  const source = /```js\n(.*?)```/s.exec(text)![1]!;
  const path = join(folder, /^\/\/ ([\w-]+\.mjs)/.exec(source)![1]!);
  writeFileSync(path, source);
  return path;
}

/** Message of the error that `work` ends in. */
export async function refusal(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
  return 'nothing';
}
