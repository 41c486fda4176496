// L23 Once: fingerprints that follow what a run reads, and a store that gives back what it was given or nothing.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { canonicalJson } from '../../src/result/digest.js';
import type { Metric } from '../../src/result/result.js';
import { buildOf } from '../../src/study/build.js';
import { fingerprintOf } from '../../src/study/fingerprint.js';
import { entryText, Store } from '../../src/study/store.js';
import { MissingCells } from '../../src/study/workers/missing-cells.js';
import { checkRun } from '../../src/system/load-run.js';
import { sampleResult } from '../result/sample.js';
import { temporaryFolder } from '../support/folder.js';

const fresh = (): string => temporaryFolder();
const ID = 'ab'.repeat(32);

describe('L23 a fingerprint', () => {
  const of = (input: object, label = 'one.yaml') => fingerprintOf(checkRun(input, label));

  it('is that of the inputs, wherever they stand', () => {
    expect(of({ seed: 1 })).toBe(of({}, 'two.yaml'));
    expect(of({ hardware: 'rtx-4090' })).toBe(of({}));
    expect(of({ system: 'on-demand-lru' })).toBe(of({}));
    expect(of({ memory: { expertCache: '25%' } })).toBe(of({ memory: { expertCache: '25%' } }));
  });

  it.each<[string, object]>([
    ['seed', { seed: 2 }],
    ['machine', { hardware: 't4' }],
    ['model', { model: 'mixtral-8x7b' }],
    ['system', { system: 'fiddler' }],
    ['parameter', { system: { name: 'x', cache: { policy: 'lfu-decay:halfLife=9' } } }],
    ['cache', { memory: { expertCache: '26%' } }],
    ['rows', { trace: 'mini-mixtral-8x8l#0:100' }],
  ])('changes with the %s', (_, input) => {
    expect(of(input)).not.toBe(of({}));
  });

  it('follows the contents of files, not their names', () => {
    const folder = fresh();
    const [one, two] = ['one.jsonl', 'two.jsonl'].map((name) => join(folder, name)) as [string, string];
    writeFileSync(one, 'a\n');
    writeFileSync(two, 'a\n');
    const before = of({ trace: one });
    expect(of({ trace: two })).toBe(before);
    writeFileSync(two, 'b!\n');
    expect(of({ trace: two })).not.toBe(before);
    // A folder is its files.
    const shards = join(folder, 'shards');
    mkdirSync(shards);
    writeFileSync(join(shards, '0.npy'), 'x');
    const whole = of({ trace: shards });
    writeFileSync(join(shards, '1.npy'), 'y');
    expect(of({ trace: shards })).not.toBe(whole);
    // A predictor's file stands among its parameters.
    const network = join(folder, 'p.onnx');
    writeFileSync(network, '1');
    const system = { name: 'x', predictor: { kind: 'onnx', file: network } };
    const trained = of({ system });
    writeFileSync(network, '22');
    expect(of({ system })).not.toBe(trained);
  });

  it('follows the contents of modules, whose parameters stand behind their path', () => {
    const module = join(fresh(), 'own.mjs');
    const parts = [
      { variants: `${module}:share=1` },
      { traceFormat: module },
      ...['policy', 'predictor', 'scheduler'].map((part) => ({
        system: { name: 'x', ...(part === 'policy' ? { cache: { policy: `${module}:a=1` } } : { [part]: `${module}:a=1` }) },
      })),
    ];
    writeFileSync(module, 'export default 1;');
    const before = parts.map((part) => of(part));
    expect(parts.map((part) => of(part))).toEqual(before);
    writeFileSync(module, 'export default 12;');
    expect(parts.filter((part, i) => of(part) === before[i])).toEqual([]);
  });
});

describe('a store', () => {
  it('gives back a result without what differs from machine to machine', () => {
    const store = Store.open(join(fresh(), 'new'));
    expect(store.get(ID)).toBeNull();
    store.put(ID, { status: 'done', result: sampleResult() });
    const found = Store.open(store.folder).get(ID);
    expect(found).toEqual({ status: 'done', result: { ...sampleResult(), environment: {} } });
    expect([...store.fingerprints()]).toEqual([ID]);
    expect([...store.damaged()]).toEqual([]);
  });

  it('keeps what was refused, and tries again what failed', () => {
    const store = Store.open(fresh());
    store.put(ID, { status: 'refused', reason: 'no such thing' });
    expect(store.get(ID)).toEqual({ status: 'refused', reason: 'no such thing' });
    store.put(ID, { status: 'failed', reason: 'a thread ended' });
    expect(store.get(ID)).toBeNull();
    expect(store.get(ID, true)).toEqual({ status: 'failed', reason: 'a thread ended' });
    store.remove(ID);
    expect([...store.fingerprints()]).toEqual([]);
  });

  it.each<[string, (text: string) => string]>([
    ['cut short', (text) => text.slice(0, -40)],
    ['changed', (text) => text.replace('no such thing', 'no such think')],
    ['of another run', (text) => text.replaceAll(ID, 'cd'.repeat(32))],
  ])('has no entry where its file is %s', (_, damage) => {
    const store = Store.open(fresh());
    store.put(ID, { status: 'refused', reason: 'no such thing' });
    const path = join(store.folder, ID.slice(0, 2), `${ID}.json`);
    writeFileSync(path, damage(readFileSync(path, 'utf8')));
    expect(store.get(ID)).toBeNull();
    expect([...store.damaged()].map(({ fingerprint }) => fingerprint)).toEqual([ID]);
  });
});

describe('a store that others write to', () => {
  it('takes entries that another process made, and none that is not what was made there', () => {
    const store = Store.open(fresh());
    const text = entryText(ID, { status: 'done', result: sampleResult() });
    for (const wrong of [
      text.slice(0, -9),
      text.replace('"seed":1', '"seed":2'),
      entryText('cd'.repeat(32), { status: 'refused', reason: '' }),
    ])
      expect(store.putEntry(ID, wrong, () => null)).toBeInstanceOf(UserError);
    expect(String(store.putEntry(ID, text, () => 'is of another run'))).toBe('UserError: its result: is of another run');
    expect([...store.fingerprints()]).toEqual([]);
    expect(store.putEntry(ID, text, () => null)).toEqual(store.get(ID));
    expect(readFileSync(join(store.folder, 'ab', `${ID}.json`), 'utf8')).toBe(text);
  });

  it('believes no outcome that is none, and no figures that contradict each other', () => {
    const store = Store.open(fresh());
    const result = sampleResult();
    const { metrics } = result;
    const figures = (change: (metric: Metric) => object) =>
      Object.fromEntries(Object.entries(metrics).map(([name, metric]) => [name, { ...metric, ...change(metric) }]));
    const done = (changed: object) => ({ status: 'done', result: { ...result, digest: undefined, ...changed } });
    // As entryText writes it, around anything.
    const entryWith = (outcome: unknown): string => {
      const text = canonicalJson(outcome);
      const digest = createHash('sha256').update(text).digest('hex');
      return `${JSON.stringify({ build: buildOf(), digest, fingerprint: ID }).slice(0, -1)},"outcome":${text},"schema":"moeprof.stored/1"}\n`;
    };
    const none: [unknown, RegExp][] = [
      ...[null, 'x', [], {}, { status: 'zzz', reason: 'x' }, { status: 'refused', reason: { a: 1 } }].map((outcome): [unknown, RegExp] => [
        outcome,
        /: holds no outcome of a run$/,
      ]),
      [{ status: 'done' }, /: is not a moeprof result/],
      [{ status: 'done', result: {} }, /: is not a moeprof result/],
      [done({ metrics: {} }), /: lacks cache\.hit_rate, which every run has$/],
      [done({ metrics: figures(({ value }) => ({ value: -value })) }), /which no run gives/],
      [done({ metrics: figures(() => ({ value: 'NaN' })) }), /: metrics\./],
      [done({ metrics: figures(() => ({ unit: 'x' })) }), /: metrics\./],
      [done({ metrics: { ...metrics, toString: { value: -1, unit: 'x' } } }), /: metrics\.toString/],
    ];
    for (const [outcome, message] of none) expect(String(store.putEntry(ID, entryWith(outcome), () => null))).toMatch(message);
    expect([...store.fingerprints()]).toEqual([]);
    const odd = store.putEntry(ID, entryText(ID, { status: 'refused', reason: 'a\u001b[2J\n::error::x' }), () => null);
    expect(odd).toEqual({ status: 'refused', reason: 'a\\u{1b}[2J \\u{3a}:error::x' });
  });
});

describe('a folder of entries', () => {
  it('reads nothing but files', () => {
    const at = fresh();
    const store = Store.open(at);
    store.put(ID, { status: 'refused', reason: 'x' });
    const path = join(at, 'ab', `${ID}.json`);
    const stands: [string, () => void][] = [
      ['a pipe', () => execFileSync('mkfifo', [path])],
      ['a link to what has no end', () => symlinkSync('/dev/zero', path)],
      ['a link in a circle', () => symlinkSync(path, path)],
    ];
    for (const [, put] of stands) {
      rmSync(path, { force: true });
      put();
      expect([store.get(ID), [...store.fingerprints()], store.isOfThisBuild(ID)]).toEqual([null, [ID], false]);
      expect([...store.damaged()].map(({ reason }) => /is a pipe|is a device|lead in a circle/.test(reason))).toEqual([true]);
    }
    rmSync(path, { force: true });
    mkdirSync(path);
    expect([store.get(ID), store.isOfThisBuild(ID), [...store.damaged()].length]).toEqual([null, false, 1]);
    expect(() => store.put(ID, { status: 'refused', reason: 'x' })).toThrow('it is a folder');
    rmSync(path, { recursive: true });
    writeFileSync(join(at, 'cd'), '');
    expect([...store.fingerprints()]).toEqual([]);
  });
});

describe('another store', () => {
  it('that can take nothing says so before a cell is run for it, and gives what it has', () => {
    const store = Store.open(fresh());
    const make = (seed: number) => () => checkRun({ seed }, 'study.yaml');
    store.put(fingerprintOf(make(1)()), { status: 'refused', reason: 'no such thing' });
    const settled: number[] = [];
    const missing = (seeds: number[]) => new MissingCells(seeds.map(make), store, (index) => settled.push(index)).runs();
    expect([...missing([1, 2, 3])].map((one) => one?.run.seed)).toEqual([undefined, 2, 3]);
    expect(readdirSync(store.folder)).toHaveLength(1);
    rmSync(store.folder, { recursive: true });
    writeFileSync(store.folder, '');
    expect(() => [...missing([4])]).toThrow(/cannot be written: a file stands where a folder is needed/);
    expect(settled).toEqual([0]);
  });

  it('is not opened over a folder of other things', () => {
    const folder = fresh();
    writeFileSync(join(folder, 'thesis.tex'), 'years');
    expect(() => Store.open(folder)).toThrow(/holds thesis\.tex; name an empty folder/);
  });
});
