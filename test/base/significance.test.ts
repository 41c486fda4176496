// Tests of significance against enumeration, textbook figures and their own promises.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import { bootstrapChange, holm, mannWhitney, median, smallestP } from '../../src/base/significance.js';
import { cases } from '../cases.js';

/** The same p-value by going through every way to deal the values out to two sides. */
function enumerated(a: readonly number[], b: readonly number[]): number {
  const all = [...a, ...b];
  const rank = (value: number): number =>
    all.filter((other) => other < value).length + (all.filter((other) => other === value).length + 1) / 2;
  const ranks = all.map(rank);
  const observed = ranks.slice(0, a.length).reduce((sum, one) => sum + one, 0);
  let [count, below, above] = [0, 0, 0];
  for (let mask = 0; mask < 2 ** all.length; mask++) {
    const chosen = ranks.filter((_, index) => (mask >> index) & 1);
    if (chosen.length !== a.length) continue;
    const sum = chosen.reduce((total, one) => total + one, 0);
    count++;
    if (sum <= observed) below++;
    if (sum >= observed) above++;
  }
  return Math.min(1, (2 * Math.min(below, above)) / count);
}

describe('Mann-Whitney', () => {
  it('gives textbook figures', () => {
    expect(mannWhitney([1, 2, 3], [4, 5, 6])).toBeCloseTo(0.1, 12);
    expect(mannWhitney([1, 2, 3, 4, 5], [6, 7, 8, 9, 10])).toBeCloseTo(2 / 252, 12);
    expect(mannWhitney([1, 2, 3], [1, 2, 3])).toBe(1);
    expect(mannWhitney([7, 7], [7, 7, 7])).toBe(1);
  });

  it('equals enumeration, with ties or without, and does not care which side is which', () => {
    const side = fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(side, side, (a, b) => {
        expect(mannWhitney(a, b)).toBeCloseTo(enumerated(a, b), 10);
        expect(mannWhitney(b, a)).toBeCloseTo(mannWhitney(a, b), 10);
        expect(mannWhitney(a, b)).toBeGreaterThanOrEqual(Math.min(1, smallestP(a.length, b.length)) - 1e-12);
      }),
      { numRuns: cases(60) },
    );
  });

  it('goes over to the normal approximation smoothly', () => {
    const random = new Random(3, 'test');
    const draw = (count: number, shift: number): number[] => Array.from({ length: count }, () => random.normal() + shift);
    // 30 + 30 are counted out, one more is approximated: the same question gets nearly the same answer.
    const [a, b] = [draw(30, 0), draw(30, 0.5)];
    expect(Math.abs(mannWhitney(a, b) - mannWhitney([...a, median(a)], b))).toBeLessThan(0.01);
    expect(mannWhitney(draw(200, 0), draw(200, 1))).toBeLessThan(1e-6);
    expect(mannWhitney(new Array(50).fill(1), new Array(50).fill(1))).toBe(1);
  });

  it('raises a false alarm about as often as it says', () => {
    const random = new Random(5, 'test');
    const draw = (): number[] => Array.from({ length: 8 }, () => random.next());
    const alarms = Array.from({ length: 2000 }, () => mannWhitney(draw(), draw())).filter((p) => p < 0.05).length;
    expect(alarms / 2000).toBeGreaterThan(0.02);
    expect(alarms / 2000).toBeLessThan(0.06);
  });

  it('refuses an empty side', () => {
    expect(() => mannWhitney([], [1])).toThrow(RangeError);
  });
});

describe('Holm', () => {
  it('corrects by how many tests there are, and keeps the order', () => {
    // Holm 1979: 0.01 x 4, 0.02 x 3, 0.03 x 2, 0.04 x 1, none below the one before it.
    const expected = [0.06, 0.04, 0.06, 0.06];
    for (const [index, p] of holm([0.04, 0.01, 0.02, 0.03]).entries()) expect(p).toBeCloseTo(expected[index]!, 12);
    expect(holm([0.9, 0.8])).toEqual([1, 1]);
    expect(holm([])).toEqual([]);
  });
});

describe('bootstrap', () => {
  it('holds the true change, is narrow where samples agree, and repeats itself', () => {
    const random = new Random(7, 'test');
    const draw = (centre: number): number[] => Array.from({ length: 20 }, () => centre + random.normal());
    const [a, b] = [draw(100), draw(110)];
    const interval = bootstrapChange(a, b, 'x');
    expect(interval.low).toBeGreaterThan(7);
    expect(interval.high).toBeLessThan(13);
    expect(interval.low).toBeLessThan(10);
    expect(interval.high).toBeGreaterThan(10);
    expect(bootstrapChange(a, b, 'x')).toEqual(interval);
    expect(bootstrapChange([3, 3, 3], [5, 5], 'x')).toEqual({ low: 2, high: 2 });
  });
});
