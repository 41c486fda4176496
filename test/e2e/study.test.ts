// Studies from outside: a file, a store that runs nothing twice, shards that make one whole, tables, and mistakes.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Result } from '../../src/result/result.js';
import { inTurn, temporaryFolder } from './moeprof.js';
import { argumentsOf } from './screens.js';

const STUDY = `
set: { trace: mini-mixtral-8x8l, workload.tokens: 60, bounds: false }
axes:
  system: [on-demand-lru, fiddler, all-resident]
  memory.expertCache: [25%, 50%]
zip:
  - { hardware: [t4, rtx-4090], seed: [1, 2] }
exclude:
  - { system: fiddler, memory.expertCache: 25% }
metrics: [cache.hit_rate, latency.pass.p50]
`;

const PAPER = `
set: { workload.tokens: 60, bounds: false, hardware: t4, runtime: llama.cpp }
axes:
  system: [on-demand-lru, mixtral-offloading, moe-infinity, fiddler, hybrimoe, expertflow, promoe, daop, fate, adapmoe]
  trace: [mini-mixtral-8x8l, mini-mixtral-8x8l#4000:8000, mini-finegrained-64x12l]
  memory.expertCache: [25%, 50%]
  seed: [1, 2]
metrics: [cache.hit_rate, latency.pass.p50]
`;

/** Debian's Python, which has Debian's pandas. */
const PYTHON = '/usr/bin/python3';

/** Joins both files of a study, pivots one, and holds the table and the points of the figure against that. */
const PIVOT = `
import json, pandas as pd
a = pd.read_csv('a.csv'); b = pd.read_json('a.jsonl', lines=True)
joined = a.merge(b, on='fingerprint', suffixes=('', ' again'))
key = ['fingerprint', 'model', 'trace', 'trace_sha256', 'hardware', 'runtime', 'system', 'policy', 'seed', 'version']
print(f"rows {len(joined)}, columns alike {list(a.columns) == list(b.columns)}, fingerprints {a.fingerprint.nunique()}, without a key {int(a[key].isna().any(axis=1).sum())}")
pivot = a.groupby(['system', 'trace', 'memory.expertCache'])['cache.hit_rate [ratio]'].median()
table = pd.read_csv('table.csv')
same = all(abs(row['median'] - pivot[(row.system, row.trace, row['memory.expertCache'])]) < 1e-12 for _, row in table.iterrows())
points = json.load(open('figure.json'))['points']
drawn = all(abs(point['y'] / 100 - pivot[(point['series'], point['facet'], f"{point['x']}%")]) < 1e-12 for point in points)
print(f"pivot {len(pivot)}, table {len(table)} {same}, plot {len(points)} {drawn}")
`;

function folderWith(files: Readonly<Record<string, string>>): string {
  const cwd = temporaryFolder();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
  return cwd;
}

/** Every file below a folder, with what is in it. */
function contentsOf(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files
      .map((entry): [string, string] => {
        const path = join(entry.parentPath, entry.name);
        return [path.slice(folder.length), readFileSync(path, 'utf8')];
      })
      .sort(),
  );
}

describe('a study', () => {
  it('is one table: every cell a row, those that cannot run with the reason', async () => {
    const cwd = folderWith({ 'study.yaml': STUDY });
    const { code, stderr, stdout } = await inTurn(['sweep', 'study.yaml', '-o', 'a.csv', '-o', 'a.jsonl', '-o', 'a.parquet', '-o', '-'], {
      cwd,
    });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('10 cells over system, memory.expertCache, hardware, seed\n6 ran, 4 could not\n');
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      '! 4 cells: study.yaml:5:23: memory.expertCache: system all-resident fixes its expert cache',
    );
    for (const line of stdout.split('\n')) expect([...line].length, line).toBeLessThanOrEqual(80);
    const [head, ...rows] = readFileSync(join(cwd, 'a.csv'), 'utf8').trimEnd().split('\n');
    expect(rows.length).toBe(10);
    expect(head).toMatch(/^fingerprint,model,.*,status,reason,again,cache\.hit_rate \[ratio\],latency\.pass\.p50 \[ns\]$/);
    const lines = readFileSync(join(cwd, 'a.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(new Set(lines.map(({ fingerprint }) => fingerprint)).size).toBe(10);
    expect(lines.every(({ system, trace_sha256, status }) => system !== null && (status === 'refused') === (trace_sha256 === null))).toBe(
      true,
    );
    // The command of a row is that run, and so is the one that the store makes of what the run was told.
    const [ran] = lines.filter(({ status }) => status === 'done');
    expect(stdout).toMatch(/^first again: moeprof run -t mini-mixtral-8x8l --tokens 60 -s/m);
    const shown = await inTurn(['store', 'show', String(ran!.fingerprint).slice(0, 12), '-v'], { cwd });
    const told = /^again +(moeprof run (?:.+\n)(?: .+\n)*)/m.exec(shown.stdout)![1]!.replace(/\s+/g, ' ').trim();
    for (const command of [String(ran!.again), told]) {
      const again = JSON.parse((await inTurn([...argumentsOf(command), '--json'], { cwd })).stdout) as Result;
      expect(again.metrics['latency.pass.p50']!.value, command).toBe(ran!['latency.pass.p50 [ns]']);
    }
    // Again: nothing runs, and every byte is the same.
    const kept = contentsOf(join(cwd, '.moeprof', 'store'));
    await inTurn(['sweep', 'study.yaml', '-o', 'b.csv', '-q'], { cwd });
    expect(readFileSync(join(cwd, 'b.csv'), 'utf8')).toBe(readFileSync(join(cwd, 'a.csv'), 'utf8'));
    expect(contentsOf(join(cwd, '.moeprof', 'store'))).toEqual(kept);
  });

  it('goes on where a module of its own ends its process, at once or in a run', async () => {
    const methods = 'touch() {}, insert() {}, remove() {}, victim() { process.exit(5); }';
    const cwd = folderWith({
      'study.yaml':
        'set: { trace: mini-mixtral-8x8l, workload.tokens: 40, hardware: t4 }\naxes: { system.cache.policy: [./at-once.mjs, ./later.mjs, lru] }\n',
      'at-once.mjs': 'process.exit(7);\n',
      'later.mjs': `export default { name: 'later', create: () => ({ ${methods} }) };\n`,
    });
    for (const jobs of ['1', '2']) {
      const sweep = ['sweep', 'study.yaml', '--allow-code', '--no-store', '--set', 'memory.expertCache=10%', '-j', jobs];
      const { code, stderr, stdout } = await inTurn(sweep, { cwd });
      expect([code, stderr]).toEqual([0, '']);
      const text = stdout.replace(/\s+/g, ' ');
      expect(text).toContain('1 ran, 2 could not');
      expect(text).toContain('at-once.mjs: cannot be loaded as a policy: it ends its process (process.exit(7))');
      expect(text).toMatch(/later\.mjs:1:\d+: victim threw Error: process\.exit\(5\) would end all runs/);
    }
    const alone = await inTurn(['run', '-t', 'mini-mixtral-8x8l', '--policy', './at-once.mjs'], { cwd });
    expect([alone.code, alone.stderr]).toEqual([
      2,
      'moeprof: at-once.mjs: cannot be loaded as a policy: it ends its process (process.exit(7))\n',
    ]);
  });
});

describe('the store of a study', () => {
  it('in shards, merged, is the store of one machine to the byte', async () => {
    const cwd = folderWith({ 'study.yaml': STUDY });
    const sweep = (...more: string[]) => inTurn(['sweep', 'study.yaml', '-q', '-o', `${more.at(-1)}.csv`, ...more.slice(0, -1)], { cwd });
    await sweep('--store', 'whole', 'whole');
    await sweep('--store', 'one', '--shard', '1/2', 'one');
    await sweep('--store', 'two', '--shard', '2/2', 'two');
    const { stdout } = await inTurn(['store', 'merge', 'one', 'two', '--into', 'joined'], { cwd });
    expect(stdout).toBe('10 runs taken over into joined\n');
    expect(contentsOf(join(cwd, 'joined'))).toEqual(contentsOf(join(cwd, 'whole')));
    // A machine that has the files elsewhere has the same results; those of another build or run are told apart by their figures.
    const [other, traced] = [temporaryFolder(), 'set: { trace: ./own.jsonl, hardware: t4, bounds: false }\naxes: { seed: [1, 2] }\n'];
    await inTurn(['trace', 'generate', '--like', 'mini-mixtral-8x8l', '--tokens', '20', '-o', join(cwd, 'own.jsonl')]);
    for (const folder of [cwd, other]) {
      writeFileSync(join(folder, 'own.jsonl'), readFileSync(join(cwd, 'own.jsonl')));
      writeFileSync(join(folder, 'traced.yaml'), traced);
      expect((await inTurn(['sweep', 'traced.yaml', '-q', '-o', 't.csv', '--store', 'traced'], { cwd: folder })).stderr).toBe('');
    }
    const merged = await inTurn(['store', 'merge', 'traced', join(other, 'traced'), '--into', 'both'], { cwd });
    expect([merged.stderr, merged.stdout]).toEqual(['', '2 runs taken over into both\n']);
    expect(readFileSync(join(other, 't.csv'), 'utf8')).toBe(readFileSync(join(cwd, 't.csv'), 'utf8'));
    const verified = await inTurn(['store', 'verify', 'joined'], { cwd });
    expect([verified.code, verified.stdout]).toEqual([0, '10 of 10 runs are whole\n']);
    const file = [...contentsOf(join(cwd, 'one')).keys()][0]!;
    writeFileSync(join(cwd, 'one', file), '{');
    const damaged = await inTurn(['store', 'verify', 'one'], { cwd });
    expect([damaged.code, damaged.stdout]).toEqual([1, '4 of 5 runs are whole\n']);
    expect(damaged.stderr).toMatch(/is no JSON; delete it, and the run is repeated\n$/);
    expect((await inTurn(['store', 'gc', 'one'], { cwd })).stdout).toBe('1 run removed from one\n');
    const [kept] = [...contentsOf(join(cwd, 'two'))].find(([, text]) => text.includes('"status":"done"'))!;
    const [id] = /[0-9a-f]{64}/.exec(kept)!;
    expect((await inTurn(['store', 'show', id.slice(0, 12), 'two'], { cwd })).stdout).toContain('mini-mixtral-8x8l');
    expect((await inTurn(['store', 'ls', 'two'], { cwd })).stdout).toMatch(new RegExp(`^${id.slice(0, 12)} +done`, 'm'));
  });

  it('repeats a run where a file that it reads has changed, and only then', async () => {
    const cwd = folderWith({
      'study.yaml': 'set: { trace: mini-mixtral-8x8l, workload.tokens: 20, bounds: false }\naxes: { system: [./s.yaml, on-demand-lru] }\n',
    });
    const system = (policy: string) => writeFileSync(join(cwd, 's.yaml'), `name: mine\ncache: { policy: ${policy} }\n`);
    const count = () => contentsOf(join(cwd, '.moeprof', 'store')).size;
    system('lfu');
    await inTurn(['sweep', 'study.yaml', '-q', '-o', 'a.csv'], { cwd });
    expect(count()).toBe(2);
    system('lfu # as before');
    await inTurn(['sweep', 'study.yaml', '-q', '-o', 'a.csv'], { cwd });
    expect(count()).toBe(2);
    system('fifo');
    await inTurn(['sweep', 'study.yaml', '-q', '-o', 'a.csv'], { cwd });
    expect(count()).toBe(3);
  });

  it('of a million cells is counted and divided in less than 200 MB', async () => {
    const study =
      'set: { trace: mini-mixtral-8x8l, bounds: false }\naxes: { workload.tokens: 1..1000, seed: 1..1000 }\nmetrics: [cache.hit_rate]\n';
    const watch = "process.on('exit', () => require('node:fs').writeFileSync('peak', String(process.resourceUsage().maxRSS)));";
    const cwd = folderWith({ 'study.yaml': study, 'watch.cjs': watch });
    const args = ['sweep', 'study.yaml', '--shard', '500000/999999', '-j', '1', '--no-store', '-q', '-o', 'one.csv'];
    const { code, stderr } = await inTurn(args, { cwd, env: { NODE_OPTIONS: `--require ${join(cwd, 'watch.cjs')}` } });
    expect([code, stderr]).toEqual([0, '']);
    const [, row] = readFileSync(join(cwd, 'one.csv'), 'utf8').split('\n');
    // Cells are numbered from 0 on, the last axis first to move: number 499,999 has 500 tokens and seed 1000.
    expect(row).toMatch(/,1000,[\d.]+,500,done,/);
    expect(Number(readFileSync(join(cwd, 'peak'), 'utf8')) * 1024).toBeLessThan(200e6);
  });
});

describe('a study in a paper', () => {
  it('is a table of a paper, from what sweep wrote and from the store', async () => {
    const cwd = folderWith({ 'study.yaml': STUDY });
    await inTurn(['sweep', 'study.yaml', '-q', '-o', 'a.jsonl'], { cwd });
    const ask = [
      '--rows',
      'system',
      '--columns',
      'hardware,memory.expertCache',
      '--value',
      'cache.hit_rate',
      '--stat',
      'mean',
      '--format',
      'csv',
    ];
    const [fromFile, fromStore] = await Promise.all(['a.jsonl', '.moeprof/store'].map((from) => inTurn(['table', from, ...ask], { cwd })));
    expect(fromFile!.code).toBe(0);
    expect(fromStore!.stdout.split('\n').sort()).toEqual(fromFile!.stdout.split('\n').sort());
    expect(fromFile!.stdout.trimEnd().split('\n').length).toBe(7);
  });

  it('is a figure of a paper', async () => {
    const cwd = folderWith({ 'study.yaml': STUDY });
    await inTurn(['sweep', 'study.yaml', '-q', '-o', 'a.jsonl'], { cwd });
    const ask = ['--x', 'memory.expertCache', '--y', 'cache.hit_rate', '--series', 'system'];
    const { code, stderr } = await inTurn(['plot', 'a.jsonl', ...ask, '-q', '-o', 'a.svg', '-o', 'a.json'], { cwd });
    expect([code, stderr]).toEqual([0, '']);
    expect(readFileSync(join(cwd, 'a.svg'), 'utf8')).toMatch(/^<svg [\s\S]*>on-demand-lru<[\s\S]*<\/svg>\n$/);
    const { points } = JSON.parse(readFileSync(join(cwd, 'a.json'), 'utf8')) as { points: unknown[] };
    expect(points.length).toBe(3);
  });

  // Skipped where python3-pandas is not here.
  it('is joined and pivoted by pandas as it is, to the figures of table and plot', { skip: !hasPandas() }, async () => {
    const cwd = folderWith({ 'paper.yaml': PAPER, 'pivot.py': PIVOT });
    await inTurn(['sweep', 'paper.yaml', '-q', '-o', 'a.csv', '-o', 'a.jsonl'], { cwd });
    const table = ['--columns', 'trace,memory.expertCache', '--value', 'cache.hit_rate', '-q', '-o', 'table.csv'];
    expect((await inTurn(['table', 'a.jsonl', ...table], { cwd })).code).toBe(0);
    const figure = ['--x', 'memory.expertCache', '--y', 'cache.hit_rate', '--series', 'system', '--facet', 'trace'];
    expect((await inTurn(['plot', 'a.jsonl', ...figure, '-q', '-o', 'figure.json'], { cwd })).code).toBe(0);
    const said = execFileSync(PYTHON, ['-W', 'ignore', 'pivot.py'], { cwd, encoding: 'utf8' });
    // 10 systems, 3 traces, 2 capacities, 2 seeds.
    expect(said).toBe('rows 120, columns alike True, fingerprints 120, without a key 0\npivot 60, table 60 True, plot 60 True\n');
  });
});

describe('a command of studies', () => {
  it.each<[string, string[], string, RegExp]>([
    ['an axis of nothing', ['sweep', 'study.yaml'], 'axes: { seed: [] }', /study\.yaml:1:15: axes\.seed: needs at least 1 entries/],
    ['two things that vary', ['sweep', 'study.yaml', '--vary', 'seed=1,2'], STUDY, /--vary: the study says what varies/],
    [
      'no cell that can run',
      ['sweep', 'study.yaml'],
      'axes: { system: [nothing] }',
      /the only cell cannot run: .*unknown system "nothing"/,
    ],
    ['a shard that is none', ['sweep', 'study.yaml', '--shard', '3/2'], STUDY, /--shard 3\/2: expected i\/n/],
    ['an empty shard', ['sweep', 'study.yaml', '--shard', '9/9'], 'axes: { seed: [1] }', /no cell is left for --shard 9\/9/],
    ['a shard of no study', ['sweep', '--rates', '1', '--shard', '1/2'], STUDY, /--shard: divides the cells of a study/],
    ['Parquet to a terminal', ['sweep', 'study.yaml', '--format', 'parquet'], STUDY, /parquet is no text; write it to a file/],
    ['code in a file', ['sweep', 'study.yaml'], 'axes: { system.cache.policy: [./p.mjs] }', /p\.mjs is code, which no file may run/],
    ['a store over other things', ['sweep', 'study.yaml', '--store', '.'], STUDY, /is no store of results: it holds study\.yaml/],
    ['a table of no rows', ['table', 'study.yaml'], STUDY, /study\.yaml: .*is not JSON/],
    [
      'a statistic that is none',
      ['table', 'x.jsonl', '--stat', 'medan'],
      STUDY,
      /unknown statistic "medan"; did you mean "mean" or "median"/,
    ],
  ])('refuses %s', async (_, args, text, message) => {
    const { code, stderr, stdout } = await inTurn(args, { cwd: folderWith({ 'study.yaml': text }) });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n').length).toBe(1);
  });
});

function hasPandas(): boolean {
  try {
    execFileSync(PYTHON, ['-c', 'import pandas'], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn('SKIPPED: no study was read by pandas, which is not here (python3-pandas)');
    return false;
  }
}
