// What stands where moeprof reads what it once wrote: pipes, links to endless devices, circles, folders with the names of files. One line and exit
// code 2, or it is passed over; nothing hangs.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Finished, inTurn, temporaryFolder } from './moeprof.js';

const cwd = temporaryFolder();

/** Fills a folder with what is no file, beside a result where one is given. */
function hostile(folder: string): string {
  mkdirSync(folder, { recursive: true });
  execFileSync('mkfifo', [join(folder, 'fifo.json')]);
  symlinkSync('/dev/zero', join(folder, 'zero.json'));
  symlinkSync('self.json', join(folder, 'self.json'));
  symlinkSync('nowhere', join(folder, 'dangling.json'));
  mkdirSync(join(folder, 'folder.json'));
  symlinkSync('.', join(folder, 'one'));
  symlinkSync('.', join(folder, 'other'));
  return folder;
}

beforeAll(async () => {
  expect((await inTurn(['run', '--tokens', '8', '-q', '-o', 'result.json'], { cwd })).code).toBe(0);
  expect((await inTurn(['baseline', 'save', 'main', 'result.json'], { cwd })).code).toBe(0);
  for (const folder of ['results', '.moeprof/baselines/main', '.moeprof/baselines/main/.history']) hostile(join(cwd, folder));
  hostile(join(cwd, '.moeprof/baselines'));
  copyFileSync(join(cwd, 'result.json'), join(cwd, 'results/kept.json'));
  hostile(join(cwd, 'only'));
  const entry = `${'ab'.repeat(32)}.json`;
  for (const [store, target] of Object.entries({ zeros: '/dev/zero', gone: 'nowhere', self: entry })) {
    mkdirSync(join(cwd, store, 'ab'), { recursive: true });
    symlinkSync(target, join(cwd, store, 'ab', entry));
  }
  hostile(join(cwd, 'strange'));
});

/** A process that is not done after so many ms is one that hangs. */
const HANGS = 60_000;

async function ends(words: string): Promise<Finished> {
  const late = new Promise<never>((_, reject) => setTimeout(() => reject(new Error(`${words} hangs`)), HANGS).unref());
  return Promise.race([inTurn(words.split(' '), { cwd }), late]);
}

describe('what is no file', () => {
  it.each([
    'table results',
    'compare results result.json --allow-different-inputs',
    'compare baseline:main result.json',
    'baseline list',
    'baseline log main',
    'baseline save main result.json --force',
    'baseline save other results --force',
    'store gc zeros',
    'store verify gone',
    'store ls gone',
  ])('is passed over: %s', async (words) => {
    const { code, stderr } = await ends(words);
    expect(code, stderr).toBeLessThan(4);
    expect(stderr.split('\n').length, stderr).toBeLessThanOrEqual(3);
    expect(stderr).not.toMatch(/\n {4}at /);
  });

  const names = ['only/fifo.json', 'only/zero.json', 'only/self.json', 'only/dangling.json', 'only/folder.json', 'only'];
  it.each([
    ...names.flatMap((path) => [`table ${path}`, `report ${path}`, `compare result.json ${path}`, `run ${path}`, `run -w ./${path}`]),
    ...['only/fifo.json', 'only/zero.json', '/proc/kmsg'].flatMap((path) => [
      `sweep --tokens 8 --vary seed=1,2 --store kept -t ${path}`,
      `run -m ${path}`,
      `validate ${path}`,
    ]),
    ...['zeros', 'gone', 'self', 'strange'].map((store) => `table ${store}`),
    'store ls strange',
    'sweep --tokens 8 --vary seed=1,2 --store only',
  ])('draws one line: %s', async (words) => {
    const { code, stderr, stdout } = await ends(words);
    expect([code, stdout, stderr.split('\n').length], stderr).toEqual([2, '', 2]);
    expect(stderr).toMatch(/^moeprof: /);
  });
});
