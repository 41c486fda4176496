// Percentiles against hand-computed values of numpy's default definition, and against their own order properties.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deviation, mean, percentile, sharedVotes, summarize, votedPercentile } from '../../src/base/statistics.js';

describe('statistics', () => {
  it('interpolates between closest ranks as numpy.percentile does', () => {
    // Ranks: 0.5 x 3 = 1.5 -> 20 + 0.5 x 10; 0.95 x 3 = 2.85 -> 30 + 0.85 x 70.
    expect(percentile([10, 20, 30, 100], 50)).toBe(25);
    expect(percentile([10, 20, 30, 100], 95)).toBeCloseTo(89.5, 12);
    expect(percentile([10, 20, 30, 100], 0)).toBe(10);
    expect(percentile([10, 20, 30, 100], 100)).toBe(100);
    expect(percentile([7], 99)).toBe(7);
  });

  it('summarizes unsorted samples and leaves them as they are', () => {
    const samples = Float64Array.of(3, 1, 2);
    const summary = summarize(samples);
    expect(summary).toMatchObject({ mean: 2, p50: 2 });
    expect(summary.p95).toBeCloseTo(2.9, 12);
    expect(summary.p99).toBeCloseTo(2.98, 12);
    expect([...samples]).toEqual([3, 1, 2]);
  });

  it('refuses to make a number of nothing', () => {
    expect(() => mean([])).toThrow(RangeError);
    expect(() => percentile([], 50)).toThrow(RangeError);
    expect(() => summarize(new Float64Array())).toThrow(RangeError);
    expect(() => percentile([1], 101)).toThrow(RangeError);
  });

  it('keeps percentiles ordered and inside the samples', () => {
    fc.assert(
      fc.property(fc.float64Array({ minLength: 1, maxLength: 50, noNaN: true, min: -1e12, max: 1e12 }), (samples) => {
        const { p50, p95, p99 } = summarize(samples);
        const lowest = samples.reduce((a, b) => Math.min(a, b));
        const highest = samples.reduce((a, b) => Math.max(a, b));
        const slack = 1e-9 * Math.max(1, Math.abs(lowest), Math.abs(highest));
        expect(p50).toBeGreaterThanOrEqual(lowest - slack);
        expect(p95).toBeGreaterThanOrEqual(p50 - slack);
        expect(p99).toBeGreaterThanOrEqual(p95 - slack);
        expect(p99).toBeLessThanOrEqual(highest + slack);
      }),
    );
  });
});

describe('a percentile of votes', () => {
  const votes = (...values: readonly (readonly [value: number, weight: number])[]) => values.map(([value, weight]) => ({ value, weight }));

  it('is that of the samples where votes are equal, in any order', () => {
    const property = fc.property(
      fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 9 }),
      fc.integer({ min: 0, max: 100 }),
      (values, at) => {
        const equal = votes(...values.map((value) => [value, 0.3] as const));
        expect(votedPercentile(equal, at)).toBeCloseTo(
          percentile(
            [...values].sort((a, b) => a - b),
            at,
          ),
          9,
        );
      },
    );
    fc.assert(property);
  });

  it('puts a value at the share of the other votes below it', () => {
    // 1 and 2 share a vote, 10 has its own: 1 stands at 0, 2 at .5 / 1.5 = 1/3, 10 at 1. So half is a quarter of the way from 2 to 10.
    const shared = votes([10, 1], [1, 0.5], [2, 0.5]);
    expect(votedPercentile(shared, 50)).toBeCloseTo(4, 12);
    expect(votedPercentile(shared, 0)).toBe(1);
    expect(votedPercentile(shared, 100)).toBe(10);
    expect(votedPercentile(votes([7, 2]), 10)).toBe(7);
  });

  it('of a newcomer is that of numpy.percentile by weibull, within the values', () => {
    // Of 4 votes the values stand at .2, .4, .6 and .8: 10 % is the least, 50 % the middle of the middle ones, 70 % half way from 30 to 100.
    const equal = votes([10, 1], [20, 1], [30, 1], [100, 1]);
    expect([10, 20, 50, 70, 90].map((at) => votedPercentile(equal, at, true))).toEqual([10, 10, 25, expect.closeTo(65, 9), 100]);
  });

  it('has votes that items share', () => {
    const items = [
      { vote: 'a', size: 1 },
      { vote: 'b', size: 2 },
      { vote: 'a', size: 3 },
    ];
    expect(sharedVotes(items, ({ size }) => size)).toEqual(votes([1, 0.5], [2, 1], [3, 0.5]));
    expect(() => votedPercentile([], 50)).toThrow(RangeError);
  });
});

describe('deviation', () => {
  it('is that of a sample, with n - 1; one value says nothing of others', () => {
    // Squares 9, 1, 1, 1, 0, 0, 4, 16 about the mean of 5: 32.
    expect(deviation([2, 4, 4, 4, 5, 5, 7, 9])).toBeCloseTo(Math.sqrt(32 / 7), 12);
    expect([deviation([3]), deviation([])]).toEqual([0, 0]);
  });
});
