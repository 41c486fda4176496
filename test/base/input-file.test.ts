// The door to the files of users: what is no file is refused in one line, at once, and nothing is read that is too large.
import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, closeSync, mkdirSync, openSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { InputFile, readText, streamLimit } from '../../src/base/input-file.js';
import type { InputKind } from '../../src/base/input-kinds.js';
import { temporaryFolder } from '../trace/builders.js';

const folder = temporaryFolder();
const pipe = join(folder, 'pipe');
execFileSync('mkfifo', [pipe]);
symlinkSync('loop', join(folder, 'loop'));
mkdirSync(join(folder, 'folder'));
writeFileSync(join(folder, 'file'), 'text');
writeFileSync(join(folder, 'sparse'), '');
truncateSync(join(folder, 'sparse'), 10 * 2 ** 30);

const KINDS: readonly InputKind[] = [
  'profile',
  'result',
  'trace',
  'model',
  'config',
  'index',
  'workload',
  'predictor',
  'module',
  'mapping',
];

const HOSTILE: readonly (readonly [string, string, RegExp])[] = [
  ['nothing', join(folder, 'none'), /none: there is no such file$/],
  ['something below a file', join(folder, 'file', 'below'), /there is no such file$/],
  ['a folder', join(folder, 'folder'), /is a folder, not a file; ./],
  ['a device that never ends', '/dev/zero', /is a device, not a file; ./],
  ['symbolic links in a circle', join(folder, 'loop'), /its symbolic links lead in a circle$/],
  ['a name that is too long', join(folder, 'x'.repeat(300)), /the name is too long$/],
];

describe.each(KINDS)('in the place of a %s', (kind) => {
  it.each(HOSTILE)('%s is refused', (_, path, message) => {
    expect(() => InputFile.open(path, kind)).toThrow(UserError);
    expect(() => InputFile.open(path, kind)).toThrow(message);
  });

  it('a pipe that nobody writes to is empty or refused, and never waited for', () => {
    const open = (): number => InputFile.open(pipe, kind).bytes;
    if (['profile', 'result', 'trace', 'workload', 'mapping'].includes(kind)) expect(open()).toBe(0);
    else expect(open).toThrow(/is a pipe, not a file; ./);
  });
});

it('what stands there instead of a file is answered with what to name, not with how to make it shorter', () => {
  const at = join(folder, 'folder');
  expect(() => InputFile.open(at, 'log')).toThrow(/: is a folder, not a file; name a file with what the runtime printed$/);
  expect(() => InputFile.open(at, 'result')).toThrow(/: is a folder, not a file; name a file that moeprof run -o result\.json wrote$/);
});

describe('the size', () => {
  it.each(KINDS.filter((kind) => kind !== 'trace' && kind !== 'model'))('of a %s has a limit', (kind) => {
    expect(() => InputFile.open(join(folder, 'sparse'), kind)).toThrow(/^[^\n]*sparse: has 10\.0 GiB, more than .* may have \(.*\); ./);
  });

  it('of traces and models is that of the disk', () => {
    for (const kind of ['trace', 'model'] as const) {
      const file = InputFile.open(join(folder, 'sparse'), kind);
      expect(file.bytes).toBe(10 * 2 ** 30);
      file.close();
    }
  });

  it('of a stream is that of its kind, 4 GiB, or half of what is free, whichever is least', () => {
    expect(streamLimit(256 * 2 ** 10, 100 * 2 ** 30)).toBe(256 * 2 ** 10);
    expect(streamLimit(Number.POSITIVE_INFINITY, 100 * 2 ** 30)).toBe(4 * 2 ** 30);
    expect(streamLimit(Number.POSITIVE_INFINITY, 1001)).toBe(500);
  });

  it('of what comes through a pipe has the same limit', () => {
    const writer = openSync(pipe, 'r+');
    try {
      spawn('sh', ['-c', `head -c 300000 /dev/zero > ${pipe}`]);
      expect(() => readText(pipe, 'profile')).toThrow(/pipe: has 2\d\d KiB, more than a YAML file may have \(256 KiB\)/);
    } finally {
      closeSync(writer);
    }
  });
});

describe('a profile that is read again', () => {
  it('is what its file holds now, however little it was changed', async () => {
    const path = join(folder, 'again.yaml');
    const texts = ['a: 1', 'a: 2', 'a: 3', 'a: 4'];
    // From the second on, the file seems old enough to be kept.
    const now = Date.now();
    const clock = vi.spyOn(Date, 'now').mockReturnValue(now);
    for (const text of texts) {
      writeFileSync(path, text);
      expect([readText(path), readText(path)]).toEqual([text, text]);
      clock.mockReturnValue(now + 60_000);
      // Longer than the tick of a clock, which the one above leaves out of account.
      await sleep(30);
    }
    clock.mockRestore();
    rmSync(path);
    expect(() => readText(path)).toThrow('again.yaml: there is no such file');
  });
});

describe('a file that changes while it is read', () => {
  it.each([
    ['grows', (path: string) => appendFileSync(path, 'more')],
    ['is written over', (path: string) => utimesSync(path, new Date(0), new Date(1))],
  ])('is refused where it %s', (_, change) => {
    const path = join(folder, 'changing');
    writeFileSync(path, 'text');
    const file = InputFile.open(path, 'trace');
    file.checkUnchanged();
    change(path);
    expect(() => file.checkUnchanged()).toThrow(/changing: was changed while it was read; wait until it is written, then try again$/);
    file.close();
  });

  it('is refused where it became shorter', () => {
    const path = join(folder, 'shorter');
    writeFileSync(path, 'text');
    const file = InputFile.open(path, 'trace');
    truncateSync(path, 2);
    expect(() => file.read(0, new Uint8Array(4))).toThrow(/shorter: the file ends at byte 2; it was cut short/);
    file.close();
  });
});
