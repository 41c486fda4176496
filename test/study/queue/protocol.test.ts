import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listProfiles } from '../../../src/base/profiles.js';
import { buildOf } from '../../../src/study/build.js';
import { fingerprintOf } from '../../../src/study/fingerprint.js';
import { CellMaker } from '../../../src/study/queue/cell.js';
import { isAlike, keysOf, PROTOCOL, presencesIn, presenceText } from '../../../src/study/queue/protocol.js';
import { sealBy, sealOf } from '../../../src/study/queue/seal.js';
import { cellData, cellOf, runOfText } from '../../../src/study/queue/sent-cell.js';
import { type CellEnd, doneFields, doneOf, packedEntry, resultData, resultOf } from '../../../src/study/queue/sent-result.js';
import { checkRun } from '../../../src/system/load-run.js';
import { temporaryFolder } from '../../support/folder.js';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
writeFileSync(at('t.csv'), 'arrival,prompt,output\n0,1,1\n');
writeFileSync(at('p.mjs'), 'export default {}');
mkdirSync(at('traces'));
writeFileSync(at('traces/b.jsonl'), '');
const NAME = 'ab'.repeat(32);
const KEY = sealBy('a key of sixteen or more');
const OTHER = sealBy('another key of that length');
const NONE = sealBy(null);
/** What a worker reads of a cell. */
const through = (cell: ReturnType<CellMaker['make']>) => cellOf(NAME, JSON.parse(JSON.stringify(cellData(NAME, cell, KEY))), KEY);
const override = (path: string, value: unknown) => ({ path: path.split('.'), value, label: '--set' });

describe('a cell', () => {
  it('keeps the fingerprint of its run through the server, and every number of it', () => {
    const run = checkRun({ seed: 3, workload: { arrivals: at('t.csv') } }, 'study.yaml', [override('memory.expertCache', '25%')]);
    const odd = { ...run, odd: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, Number.NaN, 1.5] } as typeof run;
    const back = runOfText(through(new CellMaker().make(odd)));
    expect(fingerprintOf({ ...back, odd: undefined } as typeof run)).toBe(fingerprintOf(run));
    expect((back as unknown as { odd: number[] }).odd).toEqual([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, Number.NaN, 1.5]);
  });

  it.each(listProfiles('systems'))('of system %s comes as it went', (system) => {
    const run = checkRun(
      {
        system,
        model: 'olmoe-1b-7b',
        variants: 'top-k=4',
        workload: { slo: 'ttft=2s' },
        faults: [{ at: '2s', link: 'h2d', bandwidth: '50%' }],
      },
      'study.yaml',
    );
    const back = runOfText(through(new CellMaker().make(run)));
    expect(back).toEqual(run);
    expect(fingerprintOf(back)).toBe(fingerprintOf(run));
  });

  it('says which files a worker needs, folders with what is in them, and what is nowhere', () => {
    const run = checkRun({ trace: [at('traces'), at('none.jsonl')], workload: { arrivals: at('t.csv') } }, 'study.yaml');
    const { files, modules } = new CellMaker().make(run);
    // SHA-256 of the empty text.
    const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    expect(files).toContainEqual({ path: at('traces'), sha256: null, bytes: 0, names: ['b.jsonl'] });
    expect(files).toContainEqual({ path: at('traces/b.jsonl'), sha256: empty, bytes: 0 });
    expect(files).toContainEqual({ path: at('none.jsonl'), sha256: null, bytes: 0 });
    expect(files.find(({ path }) => path === at('t.csv'))?.bytes).toBe(28);
    expect(modules).toEqual([]);
  });

  it('names modules by content and never lists them among files', () => {
    const run = checkRun({}, 'study.yaml', [override('system.cache.policy', at('p.mjs'))]);
    const { files, modules } = new CellMaker().make(run);
    expect(files.map(({ path }) => path)).not.toContain(at('p.mjs'));
    expect(modules).toEqual([{ path: at('p.mjs'), sha256: createHash('sha256').update('export default {}').digest('hex') }]);
  });

  it('leaves the weights of a model where they are, and takes a config without weights with its folder', () => {
    mkdirSync(at('bare'));
    writeFileSync(at('bare/config.json'), '{}');
    writeFileSync(at('m.gguf'), 'GGUF');
    const filesOf = (model: string) => new CellMaker().make(checkRun({ model }, 'study.yaml')).files;
    expect(filesOf(at('m.gguf'))[0]).toMatchObject({ path: at('m.gguf'), stays: true });
    expect(filesOf(at('bare/config.json'))).toContainEqual({ path: at('bare'), sha256: null, bytes: 0, names: ['config.json'] });
    writeFileSync(at('bare/model.safetensors'), '');
    expect(filesOf(at('bare/config.json'))[0]).toMatchObject({ stays: true });
  });
});

describe('a cell from the server', () => {
  it('of another protocol or build is refused', () => {
    const cell = cellData(NAME, new CellMaker().make(checkRun({}, 'study.yaml')), KEY);
    expect(() => cellOf(NAME, { ...cell, protocol: PROTOCOL + 1 }, KEY)).toThrow(`the cell is of moeprof ${buildOf()}, this worker is`);
    expect(() => cellOf(NAME, { ...cell, build: '0.0.1\u001b[2J' }, KEY)).toThrow('the cell is of moeprof 0.0.1\\u{1b}[2J');
    for (const none of ['text', null, [], {}, 7]) expect(() => cellOf(NAME, none, KEY)).toThrow('is no cell');
    expect(keysOf('moeprof', '1').cells).not.toBe(keysOf('moeprof', '2').cells);
  });

  it('is read only with the seal of its queue, over all that is in it and over its name', () => {
    const run = checkRun({ workload: { arrivals: at('t.csv') } }, 'study.yaml', [override('system.cache.policy', at('p.mjs'))]);
    const cell = cellData(NAME, new CellMaker().make(run), KEY);
    expect(cellOf(NAME, cell, KEY)).toEqual(cell);
    const forged = [
      { ...cell, modules: [] },
      { ...cell, files: [...cell.files, { path: '/proc/kmsg', sha256: NAME, bytes: 1 }] },
      { ...cell, folder: '/' },
      { ...cell, run: cell.run.replace('"seed":1', '"seed":2') },
      { ...cell, system: cell.system.replace('lru', 'lfu') },
      { ...cell, run: cell.system, system: cell.run },
      { ...cell, seal: '' },
      { ...cell, seal: undefined },
      { ...cell, seal: 7 },
      { ...cell, seal: OTHER.over('cell', NAME) },
    ];
    for (const one of forged) expect(() => cellOf(NAME, one, KEY)).toThrow('the cell has not the seal of this queue');
    expect(() => cellOf('cd'.repeat(32), cell, KEY)).toThrow('has not the seal');
    expect(() => cellOf(NAME, cell, OTHER)).toThrow('has not the seal');
    expect(() => cellOf(NAME, cell, NONE)).toThrow('has not the seal');
  });

  it('has the shape that moeprof gives it', () => {
    const cell = cellData(NAME, new CellMaker().make(checkRun({}, 'study.yaml')), NONE);
    const file = { path: '/t', sha256: NAME, bytes: 1 };
    const wrong = [
      ...[{ files: undefined }, { files: {} }, { modules: null }, { run: {} }, { system: 1 }, { folder: 'relative' }, { more: 1 }],
      ...[{ modules: [{ path: 'p.mjs', sha256: NAME }] }, { modules: [{ path: '/p.mjs', sha256: 'x' }] }],
      ...[
        { path: 't' },
        { sha256: '../../x' },
        { bytes: -1 },
        { bytes: 0.5 },
        { names: ['../x'] },
        { names: ['..'] },
        { names: ['a/b'] },
      ].map((part) => ({ files: [{ ...file, ...part }] })),
    ];
    for (const part of wrong) expect(() => cellOf(NAME, { ...cell, ...part }, NONE)).toThrow('lacks parts');
    // With a key, too: a seal is over texts.
    for (const part of [{ run: {} }, { system: 1 }, { run: null }])
      expect(() => cellOf(NAME, { ...cell, ...part }, KEY)).toThrow('lacks parts');
    expect(cellOf(NAME, { ...cell, files: [file] }, NONE).files).toEqual([file]);
  });

  it('on standard input goes nowhere', () => {
    expect(() => new CellMaker().make(checkRun({ trace: '-' }, 'study.yaml'))).toThrow('no worker has this standard input');
  });
});

describe('what travels beside cells', () => {
  it('is what was said', () => {
    const failed: CellEnd = { fingerprint: NAME, worker: 'w', failure: 'why' };
    const ends: CellEnd[] = [failed, { ...failed, failure: null }, { ...failed, again: true }];
    for (const end of ends) expect([doneOf(doneFields(end, KEY), KEY), doneOf(doneFields(end, KEY), null)]).toEqual([end, end]);
    expect(doneOf(doneFields({ ...failed, failure: 'a\u001b[2J\n::error::x' }, KEY), KEY)?.failure).toBe('a\\u{1b}[2J \\u{3a}:error::x');
    const [presence, ...rest] = presencesIn([
      ...[presenceText('w', 2), null, '{', '{"name":3}', '[]'],
      presenceText('w\u001b[2J', 2),
      JSON.stringify({ name: 'w', build: 'x\n::error::', protocol: 3, running: 0 }),
      JSON.stringify({ name: 'w', build: 'x', protocol: 3, running: {} }),
    ]);
    expect([presence, rest]).toEqual([{ name: 'w', build: buildOf(), protocol: PROTOCOL, running: 2 }, []]);
    expect([isAlike(presence!), isAlike({ ...presence!, build: 'x' })]).toEqual([true, false]);
  });

  it('ends a cell only with the seal of the queue', () => {
    const fields = doneFields({ fingerprint: NAME, worker: 'w', failure: null }, KEY);
    expect(doneOf(fields, OTHER)).toBe(null);
    expect(doneOf([...fields, 'failure', 'boo'], KEY)).toBe(null);
    expect(doneOf([...fields, 'again', '1'], KEY)).toBe(null);
    expect(
      doneOf(
        fields.map((text) => (text === 'w' ? 'v' : text)),
        KEY,
      ),
    ).toBe(null);
    const unsealed = doneFields({ fingerprint: NAME, worker: 'w', failure: null }, NONE);
    expect([doneOf(unsealed, KEY), doneOf(unsealed, NONE)?.worker]).toEqual([null, 'w']);
    for (const odd of [
      [],
      ['cell'],
      ['cell', 'x', 'worker', 'w', 'seal', ''],
      ['cell', NAME, 'worker', 'w w', 'seal', ''],
      ['__proto__', 'x'],
    ])
      expect(doneOf(odd, NONE)).toBe(null);
    expect(doneOf(['cell', NAME, 'worker', 'w', 'seal', '', 'failure', 'a\u001b[31m'], NONE)).toBe(null);
  });

  it('is a result only with the seal of the queue', () => {
    const data = resultData(NAME, 'w', packedEntry('{"a":1}\n'), KEY);
    expect(resultOf(NAME, data, KEY)).toEqual({ worker: 'w', entry: '{"a":1}\n' });
    const changed = Uint8Array.from(data, (byte, i) => (i === data.length - 1 ? byte ^ 1 : byte));
    for (const other of [changed, data.subarray(1), Buffer.from('x'), Buffer.alloc(0), Buffer.alloc(1000, 65)])
      expect(resultOf(NAME, other, KEY)).toBe(null);
    expect([resultOf('cd'.repeat(32), data, KEY), resultOf(NAME, data, OTHER), resultOf(NAME, data, NONE)]).toEqual([null, null, null]);
    expect(() => resultOf(NAME, resultData(NAME, 'w', Buffer.from('x'), NONE), NONE)).toThrow('does not unpack');
    expect(() => packedEntry('x'.repeat(2 ** 28 + 1))).toThrow(
      'its result has 256 MiB, and at most 256 MiB travel; run it without --queue',
    );
  });
});

describe('the key of a queue', () => {
  const server = (host: string) => ({ host, shown: `redis://${host}:6379/0` }) as Parameters<typeof sealOf>[0];
  writeFileSync(at('queue.key'), 'a key of sixteen or more\n');
  writeFileSync(at('short.key'), 'short\n');

  it('comes from a file or the environment, and makes one seal', () => {
    const seals = [
      sealOf(server('h'), at('queue.key'), {}),
      sealOf(server('h'), undefined, { MOEPROF_QUEUE_KEY: 'a key of sixteen or more' }),
    ];
    expect(seals.map((seal) => seal.over('shut', 'w'))).toEqual([KEY.over('shut', 'w'), KEY.over('shut', 'w')]);
    expect(KEY.over('shut', 'w')).toMatch(/^[0-9a-f]{64}$/);
    expect(KEY.over('end', 'ab', 'c')).not.toBe(KEY.over('end', 'a', 'bc'));
    expect(KEY.over('end', 'a')).not.toBe(KEY.over('result', 'a'));
  });

  it('may be missing only where the server is on this machine', () => {
    for (const host of ['localhost', '127.0.0.1', '127.1.2.3', '::1']) expect(sealOf(server(host), undefined, {}).isKeyed).toBe(false);
    for (const host of ['10.0.0.1', 'valkey', '0.0.0.0', '127.0.0.1.example.org', 'localhost.example.org'])
      expect(() => sealOf(server(host), undefined, {})).toThrow(/is not on this machine, so cells and results need a seal/);
    expect(() => sealOf(server('h'), at('short.key'), {})).toThrow(
      /--queue-key \S+short\.key: a key has at least 16 characters, and this one has 5/,
    );
    expect(() => sealOf(server('localhost'), undefined, { MOEPROF_QUEUE_KEY: 'short' })).toThrow(
      'MOEPROF_QUEUE_KEY: a key has at least 16',
    );
    expect(() => sealOf(server('h'), at('none.key'), {})).toThrow('there is no such file');
  });
});
