// Where a trace is cut so that its first part is held out.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { heldOutRows } from '../../src/trace/selection.js';
import { cases } from '../cases.js';

const of = (lengths: readonly number[], share: number): number => {
  let tokens = 0;
  const requests = lengths.map((decode, id) => {
    const start = tokens;
    tokens += decode;
    return { id, start, prefill: 0, decode };
  });
  return heldOutRows({ requests, tokens }, share);
};

it('cuts between two requests where one ends near enough', () => {
  // A fifth of 100 are 20: the first request has 15, the first two 30; 15 is nearer.
  expect(of([15, 15, 30, 40], 0.2)).toBe(15);
  expect(of([14, 16, 30, 40], 0.2)).toBe(14);
  expect(of([4, 21, 35, 40], 0.2)).toBe(25);
});

it('cuts within a request where none does', () => {
  expect(of([100], 0.2)).toBe(20);
  // 50 held out are more than twice 20, 5 less than half.
  expect(of([5, 45, 50], 0.2)).toBe(20);
});

it('leaves a row on each side, and a trace of one row whole', () => {
  expect(of([1], 0.2)).toBe(0);
  expect(of([2], 0.2)).toBe(1);
  expect(of([2], 0.99)).toBe(1);
  expect(of([3], 0.01)).toBe(1);
});

it('holds out between half and twice the share, of any trace', () => {
  const property = fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 12 }), (lengths) => {
    const tokens = lengths.reduce((sum, one) => sum + one, 0);
    fc.pre(tokens >= 10);
    const held = of(lengths, 0.2);
    expect(held).toBeGreaterThanOrEqual(Math.floor(tokens * 0.1));
    expect(held).toBeLessThanOrEqual(Math.ceil(tokens * 0.4));
  });
  fc.assert(property, { numRuns: cases(200) });
});
