// All that tests write to the folder of temporary files lies in one of its own for each run of vitest, which goes away with it. Tests, and
// what they start, find it as anybody finds that folder.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Called by vitest before its workers start. @returns what it calls when they have ended */
export default function setup(): () => void {
  const before = process.env.TMPDIR;
  const folder = mkdtempSync(join(tmpdir(), 'moeprof-tests-'));
  process.env.TMPDIR = folder;
  return () => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    // A test may have taken the rights of a folder away, and a process that it killed may write for a moment yet.
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
}
