// `--repeat n`: the same run several times, to measure the wall-clock time that moeprof takes, which differs from run to run. Simulated figures
// must not differ, and that is checked.
import { UserError } from '../base/errors.js';
import { joinRepeats } from '../compare/repeats.js';
import { sampledMetric } from '../result/catalogue.js';
import { sealed } from '../result/digest.js';
import type { Result } from '../result/result.js';

/** @throws UserError where it is no number of runs */
export function parseRepeat(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) < 1 || Number(text) > 1000) {
    throw new UserError(`--repeat: '${text}' is no number of runs; write 1 to 1000`);
  }
  return Number(text);
}

/**
 * Runs `count` times, after one run that only warms up the compiler and the page cache.
 * @returns the first run's result with `wall.run` added, its samples in the order of the runs
 */
export async function runRepeatedly(count: number, once: () => Promise<Result>): Promise<Result> {
  await once();
  const repeats: { label: string; result: Result }[] = [];
  for (let i = 1; i <= count; i++) {
    const startedAt = performance.now();
    const result = await once();
    const wall = sampledMetric('wall.run', [Math.round((performance.now() - startedAt) * 1e6)]);
    repeats.push({ label: `repeat ${i}`, result: sealed({ ...result, metrics: { ...result.metrics, 'wall.run': wall } }) });
  }
  return joinRepeats(repeats);
}
