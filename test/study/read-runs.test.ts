// Rows from what earlier runs left, whatever it is; and what is nothing of the kind.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { longJsonLines } from '../../src/figure/table/long-table.js';
import { StudyRows } from '../../src/figure/table/study.js';
import { toJson } from '../../src/report/json.js';
import { readRuns } from '../../src/study/read-runs.js';
import { Store } from '../../src/study/store.js';
import { sampleResult } from '../result/sample.js';
import { temporaryFolder } from '../support/folder.js';

const fresh = (): string => temporaryFolder();
const HIT_RATE = sampleResult().metrics['cache.hit_rate']!.value;

const ROW = { status: 'done', reason: null, key: {}, values: {}, metrics: {} };
const study = (row: unknown): string => JSON.stringify({ schema: 'moeprof.study/1', rows: [row] });

describe('rows', () => {
  it('of a study are the same from JSON and from JSON lines', () => {
    const rows = new StudyRows(['system', 'memory.expertCache'], ['cache.hit_rate']);
    rows.set(0, 'f0', ['fiddler', '25%'], { status: 'done', result: sampleResult() }, 'moeprof run -s fiddler --cache 25%');
    rows.set(1, null, ['no-cache', '25%'], { status: 'refused', reason: 'fixes it' }, 'moeprof run -s no-cache');
    const study = rows.study();
    const [json, lines] = ['study.json', 'study.jsonl'].map((name) => join(fresh(), name)) as [string, string];
    writeFileSync(json, toJson({ ...study, rows: [...study.rows] }));
    writeFileSync(lines, longJsonLines(study));
    expect(readRuns(json)).toEqual([...study.rows]);
    // A path that the key shows has no column of its own.
    expect(readRuns(lines)).toEqual([...study.rows].map((row) => ({ ...row, values: { 'memory.expertCache': '25%' } })));
  });

  it('of a store and of a folder of results carry what the runs were told', () => {
    const store = Store.open(join(fresh(), 'store'));
    store.put('ab'.repeat(32), { status: 'done', result: sampleResult() });
    store.put('cd'.repeat(32), { status: 'refused', reason: 'no' });
    const stored = readRuns(store.folder);
    expect(stored.map(({ status }) => status)).toEqual(['done', 'refused']);
    expect(stored[0]!.config).toEqual(sampleResult().config);
    const folder = fresh();
    mkdirSync(join(folder, 'deep'));
    writeFileSync(join(folder, 'deep', 'one.json'), JSON.stringify(sampleResult()));
    expect(readRuns(folder)[0]!.metrics['cache.hit_rate']).toBe(HIT_RATE);
    expect(readRuns(join(folder, 'deep', 'one.json')).length).toBe(1);
  });

  it.each<[string, string, RegExp]>([
    ['x.jsonl', '{"a":1}\n', /x\.jsonl:1: is no row of a study/],
    ['x.jsonl', 'x\n', /x\.jsonl:1: is no row of a study/],
    ['x.json', '{"schema":"moeprof.study/1", "rows"', /is no whole study/],
    ['x.json', '{}', /is not a moeprof result/],
    ...[null, 1, [], {}, { status: 'done' }, { status: 'done', reason: null, key: null, values: null, metrics: null }].map(
      (row): [string, string, RegExp] => ['x.json', study(row), /x\.json: rows\.0: is no row of a study: /],
    ),
    ...[
      [{ metrics: { 'speed.decode': 'x' } }, /metrics: speed\.decode/],
      [{ metrics: { 'speed.decode': -1 } }, /speed\.decode is -1, which no run gives/],
      [{ metrics: { 'speed.decode': 1e308 } }, /speed\.decode is 1e\+308, which no run gives/],
      [{ metrics: { 'cache.hit_rate': 2 } }, /cache\.hit_rate is 2, which no run gives/],
      [{ metrics: { toString: 1 } }, /metrics: toString: /],
      [{ key: { system: {} } }, /key: system/],
      [{ key: { other: 1 } }, /key: Unrecognized key: "other"/],
      [{ values: { a: [1] } }, /values: a/],
      [{ values: { constructor: 1 } }, /values: constructor/],
      [{ status: 'zzz' }, /status/],
    ].map(([part, message]): [string, string, RegExp] => ['x.json', study({ ...ROW, ...(part as object) }), message as RegExp]),
    ['x.json', '{"schema":"moeprof.study/1","rows":null}', /is no whole study/],
    ['x.json', `{"schema":"moeprof.study/1","rows":${'['.repeat(9999)}`, /nests more than 64/],
    ['x.json', '[null]', /is not a moeprof result/],
    ['x.json', '[{"status":"refused","system":{}}]', /x\.json: 0: is no row of a study: key: system/],
    ['x.jsonl', '{"status":"done","speed.decode [tokens/s]":""}', /x\.jsonl:1: is no row of a study: metrics: speed\.decode/],
    ['x.jsonl', '{"status":"done","speed.decode [tokens/s]":-2}', /speed\.decode is -2, which no run gives/],
  ])('are not in %s with %s', (name, text, message) => {
    const path = join(fresh(), name);
    writeFileSync(path, text);
    expect(() => readRuns(path)).toThrow(message);
  });

  it('are not in an empty folder, nor where nothing is', () => {
    expect(() => readRuns(fresh())).toThrow(/holds no results/);
    expect(() => readRuns(join(fresh(), 'none'))).toThrow(/there is no such file/);
    const csv = join(fresh(), 'study.csv');
    writeFileSync(csv, 'fingerprint\n');
    expect(() => readRuns(csv)).toThrow(/study\.csv: is read by data frames; give the store, or the same as \.jsonl/);
  });
});
