// Atomic files: the target is whole or as it was before.
import { spawnSync } from 'node:child_process';
import {
  fstatSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { AtomicFile, closeTemporary, makeFolder, temporaryFile, writeFileAtomic, writeTemporary } from '../../src/base/files.js';
import { whenQuiet } from '../../src/base/host/clock.js';

const folder = mkdtempSync(join(tmpdir(), 'moeprof-files-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('AtomicFile', () => {
  it('shows nothing under its name before commit, and everything after', () => {
    const own = mkdtempSync(join(folder, 'own-'));
    const path = join(own, 'a.bin');
    const file = new AtomicFile(path);
    file.write(Uint8Array.of(1, 2, 3));
    file.write(Uint8Array.of(9), 1);
    expect(readdirSync(own)).not.toContain('a.bin');
    file.commit();
    expect([...readFileSync(path)]).toEqual([1, 9, 3]);
    expect(readdirSync(own)).toEqual(['a.bin']);
  });

  it('leaves the older file and no temporary one when it is dropped', () => {
    const path = join(folder, 'b.txt');
    writeFileAtomic(path, 'old');
    const file = new AtomicFile(path);
    file.write('new');
    file.abort();
    file.commit();
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('says at once that a folder stands there, or that the name is too long, and takes any name that the system takes', () => {
    mkdirSync(join(folder, 'model.onnx'));
    expect(() => new AtomicFile(join(folder, 'model.onnx'))).toThrow(/model\.onnx: cannot be written: it is a folder; name a file in it/);
    expect(() => new AtomicFile(join(folder, 'x'.repeat(300)))).toThrow(/cannot be written: the name is too long; choose a shorter one/);
    const long = join(folder, 'x'.repeat(255));
    writeFileAtomic(long, 'long');
    expect(readFileSync(long, 'utf8')).toBe('long');
  });

  it.skipIf(process.platform === 'win32')('says at once that a pipe or a device stands there, and a link to one', () => {
    const pipe = join(folder, 'pipe');
    spawnSync('mkfifo', [pipe]);
    const link = join(folder, 'link-to-pipe');
    symlinkSync(pipe, link);
    for (const path of [pipe, link])
      expect(() => new AtomicFile(path)).toThrow(`${path}: is a device or a pipe, which no file may replace; name a file`);
    expect(statSync(pipe).isFIFO()).toBe(true);
  });

  it('writes to what a link points at', () => {
    writeFileAtomic(join(folder, 'real.txt'), 'old');
    symlinkSync('real.txt', join(folder, 'link.txt'));
    writeFileAtomic(join(folder, 'link.txt'), 'new');
    expect(readFileSync(join(folder, 'real.txt'), 'utf8')).toBe('new');
    expect(lstatSync(join(folder, 'link.txt')).isSymbolicLink()).toBe(true);
  });

  it('says at once that a folder does not exist', () => {
    expect(() => new AtomicFile(join(folder, 'none', 'c.txt'))).toThrow(UserError);
    expect(() => new AtomicFile(join(folder, 'none', 'c.txt'))).toThrow(/c\.txt: cannot be written: its folder does not exist/);
  });
});

describe.skipIf(process.platform !== 'linux')('a nameless file', () => {
  /** Other processes that have a file open. */
  const keepers = (ino: number): string[] =>
    readdirSync('/proc').filter((pid) => {
      try {
        return pid !== String(process.pid) && statSync(`/proc/${pid}/fd/3`).ino === ino;
      } catch {
        return false;
      }
    });

  it('that is large is kept open by a process of its own until it is closed, so that this one need not wait for the system', async () => {
    const fd = temporaryFile();
    const { ino } = fstatSync(fd);
    writeTemporary(fd, new Uint8Array(255 * 2 ** 20));
    expect(keepers(ino)).toEqual([]);
    writeTemporary(fd, new Uint8Array(2 ** 20));
    await vi.waitFor(() => expect(keepers(ino)).toHaveLength(1), 30_000);
    const [keeper] = keepers(ino);
    // It hears no Ctrl-C of this one's terminal: its session is its own.
    expect(readFileSync(`/proc/${keeper}/stat`, 'utf8').split(') ')[1]!.split(' ')[3]).toBe(keeper);
    writeTemporary(fd, new Uint8Array(1));
    expect(keepers(ino)).toEqual([keeper]);
    closeTemporary(fd);
    await vi.waitFor(() => expect(keepers(ino)).toEqual([]), 30_000);
  });
});

describe('what a killed process leaves', () => {
  /** Name of the temporary file of an {@link AtomicFile} in a folder. */
  const temporaryIn = (where: string): string => {
    const file = new AtomicFile(join(where, 'x'));
    file.write('x');
    const [name] = readdirSync(where).filter((one) => one.endsWith('.tmp'));
    file.abort();
    return name!;
  };

  it('is removed by the next process that writes into the folder, once; what others write, or wrote on another host, stays', () => {
    const where = mkdtempSync(join(folder, 'left-'));
    const name = temporaryIn(mkdtempSync(join(folder, 'named-')));
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const of = (pid: number): string => name.replace(String(process.pid), String(pid));
    const kept = [
      of(process.ppid),
      of(dead).replace(/-[0-9a-f]{8}(?=[0-9a-f]{12}\.tmp)/, '-00000000'),
      `.moeprof-${dead}-notes.tmp`,
      'moeprof.tmp',
    ];
    for (const one of [...kept, of(dead)]) writeFileSync(join(where, one), 'half');
    expect(readdirSync(where)).toContain(of(dead));
    new AtomicFile(join(where, 'next'));
    expect(readdirSync(where).sort()).toEqual(kept.sort());
    writeFileSync(join(where, of(dead)), 'half');
    new AtomicFile(join(where, 'after'));
    expect(readdirSync(where)).toContain(of(dead));
  });
});

describe('an unfinished file', () => {
  const listeners = (): number[] => ['SIGHUP', 'SIGINT', 'SIGTERM', 'exit'].map((event) => process.listenerCount(event));

  it('is not on disk before its first write, so that signals need no hearing until then', async () => {
    const quiet = (): Promise<void> => new Promise((done) => whenQuiet(done));
    await quiet();
    await quiet();
    const before = listeners();
    const names = readdirSync(folder);
    const file = new AtomicFile(join(folder, 'late.txt'));
    expect(readdirSync(folder)).toEqual(names);
    expect(listeners()).toEqual(before);
    file.write('x');
    expect(readdirSync(folder)).toHaveLength(names.length + 1);
    expect(listeners()).toEqual(before.map((count) => count + 1));
    file.commit();
    await quiet();
    await vi.waitFor(() => expect(listeners()).toEqual(before));
    expect(readFileSync(join(folder, 'late.txt'), 'utf8')).toBe('x');
  });

  it('hears a signal that comes while the next work begins', async () => {
    const exits = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never);
    setImmediate(() => {
      process.kill(process.pid, 'SIGTERM');
      const end = performance.now() + 20;
      while (performance.now() < end);
    });
    writeFileAtomic(join(folder, 'heard.txt'), 'x');
    await vi.waitFor(() => expect(exits.mock.calls).toEqual([[143]]));
    exits.mockRestore();
  });

  it('is made empty where nothing was written', () => {
    const file = new AtomicFile(join(folder, 'empty.txt'));
    file.commit();
    expect(readFileSync(join(folder, 'empty.txt'), 'utf8')).toBe('');
  });
});

describe('makeFolder', () => {
  it('makes what is missing, and says where a file stands in the way', () => {
    makeFolder(join(folder, 'deep', 'er'));
    makeFolder(join(folder, 'deep', 'er'));
    writeFileAtomic(join(folder, 'deep', 'er', 'd.txt'), '');
    for (const path of ['d.txt', join('d.txt', 'below')]) {
      expect(() => makeFolder(join(folder, 'deep', 'er', path))).toThrow(/cannot be written: a file stands where a folder is needed/);
    }
  });

  it('ends where the working directory is gone', () => {
    const before = process.cwd();
    const gone = mkdtempSync(join(folder, 'gone-'));
    try {
      process.chdir(gone);
      process.cwd();
      rmSync(gone, { recursive: true });
      makeFolder(join('a', 'b'));
    } finally {
      process.chdir(before);
    }
    expect(readdirSync(join(gone, 'a'))).toEqual(['b']);
  });
});
