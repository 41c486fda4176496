// `moeprof sweep` from outside: threads, rates that are found, files, mistakes.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Sweep } from '../../src/study/sweep/sweep.js';
import { inTurn, temporaryFolder } from './moeprof.js';

const MINI = ['sweep', '-t', 'mini-mixtral-8x8l', '-w', 't4', '--cache', '50%', '--batch', '4', '--requests', '12', '--no-bounds'];

/** A sweep without what may differ from machine to machine. */
function exact(text: string): string {
  const sweep = JSON.parse(text) as Sweep;
  return JSON.stringify({ ...sweep, points: sweep.points.map(({ result, values }) => ({ values, ...result, environment: undefined })) });
}

describe('moeprof sweep', () => {
  it('says of two runs that are refused what is wrong with the first one, however many threads there are', async () => {
    const cwd = temporaryFolder();
    const rows = Array.from({ length: 40_000 }, (_, row) => `{"request":0,"position":${row},"experts":[[0,1],[2,3],[4,5],[6,7]]}\n`);
    writeFileSync(join(cwd, 'late.jsonl'), `${rows.join('')}late\n`);
    writeFileSync(join(cwd, 'early.jsonl'), 'early\n');
    const args = ['sweep', '-m', 'mini-mixtral-8x8l', '--vary', 'trace=late.jsonl,early.jsonl'];
    const both = await Promise.all(['1', '2'].map((threads) => inTurn([...args, '-j', threads], { cwd })));
    for (const { code, stderr, stdout } of both) {
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(/^moeprof: .*late\.jsonl:40001:.*\n$/);
    }
  });

  it('ends where a policy ends its thread', async () => {
    const cwd = temporaryFolder();
    const policy = (how: string): string => `export default { name: 'ends', summary: 'ends', needs: [], create: () => process.${how}(7) };`;
    writeFileSync(join(cwd, 'exit.mjs'), policy('exit'));
    writeFileSync(join(cwd, 'really.mjs'), policy('reallyExit'));
    const sweep = (file: string) => inTurn([...MINI, '--vary', `system.cache.policy=${file},lru`, '-j', '2'], { cwd });
    // process.exit is an error of the policy, in its row; what cannot be caught ends the sweep.
    const [caught, ended] = [await sweep('./exit.mjs'), await sweep('./really.mjs')];
    expect([caught.code, ended.code]).toEqual([0, 70]);
    expect(caught.stdout).toMatch(/cannot run: exit\.mjs:1:\d+: create threw Error: process\.exit\(7\)\s+would end all runs/);
    expect(ended.stderr).toMatch(/^moeprof: internal error: a thread ended before its work was done .*\n$/);
  });

  it('gives the same bytes with one thread and with two', async () => {
    const args = [...MINI, '--rates', '5,20,80', '--vary', 'system.scheduler=fcfs,cache-affinity', '--json'];
    const [one, two] = await Promise.all([inTurn([...args, '-j', '1']), inTurn([...args, '-j', '2'])]);
    expect([one.stderr, one.code, two.code]).toEqual(['', 0, 0]);
    expect(exact(two.stdout)).toBe(exact(one.stdout));
    const { points, saturation, schema } = JSON.parse(one.stdout) as Sweep;
    expect(schema).toBe('moeprof.sweep/1');
    expect(points.map(({ values }) => values.join())).toEqual([
      'fcfs,5',
      'fcfs,20',
      'fcfs,80',
      'cache-affinity,5',
      'cache-affinity,20',
      'cache-affinity,80',
    ]);
    expect(saturation.length).toBe(2);
    for (const { result } of points) expect(result.metrics['workload.requests']!.value).toBe(12);
  });
});

describe('what moeprof sweep varies', () => {
  it('finds rates around saturation, and says where it is', async () => {
    const { stdout, stderr, code } = await inTurn([...MINI, '--rates', 'auto', '--slo', 'ttft=100ms']);
    expect([stderr, code]).toEqual(['', 0]);
    expect(stdout).toMatch(/^rate +decode +generated +goodput +TTFT p50 +TTFT p99 +queueing +hits +KV peak$/m);
    const text = stdout.replace(/\n/g, ' ');
    const [, most, from] = /Serves ([\d.]+) requests\/s \([^)]*\) at most; saturated from ([\d.]+) requests\/s on/.exec(text)!.map(Number);
    const rates = [...stdout.matchAll(/^ *([\d.]+) {2}/gm)].map((match) => Number(match[1]));
    expect(rates.length).toBe(8);
    expect(rates[0]!).toBeLessThan(most!);
    expect(rates).toContain(from);
    for (const line of stdout.split('\n')) expect([...line].length, line).toBeLessThanOrEqual(80);
  });

  it('draws where drafting pays, over a range of depths', async () => {
    const args = ['sweep', '-t', 'mini-mixtral-8x8l', '-w', 't4', '--cache', '50%', '--requests', '1', '--no-bounds'];
    const drafts = ['--set', 'workload.speculation.acceptance=0.8', '--vary', 'workload.speculation.draft=0..3'];
    const { stdout, stderr, code } = await inTurn([...args, ...drafts]);
    expect([stderr, code]).toEqual(['', 0]);
    expect(stdout).toMatch(/^draft .* tok\/pass /m);
    expect([...stdout.matchAll(/^draft (\d) .* ([\d.]+)x$/gm)].map(([, depth]) => depth)).toEqual(['0', '1', '2', '3']);
    expect(stdout).toMatch(/^Drafting /m);
  });

  it('varies any value, and systems and machines by their own flags', async () => {
    const args = ['sweep', '-m', 'olmoe-1b-7b', '--tokens', '64', '-s', 'no-cache,on-demand-lru', '--vary', 'workload.batch=1,2'];
    const { stdout, stderr, code } = await inTurn([...args, '--metrics', 'cache.hit_rate']);
    expect([stderr, code]).toEqual(['', 0]);
    expect(stdout).toMatch(/^system +batch +cache\.hit_rate$/m);
    expect(stdout).toMatch(/^no-cache +2 +0\.0 %$/m);
    expect(stdout).not.toContain('Serves');
  });

  it('leaves --cache out for a system that fixes its own, as run does', async () => {
    const args = ['sweep', '-m', 'olmoe-1b-7b', '--tokens', '64', '-s', 'all-resident,on-demand-lru', '--cache', '25%'];
    const { stdout, stderr, code } = await inTurn([...args, '--metrics', 'cache.hit_rate,memory.gpu.expert_cache', '--json']);
    expect([stderr, code]).toEqual(['', 0]);
    const { points } = JSON.parse(stdout) as Sweep;
    const [whole, quarter] = points.map(({ result }) => result.metrics['memory.gpu.expert_cache']!.value);
    expect(quarter! / whole!).toBeCloseTo(0.25, 6);
    // A single one is refused: there the size can only be a mistake.
    const alone = await inTurn(['sweep', '-m', 'olmoe-1b-7b', '-s', 'all-resident', '--cache', '25%', '--vary', 'workload.batch=1,2']);
    expect([alone.code, alone.stderr]).toEqual([2, expect.stringContaining('system all-resident fixes its expert cache at 100%')]);
  });
});

describe('what moeprof sweep writes and refuses', () => {
  it('writes all formats in one run', async () => {
    const cwd = temporaryFolder();
    const files = ['s.txt', 's.json', 's.csv', 's.md'];
    const { code } = await inTurn([...MINI, '--rates', '5,80', '-q', ...files.flatMap((file) => ['-o', file])], { cwd });
    expect(code).toBe(0);
    const [text, json, csv, markdown] = files.map((file) => readFileSync(join(cwd, file), 'utf8')) as [string, string, string, string];
    expect((JSON.parse(json) as Sweep).points.length).toBe(2);
    expect(csv.trimEnd().split('\n').length).toBe(3);
    for (const shown of [text, markdown]) expect(shown.replace(/\s+/g, ' ')).toContain('Serves');
  });

  it('tells of a combination that cannot run, beside those that can', async () => {
    const { code, stderr, stdout } = await inTurn([
      ...MINI.filter((arg) => arg !== '50%' && arg !== '--cache'),
      '--vary',
      'system.predictor=supplied,none',
    ]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.replace(/\s+/g, ' ')).toContain('! supplied: cannot run: ');
  });

  it.each<[string[], RegExp]>([
    [['sweep'], /nothing varies; write e\.g\. --rates 0\.5,1,2/],
    [['sweep', '--rates', '1,zwei'], /--rates 1,zwei: 'zwei' is no rate/],
    [['sweep', '--rates', '1,1'], /1 stands twice/],
    [['sweep', '--rates', '1', '--vary', 'workload.rate=2'], /the rate is varied twice/],
    [['sweep', '--rates', '1', '--rate', '2'], /--rate: the rates are varied/],
    [['sweep', '--vary', 'memory.expertCache'], /--vary memory\.expertCache: has no path/],
    [['sweep', '--vary', 'workload.batch=1,,2'], /has a value that is empty/],
    [['sweep', '--vary', 'workload.batch=8..1'], /--vary workload\.batch=8\.\.1: 8\.\.1 ends before it begins/],
    [['sweep', '--vary', 'workload.tokens=1..5000'], /1\.\.5000 has more than 1000 values/],
    [['sweep', '--vary', 'workload.speculation.draft=1..2'], /workload\.speculation: needs to know how many drafted tokens are right/],
    [['sweep', '--vary', 'memory.expertCach=1GiB'], /--vary memory\.expertCach: .*did you mean "expertCache"/],
    [['sweep', '--rates', '1', '--metrics', 'cache.hitrate'], /--metrics: .*did you mean "cache\.hit_rate"/],
    [['sweep', '-t', '-', '--rates', '1'], /a trace on stdin can be read only once/],
    [['sweep', '--rates', '1', '-j', '0'], /--jobs: 0 at a time/],
  ])('refuses %j in one line', async (args, message) => {
    const { stdout, stderr, code } = await inTurn(args);
    expect([stdout, code]).toEqual(['', 2]);
    expect(stderr.trimEnd()).not.toContain('\n');
    expect(stderr).toMatch(message);
  });
});
