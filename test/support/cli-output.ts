// What a command of this process writes, caught instead of shown.
import { afterEach, beforeEach, vi } from 'vitest';

/** Text of both streams since the test began. */
export interface CaughtOutput {
  stdout: string;
  stderr: string;
}

/** Catches both streams in every test of the file, or of the describe block, that calls it. */
export function catchOutput(): CaughtOutput {
  const caught: CaughtOutput = { stdout: '', stderr: '' };
  beforeEach(() => {
    for (const name of ['stdout', 'stderr'] as const) {
      caught[name] = '';
      vi.spyOn(process[name], 'write').mockImplementation((text) => {
        caught[name] += String(text);
        return true;
      });
    }
  });
  afterEach(() => vi.restoreAllMocks());
  return caught;
}
