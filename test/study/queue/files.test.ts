import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHUNK_BYTES, ChunkCheck, chunkCount, chunksOf, fileNoteOf, fileNoteText } from '../../../src/study/queue/chunks.js';
import { FileCache } from '../../../src/study/queue/file-cache.js';
import { ModuleIndex, modulesBelow } from '../../../src/study/queue/module-index.js';
import { sealBy } from '../../../src/study/queue/seal.js';
import { temporaryFolder } from '../../support/folder.js';

const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');
const folder = (): string => temporaryFolder();

describe('chunks', () => {
  it('make up a file, the last one shorter', () => {
    const bytes = Buffer.alloc(2 * CHUNK_BYTES + 3, 'abc');
    const path = join(folder(), 'f');
    writeFileSync(path, bytes);
    const chunks = [...chunksOf(path)];
    expect(chunks.map(({ length }) => length)).toEqual([CHUNK_BYTES, CHUNK_BYTES, 3]);
    expect(chunkCount(bytes.length)).toBe(3);
    const check = new ChunkCheck(sha256(bytes), bytes.length);
    expect(Buffer.concat(chunks.map((chunk) => check.add(chunk))).equals(bytes)).toBe(true);
    check.finish();
    expect([chunkCount(0), chunkCount(CHUNK_BYTES), chunkCount(CHUNK_BYTES + 1)]).toEqual([0, 1, 2]);
  });

  it('that are missing, cut or of another file are told', () => {
    const check = () => new ChunkCheck(sha256('abc'), 3);
    expect(() => check().add(null)).toThrow('is gone from the server');
    expect(() => check().add(Buffer.from('ab'))).toThrow('is gone from the server');
    const other = check();
    other.add(Buffer.from('abd'));
    expect(() => other.finish()).toThrow('came through the server damaged');
    expect(() => check().finish()).toThrow('damaged');
  });

  it('are announced as so many, by who has the key of the queue', () => {
    const [key, other] = [sealBy('a key of sixteen or more'), sealBy(null)];
    const sha = sha256('abcde');
    const notes = [{ bytes: 5, chunks: 1 }, { refused: 'no room' }];
    for (const note of notes) {
      const text = fileNoteText(sha, note, key);
      expect(fileNoteOf(sha, text, key)).toEqual(note);
      expect([fileNoteOf(sha256('x'), text, key), fileNoteOf(sha, text, other), fileNoteOf(sha, JSON.stringify(note), key)]).toEqual([
        null,
        null,
        null,
      ]);
    }
    expect(fileNoteOf(sha, fileNoteText(sha, { refused: 'no\u001b[2J\nroom' }, key), key)).toEqual({ refused: 'no\\u{1b}[2J room' });
    for (const text of ['{"bytes":5,"chunks":2}', '{"bytes":-1,"chunks":0}', '{"refused":{}}', '{}', '[', 'null', null])
      expect(fileNoteOf(sha, text === null ? null : text.replace('}', ',"seal":""}'), other)).toBe(null);
  });
});

describe('the cache of files', () => {
  const put = (cache: FileCache, text: string, kept: string[] = []) =>
    cache.put(sha256(text), text.length, new Set(kept), async (write) => write(Buffer.from(text)));

  it('keeps files by content, and drops what was not used for longest', async () => {
    const at = folder();
    const cache = new FileCache(at, 10);
    const [a, b] = [await put(cache, 'aaaa'), await put(cache, 'bbbb')];
    expect([readFileSync(a, 'utf8'), readFileSync(b, 'utf8')]).toEqual(['aaaa', 'bbbb']);
    utimesSync(a, 1, 1);
    utimesSync(b, 2, 2);
    // Used: it is the newest now.
    expect(cache.find(sha256('aaaa'), 4)).toBe(a);
    await put(cache, 'cccc');
    expect([existsSync(a), existsSync(b)]).toEqual([true, false]);
    expect(cache.find(sha256('bbbb'), 4)).toBe(null);
  });

  it('drops nothing that a cell reads', async () => {
    const cache = new FileCache(folder(), 8);
    const a = await put(cache, 'aaaa');
    utimesSync(a, 1, 1);
    const b = await put(cache, 'bbbb');
    await put(cache, 'cccc', [sha256('aaaa')]);
    expect([existsSync(a), existsSync(b)]).toEqual([true, false]);
  });

  it('refuses what is larger than it is, and leaves nothing of what did not come whole', async () => {
    const at = folder();
    const cache = new FileCache(at, 5);
    await expect(put(cache, 'aaaaaa')).rejects.toThrow('does not fit into the 5 B');
    const broken = cache.put(sha256('abc'), 3, new Set(), async (write) => {
      write(Buffer.from('ab'));
      throw new Error('gone');
    });
    await expect(broken).rejects.toThrow('gone');
    expect(readdirSync(at)).toEqual([]);
    expect(() => cache.find('../x', 1)).toThrow('is no SHA-256');
  });

  it('has no file that is a folder, a device or of another length, and writes over what is none', async () => {
    const at = folder();
    const cache = new FileCache(at, 100);
    const [a, b, c] = ['aaaa', 'bbbb', 'cccc'].map(sha256) as [string, string, string];
    symlinkSync('/dev/zero', join(at, a));
    mkdirSync(join(at, b));
    writeFileSync(join(at, c), 'ccc');
    expect([a, b, c].map((one) => cache.find(one, 4))).toEqual([null, null, null]);
    expect(readFileSync(await put(cache, 'cccc'), 'utf8')).toBe('cccc');
    cache.remove(c);
    expect(cache.find(c, 4)).toBe(null);
  });

  it('shows names without contents', () => {
    const cache = new FileCache(folder(), 5);
    expect(readdirSync(cache.view(['b', 'a']))).toEqual(['a', 'b']);
    expect(cache.view(['b', 'a'])).toBe(cache.view(['b', 'a']));
  });
});

describe('modules of a worker', () => {
  it('are found by content, below the folders that its user named, and nowhere else', () => {
    const at = folder();
    mkdirSync(join(at, 'deep/node_modules'), { recursive: true });
    writeFileSync(join(at, 'deep/mine.mjs'), 'export default 1;');
    writeFileSync(join(at, 'deep/node_modules/other.mjs'), 'export default 2;');
    const index = new ModuleIndex(modulesBelow([at], folder()));
    expect(index.find('/their/p.mjs', sha256('export default 1;'))).toBe(join(at, 'deep/mine.mjs'));
    expect(() => index.find('/their/p.mjs', sha256('export default 2;'))).toThrow(
      /^\/their\/p\.mjs: is code, which never travels, .* --modules <folder that has it>$/,
    );
    writeFileSync(join(at, 'deep/mine.mjs'), 'export default 33;');
    expect(() => index.find('p.mjs', sha256('export default 1;'))).toThrow('has changed since the worker started');
    expect(() => index.find('p.mjs', undefined)).toThrow('and this worker has none; start it with --modules');
    expect(() => modulesBelow([join(at, 'none')], at)).toThrow('is no folder');
  });

  it('never come from the cache that others fill', () => {
    const at = folder();
    const link = join(folder(), 'link');
    mkdirSync(join(at, 'cache/deep'), { recursive: true });
    symlinkSync(join(at, 'cache'), link);
    for (const modules of [at, join(at, 'cache'), join(at, 'cache/deep'), link])
      expect(() => modulesBelow([modules], join(at, 'cache'))).toThrow('shares files with the file cache, which others fill');
    expect(modulesBelow([at], join(at, '..', 'elsewhere'))).toEqual([]);
  });
});
