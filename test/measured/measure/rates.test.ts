// Which numbers of threads are measured, rounds of work: bytes are counted as they are done, and what rounds say together.
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { threadCounts } from '../../../src/measured/measure/machine-rates.js';
import { workBetween, workOf } from '../../../src/measured/measure/task.js';
import { countedOf, type Round, rateOf, roundOf } from '../../../src/measured/measure/together.js';

it.each([
  [1, [1]],
  [2, [1, 2]],
  [12, [1, 2, 4, 8, 12]],
  [16, [1, 2, 4, 8, 16]],
])('%i processors', (all, counts) => {
  expect(threadCounts(all)).toEqual(counts);
});

it('a round counts what it moves', () => {
  // Three arrays of 341 bytes, of which 320 are whole lines.
  expect(workOf({ kind: 'triad', bytes: 1024 }).bytes).toBe(3 * 320);
  expect(workOf({ kind: 'sum', bytes: 1000 }).bytes).toBe(960);
  workOf({ kind: 'sum', bytes: 1000 }).round();
});

it('work says how long it waited for a processor, where the system tells', () => {
  const begin = performance.timeOrigin + performance.now();
  const { begin: from, bytes, end, waited } = workBetween({ bytes: 7, round: () => undefined }, { begin, end: begin + 5 });
  expect(bytes % 7).toBe(0);
  expect(end - from).toBeGreaterThan(0);
  if (process.platform === 'linux' && existsSync('/proc/thread-self/schedstat')) expect(waited).toBeGreaterThanOrEqual(0);
  else expect(waited).toBeNull();
});

const rounds = (rates: readonly number[], waited: number | null = 0): Round[] => rates.map((rate) => ({ rate, waited }));

describe('rounds', () => {
  it('are over the time that threads had a processor, where they share nothing', () => {
    const done = [
      { bytes: 1000, begin: 0, end: 100, waited: 50 },
      { bytes: 1000, begin: 0, end: 100, waited: 0 },
    ];
    expect(roundOf(done, true)).toEqual({ rate: 1e6 / 50 + 1e6 / 100, waited: 0.5 });
    expect(roundOf(done, false)).toEqual({ rate: 2e6 / 100, waited: 0.5 });
    expect(roundOf([{ ...done[0]!, waited: null }], true)).toEqual({ rate: 1e6 / 100, waited: null });
  });

  it('count where threads waited least', () => {
    const all = [...rounds([1], 0.5), ...rounds([2, 3], 0), ...rounds([4], 0.01)];
    expect(countedOf(all, 3).map(({ rate }) => rate)).toEqual([2, 3, 4]);
    expect(countedOf(all, 9).length).toBe(4);
  });

  it('have a median, the best median of a visit, and a spread', () => {
    // Sorted: 8 9 10 10 11 12; places 2.5 -> 3, 1.25 -> 1, 3.75 -> 4 of 0 to 5.
    expect(rateOf([rounds([10, 8, 9]), rounds([10, 12, 11])])).toEqual({ rate: 10, best: 11, spread: (11 - 9) / 2 / 10, disturbed: 0 });
    expect(rateOf([rounds([10, 8, 9], null), rounds([10, 12, 11], null)]).disturbed).toBe(0);
  });

  it('that were disturbed do not count where enough were not', () => {
    const quiet = rounds([10, 10, 10, 10, 10]);
    expect(rateOf([quiet, rounds([4, 4, 4], 0.3)])).toEqual({ rate: 10, best: 10, spread: 0, disturbed: 0 });
    // Four quiet ones are too few: 4 4 4 10 10 10 10, the fourth of seven is the median.
    const few = rateOf([rounds([10, 10, 10, 10]), rounds([4, 4, 4], 0.3)]);
    expect(few).toMatchObject({ rate: 10, best: 10, spread: (10 - 4) / 2 / 10 });
    expect(few.disturbed).toBeCloseTo(3 / 7, 12);
  });
});
