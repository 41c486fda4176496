// The examples of the page on parts of one's own, as files in a temporary folder.
import childProcess from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, type MockInstance, vi } from 'vitest';

/** A new temporary folder; whoever makes it removes it. */
export function ownFolder(): string {
  return mkdtempSync(join(tmpdir(), 'moeprof-own-'));
}

/** Writes an example of docs/extend.md into a folder. @param name its file: `second-use.mjs` @returns its path */
export function exampleOf(name: string, folder: string): string {
  const text = readFileSync(new URL('../../docs/extend.md', import.meta.url), 'utf8');
  const source = [...text.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code!).find((code) => code.startsWith(`// ${name}`))!;
  const path = join(folder, name);
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

/**
 * In every test of the describe block that calls it, modules are loaded without a trial in a process of its own, as where no process can be
 * started: such a start takes longer than the test. What a trial finds out has its tests in test/base/.
 */
export function withoutTrials(): void {
  let spy: MockInstance;
  beforeEach(() => {
    const ended = { error: new Error('no processes here'), pid: 0, output: [], stdout: '', stderr: '', status: null, signal: null };
    spy = vi.spyOn(childProcess, 'spawnSync').mockReturnValue(ended);
  });
  afterEach(() => spy.mockRestore());
}
