// Modules that end their process are found out in a process of their own.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadFailure } from '../../src/base/user-module.js';

const folder = mkdtempSync(join(tmpdir(), 'moeprof-trial ü'));

it.each([
  ['fine.mjs', 'export default {};', null],
  ['throws.mjs', "throw new Error('seen by whoever loads it');", null],
  ['listens.mjs', 'setInterval(() => {}, 1000);', null],
  ['exits.mjs', 'process.exit(0);', 'it ends its process (process.exit(0))'],
  ['later.mjs', 'await new Promise((done) => setTimeout(done, 5)); process.exit(3);', 'it ends its process (process.exit(3))'],
  [
    'killed.mjs',
    "process.kill(process.pid, 'SIGKILL'); await new Promise((done) => setTimeout(done, 5000));",
    'it ends its process (SIGKILL)',
  ],
])('%s', (name, text, outcome) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  expect(loadFailure(path, name)).toBe(outcome);
  // Known by its text: it is not tried again.
  writeFileSync(path, 'process.exit(1);');
  expect(loadFailure(path, name)).toBe(outcome);
});
