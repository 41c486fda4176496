// Law L21 from outside: whatever command a user asks, the run has the same speeds and throughputs.
import { expect, it } from 'vitest';
import type { Result } from '../../src/result/result.js';
import { moeprof } from './moeprof.js';

const SPEEDS = ['speed.decode', 'speed.prefill', 'throughput.generated', 'throughput.total'];
const RUN = ['-t', 'mini-mixtral-8x8l', '-w', 't4', '--tokens', '300'];

/** What a command prints as JSON. */
async function json<T>(...args: string[]): Promise<T> {
  const { code, stderr, stdout } = await moeprof([...args, '--json', '-q']);
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as T;
}

const speedsOf = ({ metrics }: Result): number[] => SPEEDS.map((name) => metrics[name]!.value);

it('L21 run, run of several systems, sweep and plan give a run the same four figures', async () => {
  const one = await json<Result>('run', ...RUN, '-s', 'on-demand-lru', '--cache', '50%');
  const several = await json<Result[]>('run', ...RUN, '-s', 'no-cache,on-demand-lru', '--cache', '50%');
  const sweep = await json<{ points: { result: Result }[] }>('sweep', ...RUN, '-s', 'on-demand-lru', '--vary', 'memory.expertCache=50%');
  const plan = await json<{ placings: { probes: { percent: number; result: Result }[] }[] }>(
    ...['plan', ...RUN, '-s', 'on-demand-lru', '--assert', 'speed.decode >= 1'],
  );
  const probe = plan.placings[0]!.probes.find(({ percent }) => percent === 50)!;
  const figures = speedsOf(one);
  expect(figures.every((figure) => figure > 0)).toBe(true);
  // The fastest decode first.
  expect(several.map(({ inputs }) => inputs.system)).toEqual(['on-demand-lru', 'no-cache']);
  for (const result of [several[0]!, sweep.points[0]!.result, probe.result]) expect(speedsOf(result)).toEqual(figures);
  const [decode, prefill] = figures;
  const { stdout } = await moeprof(['run', ...RUN, '-s', 'on-demand-lru', '--cache', '50%']);
  // Each with the range of comparable measurements, in three digits.
  const said = /^([\d,.]+) tok\/s decode\s+\([^)]*\),\s+([\d,.]+) tok\/s\s+prefill\s+\(/m.exec(stdout)!;
  const digits = (value: number): number => Number(value.toPrecision(3));
  expect(said.slice(1).map((text) => Number(text.replace(',', '')))).toEqual([digits(decode!), digits(prefill!)]);
});
