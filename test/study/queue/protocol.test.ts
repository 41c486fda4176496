import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listProfiles } from '../../../src/base/profiles.js';
import { buildOf } from '../../../src/study/build.js';
import { fingerprintOf } from '../../../src/study/fingerprint.js';
import { CellMaker } from '../../../src/study/queue/cell.js';
import {
  type CellEnd,
  cellData,
  cellOf,
  doneFields,
  doneOf,
  isAlike,
  keysOf,
  PROTOCOL,
  packedEntry,
  presencesIn,
  presenceText,
  runOfText,
  unpackedEntry,
} from '../../../src/study/queue/protocol.js';
import { checkRun } from '../../../src/system/load-run.js';

const folder = mkdtempSync(join(tmpdir(), 'cells-'));
const at = (name: string): string => join(folder, name);
writeFileSync(at('t.csv'), 'arrival,prompt,output\n0,1,1\n');
writeFileSync(at('p.mjs'), 'export default {}');
mkdirSync(at('traces'));
writeFileSync(at('traces/b.jsonl'), '');
const override = (path: string, value: unknown) => ({ path: path.split('.'), value, label: '--set' });

describe('a cell', () => {
  it('keeps the fingerprint of its run through the server, and every number of it', () => {
    const run = checkRun({ seed: 3, workload: { arrivals: at('t.csv') } }, 'study.yaml', [override('memory.expertCache', '25%')]);
    const odd = { ...run, odd: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, Number.NaN, 1.5] } as typeof run;
    const back = runOfText(cellOf(JSON.parse(JSON.stringify(cellData(new CellMaker().make(odd))))));
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
    const back = runOfText(cellOf(JSON.parse(JSON.stringify(cellData(new CellMaker().make(run))))));
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

  it('of another protocol or build is refused', () => {
    const cell = new CellMaker().make(checkRun({}, 'study.yaml'));
    expect(() => cellOf({ ...cell, protocol: PROTOCOL + 1 })).toThrow(`the cell is of moeprof ${buildOf()}, this worker is`);
    expect(() => cellOf({ ...cell, build: '0.0.1' })).toThrow('the cell is of moeprof 0.0.1');
    expect(() => cellOf({ ...cell, files: undefined })).toThrow('lacks parts');
    expect(() => cellOf('text')).toThrow('is no cell');
    expect(keysOf('moeprof', '1').cells).not.toBe(keysOf('moeprof', '2').cells);
  });

  it('on standard input goes nowhere', () => {
    expect(() => new CellMaker().make(checkRun({ trace: '-' }, 'study.yaml'))).toThrow('no worker has this standard input');
  });
});

describe('what travels beside cells', () => {
  it('is what was said', () => {
    const failed: CellEnd = { fingerprint: 'ab', worker: 'w', failure: 'why' };
    expect([doneOf(doneFields(failed)), doneOf(doneFields({ ...failed, failure: null }))]).toEqual([failed, { ...failed, failure: null }]);
    const [presence, ...rest] = presencesIn([presenceText('w', 2), null, '{', '{"name":3}']);
    expect([presence, rest]).toEqual([{ name: 'w', build: buildOf(), protocol: PROTOCOL, running: 2 }, []]);
    expect([isAlike(presence!), isAlike({ ...presence!, build: 'x' })]).toEqual([true, false]);
    expect(unpackedEntry(packedEntry('{"a":1}\n'))).toBe('{"a":1}\n');
    expect(() => unpackedEntry(Buffer.from('x'))).toThrow('a result on the server is damaged');
    expect(() => packedEntry('x'.repeat(2 ** 28 + 1))).toThrow(
      'its result has 256 MiB, and at most 256 MiB travel; run it without --queue',
    );
  });
});
