// The gate and the report as CI uses them: exit codes 0, 1, 2 and 3, files that are whole or absent, plain text in pipes.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Gate } from '../../src/compare/gate.js';
import type { Result } from '../../src/result/result.js';
import { type SampleChanges, sampleResult } from '../result/sample.js';
import { BIN, type Finished, inTurn, shell, temporaryFolder } from './moeprof.js';

let cwd = '';
const save = (name: string, changes: SampleChanges = {}): void => writeFileSync(join(cwd, name), JSON.stringify(sampleResult(changes)));
const run = (...args: string[]): Promise<Finished> => inTurn(args, { cwd });

beforeEach(() => {
  cwd = temporaryFolder();
  save('main.json');
  save('same.json');
  save('slow.json', { metrics: { 'latency.tpot.p50': 32.1e6 } });
});

describe('compare', () => {
  it('exits 0 and reports no difference for an identical rerun', async () => {
    const { stdout, stderr, code } = await run('compare', 'main.json', 'same.json', '--fail-on', 'latency.tpot.p50 > +0%');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/\nPassed\.\n\nNo difference: \d+ metrics are equal\.\nInputs are as saved, not computed here: .*\.\n$/);
  });

  it('exits 0 where a change breaks no budget, 1 where it does', async () => {
    expect(await run('compare', 'main.json', 'slow.json')).toMatchObject({ code: 0 });
    expect(await run('compare', 'main.json', 'slow.json', '--fail-on', 'latency.tpot.p50 > +5%')).toMatchObject({ code: 0 });
    const failed = await run('compare', 'main.json', 'slow.json', '--fail-on', 'latency.tpot.p50 > +3%');
    expect([failed.code, failed.stderr]).toEqual([1, '']);
    expect(failed.stdout).toContain('FAIL latency.tpot.p50 30.8 ms -> 32.1 ms (+4.2 %) is > +3% (--fail-on)');
  });

  it('takes budgets from a file and says where a broken one stands', async () => {
    writeFileSync(
      join(cwd, 'budgets.yaml'),
      'budgets:\n  - { metric: cache.hit_rate, max_regression: 0.5pp }\n  - { metric: latency.*, max_regression: 3% }\n',
    );
    const { stdout, code } = await run('compare', 'main.json', 'slow.json', '--budgets', 'budgets.yaml');
    expect(code).toBe(1);
    expect(stdout.replace(/\s+/g, ' ')).toContain('is worse by more than 3% (budgets.yaml:3:5)');
  });

  it('judges several candidates', async () => {
    const { stdout, code } = await run('compare', 'main.json', 'same.json', 'slow.json', '--fail-on', 'latency.tpot.p50 > +3%');
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^2 comparisons: 1 passed, 1 failed\.\n\nmain\.json → same\.json: no difference in \d+ metrics\.\n\nmain\.json → slow\.json\nFailed: 1 fault\.\n[\s\S]*\nInputs are .*\n$/,
    );
  });

  it('takes the folder that it runs in for a folder of results', async () => {
    const { stderr, stdout, code } = await run('compare', '.', '.');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^3 comparisons\. No budget was given, so nothing could fail\.\n\nmain\.json → main\.json: no difference/);
  });
});

describe('exit codes of compare', () => {
  it('exits 1 where a metric has vanished that a budget names', async () => {
    save('less.json', { metrics: { 'latency.ttft.p99': null } });
    const { stdout, code } = await run('compare', 'main.json', 'less.json', '--fail-on', 'latency.ttft.* > +3%');
    expect(code).toBe(1);
    expect(stdout).toContain('FAIL latency.ttft.p99 is missing in the candidate');
  });

  it('exits 3 where the inputs or the format version differ', async () => {
    save('other.json', { fingerprint: 'feed', inputs: { hardware: 'a10' } });
    const refused = await run('compare', 'main.json', 'other.json');
    expect([refused.code, refused.stdout]).toEqual([3, '']);
    expect(refused.stderr).toMatch(/^moeprof: other\.json: not comparable with main\.json: hardware rtx-4090 -> a10; .*\n$/);
    expect(await run('compare', 'main.json', 'other.json', '--allow-different-inputs')).toMatchObject({ code: 0 });
    writeFileSync(join(cwd, 'next.json'), JSON.stringify({ ...sampleResult(), schema: 'moeprof.result/2' }));
    expect(await run('compare', 'next.json', 'main.json')).toMatchObject({ code: 3, stdout: '' });
  });

  it.each<[string, (result: Result) => string]>([
    ['cut short', (result) => JSON.stringify(result).slice(0, 2000)],
    ['foreign', () => '{"hello":"world"}'],
    ['empty', () => ''],
    [
      'mixed up',
      (result) =>
        JSON.stringify(result)
          .replace('"latency.itl.p50"', '"x"')
          .replace('"latency.itl.p99"', '"latency.itl.p50"')
          .replace('"x"', '"latency.itl.p99"'),
    ],
  ])('exits 2 where the baseline is %s', async (_, damage) => {
    writeFileSync(join(cwd, 'bad.json'), damage(sampleResult()));
    const { stdout, stderr, code } = await run('compare', 'bad.json', 'main.json', '-o', 'gate.json');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^moeprof: bad\.json.*\n$/);
    expect(existsSync(join(cwd, 'gate.json'))).toBe(false);
  });

  it('exits 2 for budgets that mean nothing', async () => {
    for (const condition of ['latency.tpot.p50', 'latency.tpot.p50 > 3%', 'latency.tpott.p50 > +3%']) {
      expect(await run('compare', 'main.json', 'slow.json', '--fail-on', condition)).toMatchObject({ code: 2, stdout: '' });
    }
  });
});

describe('compare of profiles, and its files', () => {
  it('runs profiles first, and judges them by the budgets that they bring', async () => {
    const profile = (name: string, cache: string, budgets = ''): void =>
      writeFileSync(
        join(cwd, name),
        `model: olmoe-1b-7b\nmemory: { expertCache: ${cache} }\nworkload: { tokens: 48, prompt: 16, output: 16 }\n${budgets}`,
      );
    profile('large.yaml', '50%', 'budgets:\n  - { metric: cache.hit_rate, max_regression: 0.5pp }\n');
    profile('small.yaml', '10%');
    profile('any.yaml', '10%', 'budgets:\n  - varies: [memory.expertCache]\n');
    const { stdout, stderr, code } = await run('compare', 'large.yaml', 'small.yaml', '--json');
    expect([code, stderr]).toEqual([1, '']);
    const [comparison] = (JSON.parse(stdout) as Gate).comparisons;
    expect(comparison!.config).toContainEqual({ path: 'memory.expertCache', base: '50%', candidate: '10%' });
    expect(comparison!.findings).toMatchObject([{ metric: 'cache.hit_rate', budget: { place: 'large.yaml:5:5' } }]);
    // More than the base has is another matter, which only the base and given files may let vary.
    const more = JSON.parse((await run('compare', 'any.yaml', 'large.yaml', '--json')).stdout) as Gate;
    expect(more.comparisons[0]!.findings).toMatchObject([
      { metric: 'memory.expertCache', level: 'warn', budget: { place: 'any.yaml:5:5' } },
      { metric: 'memory.gpu.allocated', level: 'warn', budget: null },
    ]);
    const turned = await run('compare', 'small.yaml', 'large.yaml');
    expect([turned.code, turned.stderr]).toEqual([3, expect.stringContaining('(or let budgets say varies: [memory.expertCache])')]);
    // A saved result of the same profile is the same run.
    await run('run', 'large.yaml', '-o', 'large.json', '-q');
    expect((await run('compare', 'large.json', 'large.yaml')).stdout).toMatch(/No difference/);
  });

  it('writes all formats beside the table', async () => {
    const { code } = await run(
      'compare',
      'main.json',
      'slow.json',
      '--fail-on',
      'latency.tpot.p50 > +3%',
      '-o',
      'gate.json',
      '-o',
      'gate.md',
      '-q',
    );
    expect(code).toBe(1);
    expect(JSON.parse(readFileSync(join(cwd, 'gate.json'), 'utf8'))).toMatchObject({ schema: 'moeprof.compare/1', passed: false });
    expect(readFileSync(join(cwd, 'gate.md'), 'utf8')).toMatch(/^<!-- moeprof compare -->\n### ❌/);
  });
});

describe('report', () => {
  it('renders a saved result in every format, from a file or from stdin', async () => {
    const { stdout } = await run('report', 'main.json');
    expect(stdout).toMatch(/^qwen3-30b-a3b q4_k_m on rtx-4090, on-demand-lru/m);
    const json = await run('report', 'main.json', '--json');
    expect(JSON.parse(json.stdout)).toEqual(sampleResult());
    expect((await inTurn(['report', '-', '--json'], { stdin: json.stdout })).stdout).toBe(json.stdout);
    expect((await run('report', 'main.json', '--format', 'markdown')).stdout).toMatch(/^## 32\.0 tok\/s decode/);
    expect((await run('report', 'main.json', '-o', 'csv=-')).stdout).toMatch(/^model,quantization/);
  });

  it('fails before any work where an output cannot be written, and leaves nothing behind', async () => {
    const before = readdirSync(cwd);
    const { stdout, stderr, code } = await run('report', 'does-not-exist.json', '-o', 'ok.json', '-o', 'no/such/folder.md');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toBe('moeprof: no/such/folder.md: cannot be written: its folder does not exist; create it first\n');
    expect(await run('report', 'does-not-exist.json', '-o', 'ok.json')).toMatchObject({ code: 2 });
    expect(readdirSync(cwd)).toEqual(before);
  });

  it('is plain in a pipe, coloured when asked, and heeds NO_COLOR', async () => {
    const colored = (args: string[], env: Record<string, string> = {}): Promise<boolean> =>
      inTurn(['report', 'main.json', ...args], { cwd, env }).then(({ stdout, stderr }) => {
        expect(stderr).toBe('');
        return stdout.includes('\u001b[');
      });
    expect(await colored([])).toBe(false);
    expect(await colored(['--color'])).toBe(true);
    expect(await colored([], { FORCE_COLOR: '1' })).toBe(true);
    expect(await colored([], { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(false);
    expect(await colored(['--no-color'], { FORCE_COLOR: '1' })).toBe(false);
  });

  // script(1) of util-linux gives the command a terminal; its namesakes elsewhere take other flags.
  it.skipIf(process.platform !== 'linux')('is coloured on a terminal unless NO_COLOR is set, and ASCII where the locale is', async () => {
    const onTerminal = (env: Record<string, string>): Promise<string> =>
      shell('script -qec "$MOEPROF report main.json" /dev/null', { cwd, env: { TERM: 'xterm-256color', ...env } }).then(
        ({ stdout }) => stdout,
      );
    expect(await onTerminal({})).toContain('\u001b[1m');
    expect(await onTerminal({ NO_COLOR: '1' })).not.toContain('\u001b[1m');
    expect((await inTurn(['report', 'main.json'], { cwd, env: { LANG: 'C' } })).stdout).toMatch(/^[\x20-\x7e\n]*$/);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends at %s while it waits for a result on stdin, and leaves nothing behind', async (signal) => {
    const before = readdirSync(cwd);
    const child = spawn(process.execPath, [BIN, 'report', '-', '-o', 'out.json'], { cwd });
    const ended = new Promise((resolve) => child.on('close', (code, by) => resolve(code ?? by)));
    await new Promise((resolve) => setTimeout(resolve, 1000));
    child.kill(signal);
    expect(await ended).toBe(signal);
    expect(readdirSync(cwd)).toEqual(before);
  });

  it.skipIf(!existsSync('/dev/full'))('says so where stdout cannot be written', async () => {
    const { stderr, code } = await shell('$MOEPROF report main.json > /dev/full', { cwd });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^moeprof: stdout: cannot be written: .*ENOSPC.*\n$/);
  });
});
