import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstFit } from '../../src/advise/fit.js';

describe('the first fit', () => {
  it('is where a falling row first is zero or less', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { maxLength: 60 }), (values) => {
        const row = values.sort((a, b) => b - a);
        const first = row.findIndex((value) => value <= 0);
        expect(firstFit(row.length, (at) => row[at]!)).toBe(first < 0 ? row.length : first);
      }),
    );
  });

  it('of a straight row takes four looks, of a bent one no more than halving and half as many again', () => {
    const looks = (count: number, missing: (at: number) => number): number => {
      let number = 0;
      firstFit(count, (at) => {
        number++;
        return missing(at);
      });
      return number;
    };
    expect(looks(1000, (at) => 333.5 - at)).toBeLessThanOrEqual(4);
    expect(looks(1024, (at) => (at < 900 ? 1e6 - at : 899.5 - at))).toBeLessThanOrEqual(2 + 3 * 10);
  });
});
