// The gate as a repository uses it: folders of scenarios, saved baselines, commits, repeats, and a planted regression named with its cause.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Gate } from '../../src/compare/gate.js';
import { sealed } from '../../src/result/digest.js';
import type { Metric, Result } from '../../src/result/result.js';
import { type Finished, inTurn, temporaryFolder } from './moeprof.js';

let cwd = '';
const run = (...args: string[]): Promise<Finished> => inTurn(args, { cwd });
const read = (path: string): string => readFileSync(join(cwd, path), 'utf8');
const write = (path: string, text: string): void => {
  mkdirSync(join(cwd, path, '..'), { recursive: true });
  writeFileSync(join(cwd, path), text);
};

/** A run of 256 tokens over twelve layers of 64 experts, of which the cache holds 16 a layer, and `fifth` in layer 5. */
function profile(path: string, fifth = 16, more = ''): void {
  const quotas = Array.from({ length: 12 }, (_, layer) => (layer === 5 ? fifth : 16));
  write(
    path,
    `model: mini-finegrained-64x12l
hardware: rtx-4090
system:
  name: mine
  cache: { policy: lru, scope: layer, quotas: [${quotas.join(', ')}] }
workload: { tokens: 256, prompt: 64, output: 64 }
${more}`,
  );
}

beforeEach(() => {
  cwd = temporaryFolder();
});

describe('a planted regression of 1 %', () => {
  it('is caught by max_regression: 0.5% and named with its layer and its misses; an identical rerun has no difference', async () => {
    const budgets = 'budgets:\n  - metric: latency.tpot.mean\n    max_regression: 0.5%\n';
    profile('base.yaml', 16, budgets);
    profile('same.yaml', 16);
    profile('worse.yaml', 14);
    const { stdout, code } = await run('compare', 'base.yaml', 'same.yaml', 'worse.yaml', '--explain', '--json');
    expect(code).toBe(1);
    const [same, worse] = (JSON.parse(stdout) as Gate).comparisons;
    expect(same).toMatchObject({ rows: [], findings: [], passed: true, explanation: null });
    const planted = worse!.rows.find(({ metric }) => metric === 'latency.tpot.mean')!;
    expect(planted.relative).toBeGreaterThan(0.008);
    expect(planted.relative).toBeLessThan(0.013);
    expect(worse!.findings).toMatchObject([{ metric: 'latency.tpot.mean', budget: { place: 'base.yaml:8:5' } }]);
    // All of it is layer 5, waiting for misses that the base does not have.
    expect(worse!.explanation!.layers.map(({ layer }) => layer)).toEqual([5]);
    expect(worse!.explanation!.layers[0]!.share).toBeCloseTo(1, 9);
    expect(worse!.explanation!.layers[0]!.misses).toBeGreaterThan(30);
    expect(worse!.explanation!.parts[0]!.name).toBe('stall');
    expect(worse!.explanation!.kinds[0]).toMatchObject({ name: 'misses', change: worse!.explanation!.layers[0]!.misses });
    expect(worse!.explanation!.phases[0]!.name).toBe('decode');
    const table = await run('compare', 'base.yaml', 'worse.yaml', '--explain');
    expect(table.stdout).toMatch(/what carries the change\ntime .*\n[\s\S]*layers +layer 5: \+\d.* \(100\.0 % of it\), \+\d+ misses/);
    expect(table.stdout).toContain('config cache.quotas.5: 16 → 14'.replace('cache', 'system.cache'));
  });
});

describe('the budgets that init wrote', () => {
  it('judge where no others are given, from its folder or from around it: a smaller cache fails with its reasons', async () => {
    for (const [name, cache] of [
      ['main', '25%'],
      ['pr', '20%'],
    ])
      await run('run', '-t', 'mini-finegrained-64x12l', '-w', 't4', '--cache', cache!, '--tokens', '400', '-q', '-o', `${name}.json`);
    expect((await run('init', '.', '--ci', 'none')).code).toBe(0);
    const { code, stderr, stdout } = await run('compare', 'main.json', 'pr.json');
    expect([code, stderr]).toEqual([1, 'judged by moeprof/budgets.yaml; --budgets or --fail-on is instead of it\n']);
    expect(stdout).toMatch(/FAIL cache\.hit_rate .*\n?.*moeprof\/budgets\.yaml:\d+:5/);
    expect(stdout).toMatch(/kinds .*misses [\d,]+ -> [\d,]+ \(\+/);
    expect(stdout).toContain('memory.expertCache: 25% → 20%');
    expect(await run('compare', 'pr.json', 'main.json')).toMatchObject({ code: 3, stderr: expect.stringContaining('memory.expertCache') });
    const own = await run('compare', 'main.json', 'pr.json', '--fail-on', 'latency.tpot.mean > +90%');
    expect([own.code, own.stderr]).toEqual([0, '']);
    mkdirSync(join(cwd, 'elsewhere'));
    write('sub/moeprof/runs/pr.json', read('pr.json'));
    write('sub/moeprof/budgets.yaml', read('moeprof/budgets.yaml'));
    const around = await inTurn(['compare', '../main.json', '../sub/moeprof/runs/pr.json'], { cwd: join(cwd, 'elsewhere') });
    expect([around.code, around.stderr]).toEqual([1, expect.stringContaining('judged by ../sub/moeprof/budgets.yaml')]);
  });
});

describe('a tenfold regression', () => {
  it('does not pass by a base that lacks what is judged, by empty budgets, or by a figure that its unit forbids', async () => {
    profile('run.yaml');
    expect((await run('run', 'run.yaml', '-q', '-o', 'base.json')).code).toBe(0);
    const resealed = (path: string, change: (metrics: Record<string, Metric>) => void): void => {
      const result = JSON.parse(read('base.json')) as Result & { metrics: Record<string, Metric> };
      change(result.metrics);
      write(path, JSON.stringify(sealed(result)));
    };
    const each = (pattern: RegExp, change: (metrics: Record<string, Metric>, name: string) => void) => (metrics: Record<string, Metric>) =>
      Object.keys(metrics)
        .filter((name) => pattern.test(name))
        .forEach((name) => {
          change(metrics, name);
        });
    const scaled = (factor: number) => (metrics: Record<string, Metric>, name: string) => {
      metrics[name] = { ...metrics[name]!, value: metrics[name]!.value * factor };
    };
    const gone = (metrics: Record<string, Metric>, name: string): void => {
      delete metrics[name];
    };
    resealed('worse.json', each(/^latency\./, scaled(10)));
    resealed('missing.json', each(/^latency\.tpot/, gone));
    resealed('none.json', each(/./, gone));
    resealed('negative.json', each(/^latency\./, scaled(-1)));
    write('empty.yaml', 'budgets: []\n');
    const condition = ['--fail-on', 'latency.tpot.* > +3%'];
    const codes: [readonly string[], number, string][] = [
      [['base.json', 'worse.json', ...condition], 1, ''],
      [['missing.json', 'worse.json', ...condition], 3, 'lacks latency.tpot.mean'],
      [['none.json', 'worse.json', ...condition], 3, 'lacks cache.hit_rate'],
      [['base.json', 'negative.json', ...condition], 2, 'which no run gives'],
      [['base.json', 'worse.json', '--budgets', 'empty.yaml'], 2, 'needs at least 1 entries'],
    ];
    for (const [args, code, message] of codes) {
      expect(await run('compare', ...args), args.join(' ')).toMatchObject({ code, stderr: expect.stringContaining(message) });
    }
  });
});

describe('a module that a run profile names', () => {
  it('is not run by any command that takes the profile, unless --allow-code says so', async () => {
    write('evil.mjs', "import fs from 'node:fs'; fs.writeFileSync('PWNED', ''); export default {};");
    const text = 'model: mini-mixtral-8x8l\nhardware: t4\nsystem: { name: x, cache: { policy: ./evil.mjs } }\n';
    write('code.yaml', text);
    write('folder/one.yaml', text.replace('./evil', '../evil'));
    write('folder/two.yaml', text.replace('./evil', '../evil'));
    const commands = [
      ['run', 'code.yaml'],
      ['compare', 'code.yaml', 'code.yaml'],
      ['compare', 'folder', 'folder'],
      ['baseline', 'save', 'main', 'folder'],
      ['sweep', 'code.yaml', '--vary', 'workload.batch=1,2'],
      ['plan', 'code.yaml', '--assert', 'latency.tpot.p50 <= 1ms'],
    ];
    for (const command of commands) {
      const { code, stderr } = await run(...command);
      expect([command.join(' '), code, stderr]).toEqual([command.join(' '), 2, expect.stringContaining('is code, which no file may run')]);
      expect(existsSync(join(cwd, 'PWNED')), command.join(' ')).toBe(false);
    }
    const allowed = await run('compare', 'folder', 'folder', '--allow-code');
    expect([allowed.code, allowed.stderr]).toEqual([2, expect.stringContaining('the default export lacks "name"')]);
    expect(existsSync(join(cwd, 'PWNED'))).toBe(true);
  });
});

/** Two run profiles of the folder `runs`. */
function twoScenarios(): void {
  profile('runs/code.yaml');
  profile('runs/chat.yaml', 14);
}

describe('folders of scenarios', () => {
  beforeEach(twoScenarios);

  it('are run together, saved as a baseline, listed, shown, and compared with', async () => {
    const saved = await run('baseline', 'save', 'main', 'runs');
    expect(saved).toMatchObject({ code: 0, stdout: '' });
    expect(saved.stderr).toBe('saved .moeprof/baselines/main/chat.json\nsaved .moeprof/baselines/main/code.json\n');
    const list = await run('baseline', 'list');
    expect(list.stdout).toMatch(/main\/chat +mini-fin.*, mine +256 +\d\d\.\d %[\s\S]*main\/code/);
    expect((await run('baseline', 'show', 'main/code')).stdout).toMatch(/^mini-finegrained/m);
    expect(await run('baseline', 'show', 'main')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('several scenarios: main/chat, main/code'),
    });
    expect(await run('baseline', 'show', 'main/cod')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('did you mean "main/code"'),
    });
    expect(await run('baseline', 'save', 'main', 'runs')).toMatchObject({ code: 2, stderr: expect.stringContaining('--force') });

    const same = await run('compare', 'baseline:main', 'runs');
    expect(same.code).toBe(0);
    expect(same.stdout).toMatch(
      /^2 comparisons\. No budget was given, so nothing could fail\.\n\n.*chat\.yaml: no difference in \d+ metrics\.\n.*code\.yaml: no difference in \d+ metrics\.\nInputs are .*: baseline:main\.\n$/,
    );
    expect(await run('compare', 'baseline:mian', 'runs')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('did you mean "main"'),
    });

    // A budget for one scenario says nothing of the other.
    profile('runs/code.yaml', 8);
    write('budgets.yaml', 'budgets:\n  - { metric: latency.tpot.mean, scenario: chat, max_regression: 0% }\n');
    expect((await run('compare', 'baseline:main', 'runs', '--budgets', 'budgets.yaml')).code).toBe(0);
    write('budgets.yaml', 'budgets:\n  - { metric: latency.tpot.mean, scenario: "c*", max_regression: 0% }\n');
    expect((await run('compare', 'baseline:main', 'runs', '--budgets', 'budgets.yaml')).code).toBe(1);
  });

  it('keep what a baseline was before, as states to look at and to compare with', async () => {
    await run('baseline', 'save', 'main', 'runs');
    profile('runs/code.yaml', 8);
    // The first changes a figure, the second none.
    for (const _ of [1, 2]) await run('baseline', 'save', 'main', 'runs', '--force');
    const { stdout } = await run('baseline', 'log', 'main/code', '--metric', 'cache.hit_rate');
    expect(stdout).toMatch(/^main\/code {2}cache\.hit_rate {2}█▁ {2}\d\d\.\d % to \d\d\.\d %\n/);
    expect(stdout).toMatch(/\nmain +\d{4}-.*Z +\d\d\.\d % +-\d+\.\d pp\nmain~1 +\d{4}-.*Z +\d\d\.\d %\n$/);
    const before = await run('compare', '--against', 'main~1', 'runs', '--fail-on', 'cache.hit_rate < -1pp');
    expect([before.code, before.stdout]).toEqual([
      1,
      expect.stringContaining('\nbaseline:main~1/code.json → runs/code.yaml\nFailed: 1 fault.\n'),
    ]);
    expect(await run('compare', '--against', 'main~2', 'runs')).toMatchObject({
      code: 3,
      stderr: 'moeprof: baseline:main~2: there is no such state; the oldest kept is main~1 (moeprof baseline log main)\n',
    });
    expect(await run('compare', '--against', 'pr', 'runs')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('save it first: moeprof baseline save pr runs\n'),
    });
  });
});

describe('folders of scenarios that differ', () => {
  beforeEach(twoScenarios);

  it('fail where a scenario has gone, and name new ones', async () => {
    await run('baseline', 'save', 'main', 'runs');
    rmSync(join(cwd, 'runs/chat.yaml'));
    profile('runs/math.yaml');
    const { stdout, code } = await run('compare', 'baseline:main', 'runs');
    expect(code).toBe(1);
    expect(stdout).toContain('NEW  math is new in runs: it has no base yet');
    expect(stdout).toContain('FAIL scenario chat is missing: the base has this scenario, the candidate does');
  });

  it('must hold runs, and runs of one kind', async () => {
    mkdirSync(join(cwd, 'empty'));
    expect(await run('compare', 'runs', 'empty')).toMatchObject({
      code: 2,
      stderr: 'moeprof: empty: holds no results (*.json) and no run profiles (*.yaml)\n',
    });
    write('runs/result.json', '{}');
    expect(await run('compare', 'runs', 'runs')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('keep them in folders of their own'),
    });
  });

  it('say what is wrong with one of them as a single run would', async () => {
    // Found only when the run starts, in a thread of its own.
    write('runs/math.yaml', 'model: mini-finegrained-64x12l\nsystem: { name: mine, cache: { policy: "s3-fifo:smal=1" } }\n');
    const { stdout, stderr, code } = await run('compare', 'runs/code.yaml', 'runs');
    expect([stdout, code]).toEqual(['', 2]);
    expect(stderr).toMatch(/^moeprof: .*unknown parameter "smal"; did you mean "small"\?\n$/);
  });
});

describe('folders of scenarios in Git', () => {
  beforeEach(twoScenarios);

  it('are read as they were at a commit', async () => {
    const git = (...args: string[]): void =>
      void execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd });
    await run('run', 'runs/code.yaml', '-q', '-o', 'results-code.json');
    write('deep/results/code.json', read('results-code.json'));
    git('init', '-q');
    git('add', 'deep', 'results-code.json', 'runs');
    git('commit', '-qm', 'results');
    profile('runs/code.yaml', 8);
    await run('run', 'runs/code.yaml', '-q', '-o', 'deep/results/code.json');
    const folder = await run('compare', 'git:HEAD:deep/results', 'deep/results', '--fail-on', 'latency.tpot.mean > +0%');
    expect(folder.code).toBe(1);
    expect(folder.stdout).toMatch(/^git:HEAD:deep\/results\/code\.json → deep\/results\/code\.json\n/);
    // From a folder below the root, relative to it.
    const below = await inTurn(['compare', 'git:HEAD:results/code.json', 'results/code.json', '--all'], { cwd: join(cwd, 'deep') });
    expect(below).toMatchObject({ code: 0, stderr: '' });
    expect(below.stdout).toContain('latency.tpot.mean');
    expect(await run('compare', 'git:HEAD:results-code.json', 'git:HEAD:deep/results/code.json')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('No difference'),
    });
    expect(await run('compare', 'git:nope:deep', 'deep/results')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('git knows no commit "nope"'),
    });
    expect(await run('compare', 'git:HEAD:nope', 'deep/results')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('commit "HEAD" has no nope'),
    });
    expect(await run('compare', 'git:HEAD:runs/code.yaml', 'runs/code.yaml')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('a run profile must be a file here'),
    });
    expect(await run('compare', 'git:--output=x:y', 'deep/results')).toMatchObject({ code: 2 });
    expect(await inTurn(['compare', 'git:HEAD:a', 'b.json'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is in no git repository'),
    });
  });
});

describe('--update-baseline', () => {
  it('prints what it accepts, then writes it, and the gate passes from then on', async () => {
    profile('worse.yaml', 8);
    profile('base.yaml');
    await run('run', 'base.yaml', '-q', '-o', 'base.json');
    const args = ['compare', 'base.json', 'worse.yaml', '--fail-on', 'latency.tpot.mean > +0.5%'];
    expect((await run(...args)).code).toBe(1);
    const before = read('base.json');
    const { stdout, stderr, code } = await run(...args, '--update-baseline');
    expect(code).toBe(0);
    expect(stdout).toContain('FAIL latency.tpot.mean');
    expect(stderr).toMatch(/^accepting \d+ changed metrics, 1 fault\nwrote base\.json\n$/);
    expect(read('base.json')).not.toBe(before);
    expect((await run(...args)).stdout).toMatch(/No difference/);
  });

  it('writes folders scenario by scenario, and refuses to keep what the candidate lacks', async () => {
    profile('runs/a.yaml');
    profile('runs/b.yaml');
    await run('baseline', 'save', 'main', 'runs');
    profile('runs/a.yaml', 8);
    profile('runs/sub/c.yaml');
    const accepted = await run('compare', 'baseline:main', 'runs', '--update-baseline');
    expect(accepted.stderr).toMatch(/^accepting .*, 1 new scenario\nwrote .*a\.json\nwrote .*b\.json\nwrote .*sub\/c\.json\n$/);
    expect((await run('compare', 'baseline:main', 'runs')).stdout).toMatch(/^3 comparisons\. No budget/);
    rmSync(join(cwd, 'runs/b.yaml'));
    const refused = await run('compare', 'baseline:main', 'runs', '--update-baseline');
    expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('the candidate lacks b') });
  });

  it('refuses bases that cannot be written', async () => {
    profile('a.yaml');
    await run('run', 'a.yaml', '-q', '-o', 'a.json');
    expect(await run('compare', 'a.yaml', 'a.json', '--update-baseline')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is run, not saved'),
    });
    expect(await inTurn(['compare', '-', 'a.json', '--update-baseline'], { cwd, stdin: read('a.json') })).toMatchObject({ code: 2 });
    expect(await run('compare', 'a.json', 'a.json', 'a.json', '--update-baseline')).toMatchObject({ code: 2 });
  });
});

describe('baselines that cannot be trusted', () => {
  it('are exit 3 where there is none, 2 where figures have changed places or are cut short, never 0', async () => {
    profile('a.yaml');
    await run('run', 'a.yaml', '-q', '-o', 'good.json');
    const good = JSON.parse(read('good.json')) as Result & { metrics: Record<string, unknown> };
    expect(good.digest).toMatch(/^[0-9a-f]{64}$/);
    const names = Object.keys(good.metrics);
    expect((await run('compare', 'nope.json', 'good.json')).code).toBe(3);
    expect((await run('compare', 'good.json', 'nope.json')).code).toBe(2);
    // The same metrics, each with the value of the next one of its unit.
    const shuffled = structuredClone(good) as { metrics: Record<string, { unit: string; value: number }> };
    const sameUnit = names.filter((name) => shuffled.metrics[name]!.unit === 'count');
    const values = sameUnit.map((name) => shuffled.metrics[name]!.value);
    for (const [index, name] of sameUnit.entries()) shuffled.metrics[name]!.value = values[(index + 1) % values.length]!;
    write('shuffled.json', JSON.stringify(shuffled));
    expect(await run('compare', 'shuffled.json', 'good.json')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('digest'),
    });
    for (const share of [0.1, 0.5, 0.99]) {
      write('cut.json', read('good.json').slice(0, Math.floor(read('good.json').length * share)));
      expect(await run('compare', 'cut.json', 'good.json')).toMatchObject({ code: 2, stdout: '' });
    }
  });
});

describe('--repeat', () => {
  it('measures the wall-clock time, keeps the samples, and is judged by them', async () => {
    profile('a.yaml');
    for (const name of ['a.json', 'b.json']) expect((await run('run', 'a.yaml', '-q', '--repeat', '5', '-o', name)).code).toBe(0);
    const saved = JSON.parse(read('a.json')) as Result;
    expect(saved.metrics['wall.run']).toMatchObject({ kind: 'sampled', samples: expect.arrayContaining([expect.any(Number)]) });
    expect(saved.metrics['wall.run']!.samples).toHaveLength(5);
    const { comparisons } = JSON.parse((await run('compare', 'a.json', 'b.json', '--json')).stdout) as Gate;
    expect(comparisons[0]!.rows.map(({ metric }) => metric)).toEqual(['wall.run']);
    expect(comparisons[0]!.rows[0]!.test).toMatchObject({ counts: [5, 5] });
    // Without samples nothing can be told, and a budget that wants to know fails.
    await run('run', 'a.yaml', '-q', '--repeat', '1', '-o', 'one.json');
    expect(await run('compare', 'one.json', 'a.json', '--fail-on', 'wall.run > +50%')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('too few'),
    });
    expect(await run('run', 'a.yaml', '--repeat', 'many')).toMatchObject({ code: 2, stderr: expect.stringContaining('--repeat') });
  });

  it('takes files named code@1.json and code@2.json for repeats', async () => {
    profile('a.yaml');
    for (const index of [1, 2]) {
      mkdirSync(join(cwd, 'results'), { recursive: true });
      await run('run', 'a.yaml', '-q', '--repeat', '3', '-o', `results/code@${index}.json`);
    }
    const { comparisons } = JSON.parse((await run('compare', 'results', 'results', '--json')).stdout) as Gate;
    expect(comparisons).toMatchObject([{ scenario: 'code', passed: true }]);
    profile('a.yaml', 8);
    await run('run', 'a.yaml', '-q', '--repeat', '3', '-o', 'results/code@2.json');
    expect(await run('compare', 'results', 'results')).toMatchObject({ code: 3, stderr: expect.stringContaining('is no repeat of') });
  });
});

describe('every output', () => {
  it('of a comparison is written beside the table', async () => {
    profile('a.yaml');
    profile('b.yaml', 8);
    const files = ['gate.json', 'gate.md', 'gate.csv', 'gate.xml', 'gate.sarif', 'gate.txt', 'github=annotations', 'step-summary=summary'];
    const { code } = await run(
      'compare',
      'a.yaml',
      'b.yaml',
      '--fail-on',
      'latency.tpot.mean > +0.5%',
      ...files.flatMap((file) => ['-o', file]),
      '-q',
    );
    expect(code).toBe(1);
    expect(read('annotations')).toMatch(/^::error file=b\.yaml,line=1,col=1,title=/);
    expect(read('gate.xml')).toMatch(/<failure type="budget"/);
    expect(JSON.parse(read('gate.sarif'))).toMatchObject({ version: '2.1.0', runs: [{ results: [{ ruleId: 'latency.tpot.mean' }] }] });
    expect(read('gate.csv').split('\n')[0]).toMatch(/^base,candidate,scenario,metric/);
    expect(read('summary')).toMatch(/^### ❌/);
    for (const file of ['gate.md', 'gate.json', 'gate.txt']) expect(existsSync(join(cwd, file))).toBe(true);
  });

  it('of a run is written beside the table', async () => {
    profile('a.yaml');
    const files = ['m.prom', 'm.bmf', 'benchmark-smaller=s.json', 'benchmark-bigger=b.json'];
    expect((await run('run', 'a.yaml', '-q', ...files.flatMap((file) => ['-o', file]))).code).toBe(0);
    expect(read('m.prom')).toMatch(/\nmoeprof_latency_tpot_mean_seconds\{.*\} 0\.00\d+\n[\s\S]*# EOF\n$/);
    expect(Object.keys(JSON.parse(read('m.bmf')) as object)[0]).toMatch(/^mini-finegrained/);
    expect(JSON.parse(read('s.json'))).toContainEqual(expect.objectContaining({ name: 'latency.tpot.mean' }));
    expect(JSON.parse(read('b.json'))).toContainEqual(expect.objectContaining({ name: 'cache.hit_rate' }));
  });
});
