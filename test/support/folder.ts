// A folder for the files of a test. temporary-files.ts removes it, with all others, behind the run.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new folder, which is empty. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'moeprof-test-'));
}
