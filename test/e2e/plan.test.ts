// `moeprof plan` from outside: its answer against runs at the capacity it names and one percent below, threads, exit codes, mistakes.
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../src/advise/plan/plan.js';
import type { Result } from '../../src/result/result.js';
import { inTurn } from './moeprof.js';

const MINI = ['-t', 'mini-mixtral-8x8l', '-w', 't4'];

describe('moeprof plan', () => {
  it('names the smallest cache: a run at it keeps the condition, and one at a percent less breaks it', async () => {
    const condition = 'latency.tpot.p50 <= 1ms';
    const { stdout, stderr, code } = await inTurn(['plan', ...MINI, '--assert', condition, '--json']);
    expect([stderr, code]).toEqual(['', 0]);
    const plan = JSON.parse(stdout) as Plan;
    expect(plan).toMatchObject({ schema: 'moeprof.plan/1', conditions: [condition], slo: null });
    const { fits, gpuBytes, percent, probes } = plan.placings[0]!;
    expect(fits).toBe(true);
    expect(percent).toBeGreaterThan(0);
    const runs = await Promise.all(
      [percent!, percent! - 1].map((share) => inTurn(['run', ...MINI, '--cache', `${share}%`, '--assert', condition, '--json'])),
    );
    expect(runs.map((run) => run.code)).toEqual([0, 1]);
    const { metrics } = JSON.parse(runs[0]!.stdout) as Result;
    const found = probes.find((probe) => probe.percent === percent)!.result.metrics;
    expect(found['latency.tpot.p50']).toEqual(metrics['latency.tpot.p50']);
    expect(metrics['memory.gpu.allocated']!.value).toBeLessThanOrEqual(gpuBytes);
  });

  it('holds what one of several GPUs needs against what one has', async () => {
    // Experts are shared out: each of two GPUs holds half of them.
    const args = ['-t', 'mini-mixtral-8x8l', '-w', '2xrtx-4090+ryzen-9-7950x+2xddr5-6000+64GB', '--runtime', 'hf-eager'];
    const { stdout } = await inTurn(['plan', ...args, '-s', 'on-demand-lru', '--assert', 'latency.tpot.p50 <= 1s', '--json']);
    const { gpuBytes } = (JSON.parse(stdout) as Plan).placings[0]!;
    // 24 GiB, of which the machine keeps 512 MiB.
    expect(gpuBytes).toBe(23.5 * 2 ** 30);
  });

  it('gives the same answer with one thread and with two, in 80 columns', async () => {
    const args = [
      'plan',
      '-t',
      'mini-mixtral-8x8l',
      '-w',
      't4,rtx-4090,apple-m3-max',
      '-s',
      'on-demand-lru,fiddler,all-resident',
      '--tokens',
      '600',
      '--slo',
      'tpot=1ms',
    ];
    const [one, two] = await Promise.all([inTurn([...args, '-j', '1']), inTurn([...args, '-j', '2'])]);
    expect([one.stderr, one.code]).toEqual(['', 0]);
    expect(two.stdout).toBe(one.stdout);
    expect(one.stdout.replace(/\s+/g, ' ')).toContain('goodput.attained >= 99% (--slo tpot=1ms)');
    // What cannot run is told beside what can.
    expect(one.stdout.replace(/\s+/g, ' ')).toMatch(
      /! all-resident on t4: cannot run: --system: all-resident fixes its expert cache .*! on-demand-lru on apple-m3-max: cannot run: apple-m3-max: has one tier/,
    );
    for (const line of one.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});

describe('moeprof plan without an answer', () => {
  it('fails the gate where nothing fits, and says what does not hold', async () => {
    const { code, stdout } = await inTurn(['plan', ...MINI, '--tokens', '300', '--assert', 'speed.decode >= 1000000']);
    expect(code).toBe(1);
    expect(stdout.replace(/\s+/g, ' ')).toContain('not even with every expert resident does speed.decode >= 1000000 hold');
  });

  it.each([
    [[], 'nothing says what must hold'],
    [['--cache', '25%', '--slo', 'tpot=1ms'], '--cache: its size is what a plan finds'],
    [['-s', 'no-cache', '--slo', 'tpot=1ms'], 'fixes its expert cache at 0%'],
    [['-j', '0', '--slo', 'tpot=1ms'], '--jobs: 0 at a time'],
    [['-t', '-', '--slo', 'tpot=1ms'], 'can be read only once'],
    [['--assert', 'throughput.decode >= 30'], 'write speed.decode'],
    [['--assert', 'latency.typo <= 1ms'], 'there is no metric "latency.typo"'],
    [['--tokens', '64', '--assert', 'transfer.ssd.bytes <= 1GiB'], 'this run has no transfer.ssd.bytes'],
  ])('refuses %j in one line', async (args, message) => {
    const { code, stderr, stdout } = await inTurn(['plan', ...MINI, ...args]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
