// `moeprof curve` as users run it: threads, policies of their own, mistakes.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Curve } from '../../src/capacity/curve-result.js';
import { inTurn, temporaryFolder } from './moeprof.js';

const MINI = ['-m', 'mini-mixtral-8x8l', '-t', 'mini-mixtral-8x8l'];

describe('moeprof curve', () => {
  it('gives the same bytes with one thread and with two', async () => {
    const args = ['curve', ...MINI, '--policies', 'random,lru,s3-fifo,belady', '--capacities', '10%..100%:6', '--json'];
    const [one, two] = await Promise.all([inTurn([...args, '-j', '1']), inTurn([...args, '-j', '2'])]);
    expect([one.code, two.code]).toEqual([0, 0]);
    expect(one.stderr).toBe('');
    expect(two.stdout).toBe(one.stdout);
    const curve = JSON.parse(one.stdout) as Curve;
    expect(curve.policies.map((policy) => policy.points.length)).toEqual([6, 6, 6, 6]);
    expect(curve.policies[1]!.points.at(-1)!.hits).toBe(curve.demand.demanded - curve.demand.compulsory);
  });

  it('answers without arguments, in 80 columns', async () => {
    const { stdout, code } = await inTurn(['curve', '--policies', 'lru,belady', '--tokens', '64']);
    expect(code).toBe(0);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(stdout).toContain('one token touches');
    // The answer comes first.
    expect(stdout.split('\n')[1]).toMatch(/^At \d+ % of the experts \(/);
    expect(stdout).toContain('the problem');
  });

  it('runs the policy of docs/extend.md, in `curve` and in `run`', async () => {
    const cwd = temporaryFolder();
    const page = readFileSync(new URL('../../docs/extend.md', import.meta.url), 'utf8');
    writeFileSync(join(cwd, 'second-use.mjs'), /```js\n(.*?)```/s.exec(page)![1]!);
    const curve = await inTurn(['curve', ...MINI, '--policies', 'lru,./second-use.mjs:uses=3', '--capacities', '25%,50%', '--json'], {
      cwd,
    });
    expect(curve.stderr).toBe('');
    const [lru, own] = (JSON.parse(curve.stdout) as Curve).policies;
    expect(own).toMatchObject({ policy: './second-use.mjs:uses=3', name: 'second-use', foresight: false });
    expect(own!.points[1]!.hits).not.toBe(lru!.points[1]!.hits);
    const run = await inTurn(['run', ...MINI, '--cache', '25%', '--policy', './second-use.mjs', '--json'], { cwd });
    expect([run.code, run.stderr]).toEqual([0, '']);
  });

  it('places experts statically by what it is told, and says where that is from', async () => {
    const args = ['curve', ...MINI, '--policies', 'static', '--capacities', '50%', '--json'];
    const hindsight = JSON.parse((await inTurn([...args, '--popularity', 'replayed', '--tokens', '500'])).stdout) as Curve;
    const apart = JSON.parse((await inTurn([...args, '--popularity', '100', '--tokens', '500'])).stdout) as Curve;
    const whole = JSON.parse((await inTurn(args)).stdout) as Curve;
    expect(hindsight.config.popularity).toContain('hindsight');
    expect(apart.config.popularity).toBe('100 tokens before those that are replayed');
    expect(apart.policies[0]!.points[0]!.hits).toBeLessThanOrEqual(hindsight.policies[0]!.points[0]!.hits);
    expect(whole.config.popularity).toMatch(/^[\d,]+ tokens before those that are replayed$/);
  });

  it('writes all formats in one run', async () => {
    const cwd = temporaryFolder();
    const files = ['c.txt', 'c.json', 'c.csv', 'c.md'];
    const args = ['curve', ...MINI, '--scope', 'layer', '--quotas', 'optimal', '--policies', 'lru,belady', '--capacities', '25%,50%,75%'];
    const { code } = await inTurn([...args, ...files.flatMap((file) => ['-o', file])], { cwd });
    expect(code).toBe(0);
    const [text, json, csv, markdown] = files.map((file) => readFileSync(join(cwd, file), 'utf8')) as [string, string, string, string];
    expect((JSON.parse(json) as Curve).policies[0]!.splits![0]!.reduce((sum, slots) => sum + slots, 0)).toBe(16);
    expect(csv.trim().split('\n')).toHaveLength(7);
    expect(text).toContain('optimal quotas at');
    expect(markdown).toContain('| capacity');
  });
});

describe('moeprof curve, asked wrongly,', () => {
  it.each([
    [['--policies', 'lruu'], 'did you mean "lru"'],
    [['--policies', 'lru,lru'], "'lru' stands twice"],
    [['--policies', './absent.mjs'], 'absent.mjs: there is no such file'],
    [['--capacities', '30'], '"30" has no unit'],
    [['--quotas', 'optimal'], 'add --scope layer'],
    [['--warmup', '1000000'], 'leave none of'],
    [['-j', '0'], '--jobs'],
    [['--at', 'big'], '--at'],
  ])('refuses %j in one line', async (args, message) => {
    const { code, stdout, stderr } = await inTurn(['curve', ...MINI, ...args]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('answers what only a thread can find out, e.g. a policy that breaks while it is made, in one line', async () => {
    const cwd = temporaryFolder();
    writeFileSync(
      join(cwd, 'partial.mjs'),
      'export default { name: "partial", create: () => ({ touch() {}, insert() {}, remove() {} }) };',
    );
    const { code, stderr } = await inTurn(['curve', ...MINI, '--policies', 'lru,./partial.mjs'], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain('lacks the method "victim"');
  });
});
