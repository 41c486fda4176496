// The port for a page: each file of base/web exports what its twin in base/host does, and does the same with bytes, texts, paths and files.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateRawSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { readImports, roomOf } from '../../scripts/rooms.mjs';
import * as hostBytes from '../../src/base/host/bytes.js';
import * as hostChildren from '../../src/base/host/children.js';
import * as hostClock from '../../src/base/host/clock.js';
import * as hostCompression from '../../src/base/host/compression.js';
import * as hostFiles from '../../src/base/host/files.js';
import * as hostHash from '../../src/base/host/hash.js';
import * as hostMachine from '../../src/base/host/machine.js';
import * as hostModules from '../../src/base/host/modules.js';
import * as hostPaths from '../../src/base/host/paths.js';
import * as hostProcess from '../../src/base/host/process.js';
import * as hostProcesses from '../../src/base/host/processes.js';
import * as hostThreads from '../../src/base/host/threads.js';
import * as bytes from '../../src/base/web/bytes.js';
import * as children from '../../src/base/web/children.js';
import * as clock from '../../src/base/web/clock.js';
import * as compression from '../../src/base/web/compression.js';
import * as files from '../../src/base/web/files.js';
import * as hash from '../../src/base/web/hash.js';
import * as machine from '../../src/base/web/machine.js';
import * as modules from '../../src/base/web/modules.js';
import { PACKED } from '../../src/base/web/packed.js';
import * as paths from '../../src/base/web/paths.js';
import * as process from '../../src/base/web/process.js';
import * as processes from '../../src/base/web/processes.js';
import * as threads from '../../src/base/web/threads.js';

/** The types are compared where this is compiled. */
const WEB = {
  bytes,
  children,
  clock,
  compression,
  files,
  hash,
  machine,
  modules,
  paths,
  process,
  processes,
  threads,
} satisfies typeof HOST;
const HOST = {
  bytes: hostBytes,
  children: hostChildren,
  clock: hostClock,
  compression: hostCompression,
  files: hostFiles,
  hash: hostHash,
  machine: hostMachine,
  modules: hostModules,
  paths: hostPaths,
  process: hostProcess,
  processes: hostProcesses,
  threads: hostThreads,
};

const text = fc.string({
  unit: fc.oneof(fc.constantFrom('a', 'ß', '€', '𝄞', '\uFEFF', '\ud800'), fc.string({ minLength: 1, maxLength: 1 })),
});
const blob = fc.uint8Array({ maxLength: 300 });

describe('files for a page', () => {
  it('stand for each file of the library, and export the same', () => {
    for (const [subject, twin] of Object.entries(WEB)) {
      const extra = subject === 'files' ? ['putFile'] : subject === 'modules' ? ['notOnPages'] : [];
      expect(Object.keys(twin).sort(), subject).toEqual([...Object.keys(HOST[subject as keyof typeof HOST]), ...extra].sort());
    }
    const folder = fileURLToPath(new URL('../../src/base/web', import.meta.url));
    expect(readdirSync(folder).sort()).toEqual([...Object.keys(WEB), 'packed'].map((name) => `${name}.ts`).sort());
    expect(PACKED).toEqual({});
  });

  it('are all that rooms reach which a page may have', () => {
    const alone = ['study', 'measured', 'record', 'cli'];
    const reached = [...readImports(fileURLToPath(new URL('../../src', import.meta.url)))]
      // The library has what records a model, which a page refuses.
      .filter(([file]) => (!alone.includes(roomOf(file)) || file === 'record/record.ts') && !file.startsWith('base/host/'))
      .flatMap(([, targets]) => targets.filter((target) => target.startsWith('base/host/')));
    expect([...new Set(reached)].sort()).toEqual(
      Object.keys(WEB)
        .map((name) => `base/host/${name}.ts`)
        .sort(),
    );
  });
});

describe('functions for a page', () => {
  it('turn texts into bytes and back', () => {
    fc.assert(
      fc.property(text, blob, fc.nat(300), fc.nat(300), (words, data, from, to) => {
        const own = bytes.bytesOf(words);
        expect(Buffer.from(own)).toEqual(hostBytes.bytesOf(words));
        expect(bytes.textOf(own)).toBe(hostBytes.textOf(own));
        expect(bytes.textOf(data, from, to)).toBe(hostBytes.textOf(data, from, to));
        expect(bytes.latin1Of(data, from, to)).toBe(hostBytes.latin1Of(data, from, to));
        const base64 = Buffer.from(data).toString('base64');
        for (const one of [base64, base64.slice(1), Buffer.from(data).toString('base64url'), `${base64}!?`])
          expect(Buffer.from(bytes.bytesOfBase64(one))).toEqual(hostBytes.bytesOfBase64(one));
        expect(Buffer.from(bytes.joined([data, own, data]))).toEqual(hostBytes.joined([data, own, data]));
      }),
    );
  });

  it('hash as FIPS 180-4', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(blob, text), { maxLength: 6 }), (parts) => {
        const digest = ({ newSha256 }: typeof hostHash, form: 'hex' | 'base64') =>
          parts.reduce((sum, part) => sum.update(part), newSha256()).digest(form);
        expect(digest(hash, 'hex')).toBe(digest(hostHash, 'hex'));
        expect(digest(hash, 'base64')).toBe(digest(hostHash, 'base64'));
      }),
    );
    expect(hash.randomHex(6)).toMatch(/^[0-9a-f]{12}$/);
  });

  it('read paths by the rules of POSIX', () => {
    const path = fc.array(fc.constantFrom('a', 'b.c', '..', '.', '', 'd.', '.e'), { maxLength: 6 }).map((names) => names.join('/'));
    fc.assert(
      fc.property(path, path, (one, other) => {
        const { basename, dirname, extname, isAbsolute, join } = paths;
        expect([basename(one), dirname(one), extname(one), isAbsolute(one), join(one)], one).toEqual([
          posix.basename(one),
          posix.dirname(one),
          posix.extname(one),
          posix.isAbsolute(one),
          posix.join(one),
        ]);
        // Of slashes alone, Node makes no name where there is an ending to leave out.
        if (basename(one) !== '') expect(basename(one, '.c')).toBe(posix.basename(one, '.c'));
        expect(paths.join(one, other)).toBe(posix.join(one, other));
        const [from, to] = [one, other].map((end) => posix.join('/r', end)) as [string, string];
        expect(paths.resolve(from, other)).toBe(posix.resolve(from, other));
        expect(paths.relative(from, to)).toBe(posix.relative(from, to));
        expect(paths.resolve(one)).toBe(posix.resolve(process.cwd(), one));
      }),
      { numRuns: 1000 },
    );
    expect(paths.fileURLToPath(paths.pathToFileURL('/a b/c').href)).toBe('/a b/c');
  });
});

describe('unpacking on a page', () => {
  /** What comes of data through steps. */
  async function through(data: Uint8Array, steps: Parameters<typeof compression.pipe>[1]): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    const blocks = [data.subarray(0, 7), data.subarray(7)];
    await compression.pipe(blocks, steps, async (stream) => {
      for await (const part of stream) parts.push(part);
    });
    return bytes.joined(parts);
  }

  it('gives what was packed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(blob), async (blobs) => {
        const data = bytes.joined(blobs);
        expect(compression.crc32(data.subarray(5), compression.crc32(data.subarray(0, 5)))).toBe(hostCompression.crc32(data));
        expect(compression.inflated(deflateRawSync(data), data.length)).toEqual(data);
        expect(await through(gzipSync(data), [compression.gunzipping()])).toEqual(data);
        expect(await through(deflateRawSync(data), [compression.inflating()])).toEqual(data);
      }),
      { numRuns: 30 },
    );
  });

  it('refuses what is damaged, and passes on what its receiver throws', async () => {
    const packed = gzipSync(new Uint8Array(1000).fill(7));
    await expect(through(packed.subarray(0, 20), [compression.gunzipping()])).rejects.toThrow();
    await expect(
      compression.pipe([packed], [compression.gunzipping()], async (stream) => {
        for await (const part of stream) throw new Error(`no room for ${part.length} bytes`);
      }),
    ).rejects.toThrow('no room for 1000 bytes');
  });
});

describe('files in memory', () => {
  const folder = mkdtempSync(`${tmpdir()}/moeprof-web-`);
  afterAll(() => rmSync(folder, { recursive: true }));

  /** The value of an operation, or the code of its error. */
  const outcomeOf = (work: () => unknown): unknown => {
    try {
      return work();
    } catch (error) {
      return (error as { readonly code?: string }).code;
    }
  };

  it('are as those of a disk', () => {
    /** What a sequence of operations gives. */
    const story = (fs: typeof hostFiles, at: string): unknown[] => {
      const seen: unknown[] = [];
      const see = (work: () => unknown): void => void seen.push(outcomeOf(work));
      const kind = (path: string) => [fs.statIfAny(path)?.isFile(), fs.statIfAny(path)?.isDirectory(), fs.existsSync(path)];
      fs.makeFolders(`${at}/a/b`);
      see(() => kind(`${at}/a`));
      see(() => fs.openSync(`${at}/a/none`, 'r'));
      see(() => fs.openSync(`${at}/no/file`, 'w'));
      const fd = fs.openSync(`${at}/a/one`, 'wx+');
      see(() => fs.openSync(`${at}/a/one`, 'wx'));
      see(() => fs.writeSync(fd, bytes.bytesOf('hello'), 0, 5, null));
      see(() => fs.writeSync(fd, bytes.bytesOf('xJELLY'), 1, 5, 3));
      const into = new Uint8Array(10);
      see(() => fs.readSync(fd, into, 1, 9, 2));
      see(() => [...into]);
      see(() => fs.fstatSync(fd).size);
      fs.closeSync(fd);
      see(() => fs.closeSync(fd));
      see(() => fs.fileText(`${at}/a/one`));
      const again = fs.openSync(`${at}/a/one`, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
      for (const length of [3, 10, 10]) see(() => fs.readSync(again, into, 0, length, null));
      fs.unlinkSync(`${at}/a/one`);
      see(() => kind(`${at}/a/one`));
      see(() => fs.readSync(again, into, 0, 4, 0));
      fs.closeSync(again);
      const end = fs.openSync(`${at}/a/two`, 'a');
      see(() => fs.writeSync(end, bytes.bytesOf('x'), 0, 1, null));
      fs.closeSync(end);
      fs.renameSync(`${at}/a/two`, `${at}/a/b/three`);
      see(() => fs.readdirSync(`${at}/a`).sort());
      see(() => fs.entriesIn(`${at}/a`).map((entry) => [entry.name, entry.isFile(), entry.isDirectory()]));
      see(() =>
        fs
          .entriesBelow(`${at}/a`)
          .map(({ name, parentPath }) => `${parentPath.slice(at.length)}/${name}`)
          .sort(),
      );
      see(() => fs.readdirSync(`${at}/a/b/three`));
      see(() => fs.readdirSync(`${at}/gone`));
      see(() => fs.fileText(`${at}/a`));
      see(() => fs.makeFolders(`${at}/a/b/three`));
      see(() => fs.accessSync(`${at}/gone`, fs.constants.W_OK));
      see(() => fs.realpathSync(`${at}/gone`));
      see(() => fs.rmSync(`${at}/gone`, {}));
      see(() => fs.rmSync(`${at}/gone`, { force: true }));
      see(() => fs.fileState(`${at}/a/b/three`).size);
      fs.utimesSync(`${at}/a/b/three`, new Date(5000), new Date(7000));
      see(() => fs.statSync(`${at}/a/b/three`).mtimeMs);
      fs.rmSync(`${at}/a`, { recursive: true });
      see(() => kind(`${at}/a/b/three`));
      return seen;
    };
    expect(story(files, '/files')).toEqual(story(hostFiles, folder));
  });
});

describe('a page', () => {
  it('refuses threads, programs and packages in one line', async () => {
    const wanted = 'a page cannot load it; run moeprof where it is installed';
    expect(threads.hasThread('capacity/worker')).toBe(false);
    for (const start of [
      () => threads.startThread('capacity/worker', null),
      () => threads.connection(),
      () => threads.startScript(() => undefined, null, []),
      () => processes.runScript('', { timeout: 1 }),
      () => processes.outputOf('git', []),
      () => modules.requirePackage('x'),
      () => modules.packagePath('x'),
      () => compression.deflatedBlock(new Uint8Array(1)),
      () => compression.deflatedFast(''),
    ])
      expect(start).toThrow(wanted);
    for (const load of [modules.importFile('/x.mjs'), modules.importPackage('x'), processes.programEnd('git')])
      await expect(load).rejects.toThrow(wanted);
  });

  it('waits, and can be waited for', async () => {
    const turns: string[] = [];
    clock.whenQuiet(() => turns.push('turn'));
    clock.afterThis(() => turns.push('now'));
    const end = clock.whileAlive(() => turns.push('tick'), 1);
    await clock.sleep(20);
    end();
    expect(turns.slice(0, 2)).toEqual(['now', 'turn']);
    expect(turns.slice(2)).toContain('tick');
    const late = new AbortController();
    const pause = clock.sleep(1e6, late.signal);
    late.abort();
    await expect(pause).rejects.toThrow('ended');
    threads.passOn('a', 1);
    expect([threads.inherited('a'), threads.sharedMemory(8).byteLength]).toEqual([1, 8]);
  });
});
