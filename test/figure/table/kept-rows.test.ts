// Rows as bytes: what was set comes back, in order, from memory and from a temporary file, and every format has the bytes that a list gives.
import { afterAll, describe, expect, it } from 'vitest';
import { KeptRows } from '../../../src/figure/table/kept-rows.js';
import { longParquet } from '../../../src/figure/table/long-table.js';
import type { RunRow } from '../../../src/figure/table/run-row.js';
import type { Study } from '../../../src/figure/table/study.js';
import { studyReports } from '../../../src/study/study-report.js';

const OPTIONS = { color: false, width: 80, unicode: true, verbose: false };

/** One row of every kind: of several sets of metrics, with a word that JSON escapes, with a flag, and without figures. */
function rowNumbered(index: number): RunRow {
  const values = { 'workload.batch': index, system: `“s${index % 3}”`, 'model.tied': index % 2 === 0 };
  if (index % 5 === 4) return { status: 'refused', reason: `no room, "${index % 2}"`, key: { system: 'x' }, values, metrics: {} };
  const metrics = { 'speed.decode': index / 3, 'share.stall': -0, ...(index % 2 === 0 ? { 'cache.hit_rate': 5e-324 } : {}) };
  return {
    status: 'done',
    reason: null,
    again: `moeprof run --seed ${index}\u2028`,
    key: { fingerprint: `f${index}`, seed: index },
    values,
    metrics,
  };
}

const kept: KeptRows[] = [];
afterAll(() => {
  for (const rows of kept) rows.close();
});

/** @param step rows are set in this stride, modulo their number */
function keptOf(count: number, step: number): KeptRows {
  const rows = new KeptRows();
  for (let i = 0; i < count; i++) rows.set((i * step) % count, rowNumbered((i * step) % count));
  kept.push(rows);
  return rows;
}

describe('kept rows', () => {
  it.each([
    ['in memory', 20, 7],
    ['of which most are in a file', 20_011, 7919],
  ])('%s come back as they were set, in order, as often as they are gone through', (_, count, step) => {
    const rows = keptOf(count, step);
    expect(rows.length).toBe(count);
    for (let pass = 0; pass < 2; pass++) {
      let at = 0;
      for (const row of rows) {
        const expected = rowNumbered(at++);
        if (at % 997 < 10) expect(row).toStrictEqual(expected);
      }
      expect(at).toBe(count);
    }
  });

  it('skip those that were not set, and take a row that is longer than a block', () => {
    const rows = new KeptRows();
    kept.push(rows);
    const long = { ...rowNumbered(0), again: 'x'.repeat(3 * 2 ** 20) };
    rows.set(900, rowNumbered(900));
    rows.set(3, long);
    rows.set(70, rowNumbered(70));
    expect([...rows]).toStrictEqual([long, rowNumbered(70), rowNumbered(900)]);
    expect([...rows].map(({ metrics }) => Object.is(metrics['share.stall'], -0))).toEqual([true, true, true]);
  });
});

describe('a study of kept rows', () => {
  const common = {
    schema: 'moeprof.study/1',
    tool: { name: 'moeprof', version: '1' },
    axes: ['workload.batch', 'system', 'model.tied'],
  } as const;
  const units = { 'speed.decode': 'tokens/s', 'share.stall': 'ratio', 'cache.hit_rate': 'ratio', 'goodput.tokens': 'tokens/s' } as const;
  const study: Study = { ...common, units, rows: keptOf(40, 7) };
  const listed: Study = { ...common, units, rows: [...study.rows] };

  it.each(studyReports.filter((format) => 'render' in format))('gives the bytes of a list as $name, whole and in parts', (format) => {
    const text = format.render(listed, OPTIONS);
    expect(format.render(study, OPTIONS)).toBe(text);
    if (format.parts === undefined) return;
    const parts = [...format.parts(study)];
    expect(parts.length).toBeGreaterThanOrEqual(40);
    expect(parts.join('')).toBe(text);
  });

  it('gives the bytes of a list as Parquet', async () => {
    const parquet = await longParquet();
    expect(Buffer.from(parquet(study)).equals(Buffer.from(parquet(listed)))).toBe(true);
  });
});
