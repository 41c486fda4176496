// The table of a study: keys, units, cells that cannot run, and the same rows in CSV, JSON lines and Parquet.
import { parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { longColumns, longJsonLines, longParquet } from '../../../src/figure/table/long-table.js';
import { rowOfResult, rowValue } from '../../../src/figure/table/run-row.js';
import { StudyRows } from '../../../src/figure/table/study.js';
import { studyReports } from '../../../src/study/study-report.js';
import { sampleResult } from '../../result/sample.js';

const OPTIONS = { color: false, width: 80, unicode: true, verbose: false };

function study(wanted: readonly string[] = ['cache.hit_rate', 'latency.tpot.p50']) {
  const rows = new StudyRows(['system', 'memory.expertCache'], wanted);
  // They end in any order.
  rows.set(1, null, ['all-resident', 0.25], { status: 'refused', reason: 'fixes its cache' }, 'moeprof run -s all-resident');
  rows.set(0, 'f0', ['fiddler', '25%'], { status: 'done', result: sampleResult() }, 'moeprof run -s fiddler');
  return rows.study();
}

describe('the long table', () => {
  it('has the whole key, what varied, the status, and metrics with their units', () => {
    const names = longColumns(study()).map(({ name }) => name);
    expect(names.slice(0, 3)).toEqual(['fingerprint', 'model', 'quantization']);
    expect(names.slice(-6)).toEqual(['memory.expertCache', 'status', 'reason', 'again', 'cache.hit_rate [ratio]', 'latency.tpot.p50 [ns]']);
    const [ran, refused] = longJsonLines(study())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const { inputs, metrics } = sampleResult();
    expect(ran).toMatchObject({ fingerprint: 'f0', model: inputs.model, status: 'done', reason: null, again: 'moeprof run -s fiddler' });
    expect(ran!['cache.hit_rate [ratio]']).toBe(metrics['cache.hit_rate']!.value);
    expect(refused).toMatchObject({ fingerprint: null, system: 'all-resident', 'memory.expertCache': 0.25, status: 'refused' });
    expect(refused!['cache.hit_rate [ratio]']).toBeNull();
  });

  it('has every metric where none is asked for', () => {
    const metrics = Object.keys(sampleResult().metrics);
    expect(Object.keys(study([]).units).sort()).toEqual([...metrics].sort());
  });

  it('is the same in Parquet, where a column of several kinds is text', async () => {
    const bytes = (await longParquet())(study());
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    const rows = await parquetReadObjects({ file });
    const expected = longJsonLines(study())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .map((row) => ({ ...row, 'memory.expertCache': String(row['memory.expertCache']) }));
    expect(rows).toEqual(expected);
  });

  it('reads in a terminal, with the reason of what cannot run', () => {
    const table = studyReports[0]!;
    const text = 'render' in table ? table.render(study(), OPTIONS) : '';
    expect(text).toContain('2 cells over system, memory.expertCache');
    expect(text).toContain('1 ran, 1 could not');
    expect(text).toMatch(/^! 1 cell: fixes its cache$/m);
    // The table has no speeds.
    expect(text).toMatch(/^first again: moeprof run -s fiddler$/m);
    const markdown = studyReports.find(({ name }) => name === 'markdown')!;
    const page = 'render' in markdown ? markdown.render(study(), OPTIONS) : '';
    expect(page).toMatch(/^\| all-resident \| 0\.25 \| moeprof run -s all-resident \|$/m);
  });
});

it('stays within 80 columns with many axes, and names metrics that no run has', () => {
  const axes = ['system', 'trace', 'memory.expertCache', 'system.cache.policy', 'seed', 'hardware'];
  const rows = new StudyRows(axes, ['cache.hit_rate', 'goodput.tokens']);
  const cell = ['mixtral-offloading', 'mini-finegrained-64x12l#0:2000', '25%', 's3-fifo:small=0.1,ghost=0.5', 12, '2x-rtx-4090'];
  rows.set(0, 'f0', cell, { status: 'done', result: sampleResult() }, 'moeprof run');
  const table = studyReports[0]!;
  const text = 'render' in table ? table.render(rows.study(), OPTIONS) : '';
  for (const line of text.split('\n')) expect([...line].length, line).toBeLessThanOrEqual(80);
  expect(text).toMatch(/^! No run has goodput\.tokens: see moeprof explain goodput\.tokens\.$/m);
});

describe('a row of a result that stands alone', () => {
  it('finds keys, metrics, and anything that the run was told', () => {
    const result = { ...sampleResult(), config: { memory: { expertCache: '25%' }, workload: { batch: 4 }, list: [1, 2] } };
    const row = rowOfResult(result);
    expect(rowValue(row, 'system')).toBe(result.inputs.system);
    expect(rowValue(row, 'cache.hit_rate')).toBe(result.metrics['cache.hit_rate']!.value);
    expect(rowValue(row, 'workload.batch')).toBe(4);
    expect(rowValue(row, 'list')).toBe('[1,2]');
    expect(rowValue(row, 'nothing.of.it')).toBeNull();
  });
});
