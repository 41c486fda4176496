// Percentiles against hand-computed values of numpy's default definition, and against their own order properties.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deviation, mean, percentile, summarize } from '../../src/base/statistics.js';

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

describe('deviation', () => {
  it('is that of a sample, with n - 1; one value says nothing of others', () => {
    // Squares 9, 1, 1, 1, 0, 0, 4, 16 about the mean of 5: 32.
    expect(deviation([2, 4, 4, 4, 5, 5, 7, 9])).toBeCloseTo(Math.sqrt(32 / 7), 12);
    expect([deviation([3]), deviation([])]).toEqual([0, 0]);
  });
});
