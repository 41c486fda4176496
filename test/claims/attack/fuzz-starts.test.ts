// scripts/fuzz.mjs on a machine that is slow to start processes: no reader has a part in that, so none has a finding of it.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../trace/builders.js';

const folder = temporaryFolder();
let calls = 0;

/** Twenty files of one reader, while the children of some numbers (the first one lists the readers) wait before they begin. */
function fuzz(slow: string, patienceS: number): { readonly code: number | null; readonly out: string; readonly error: string } {
  const counter = join(folder, `starts-${calls++}`);
  const wait = `if (process.send) {
    const { appendFileSync, statSync } = await import('node:fs');
    appendFileSync(${JSON.stringify(counter)}, 'x');
    const start = statSync(${JSON.stringify(counter)}).size;
    if (${slow}) await new Promise((resolve) => setTimeout(resolve, ${patienceS * 2000}));
  }`;
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    ['scripts/fuzz.mjs', '--reader', 'remap', '--inputs', '20', '--patience', String(patienceS)],
    { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(wait)}` } },
  );
  return { code: status, out: stdout, error: stderr };
}

describe('a process that does not begin', { timeout: 300_000 }, () => {
  it('is started again, and its files are read', () => {
    const { code, out } = fuzz('start === 2', 8);
    expect(out).toMatch(/^\| all \| 20 \| /m);
    expect(out).toMatch(/^0 findings$/m);
    expect(code).toBe(0);
  });

  it('ends the fuzzing after five starts, as no finding', () => {
    const { code, error, out } = fuzz('start > 1', 2);
    expect(error).toContain('no process begins: does not go on for 2 s');
    expect(out).not.toContain('FOUND');
    expect(code).toBe(1);
  });
});
