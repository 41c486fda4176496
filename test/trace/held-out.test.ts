// Where a trace is cut so that a part of it is held out.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { rowsBeforeHeldOut } from '../../src/trace/selection.js';
import { cases } from '../cases.js';

const of = (lengths: readonly number[], share: number): number => {
  let tokens = 0;
  const requests = lengths.map((decode, id) => {
    const start = tokens;
    tokens += decode;
    return { id, start, prefill: 0, decode };
  });
  return rowsBeforeHeldOut({ requests, tokens }, share);
};

it('cuts between two requests where one ends near enough', () => {
  // A fifth of 100 are 20: the last request has 15, the last two 30; 15 is nearer.
  expect(of([40, 30, 15, 15], 0.2)).toBe(85);
  expect(of([40, 30, 16, 14], 0.2)).toBe(86);
  expect(of([40, 35, 21, 4], 0.2)).toBe(75);
});

it('cuts within a request where none does', () => {
  expect(of([100], 0.2)).toBe(80);
  // 50 held out are more than twice 20, 5 less than half.
  expect(of([50, 45, 5], 0.2)).toBe(80);
});

it('leaves a row on each side, and a trace of one row whole', () => {
  expect(of([1], 0.2)).toBe(1);
  expect(of([2], 0.2)).toBe(1);
  expect(of([2], 0.99)).toBe(1);
  expect(of([3], 0.01)).toBe(2);
});

it('holds out between half and twice the share, of any trace', () => {
  const property = fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 12 }), (lengths) => {
    const tokens = lengths.reduce((sum, one) => sum + one, 0);
    fc.pre(tokens >= 10);
    const held = tokens - of(lengths, 0.2);
    expect(held).toBeGreaterThanOrEqual(Math.floor(tokens * 0.1));
    expect(held).toBeLessThanOrEqual(Math.ceil(tokens * 0.4));
  });
  fc.assert(property, { numRuns: cases(200) });
});
