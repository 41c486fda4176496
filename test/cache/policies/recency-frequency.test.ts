// What was learned of recency and frequency, by hand.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { recencyFrequency } from '../../../src/cache/policies/recency-frequency.js';
import { Pins, type PolicyContext, UNPINNED } from '../../../src/cache/policy.js';
import { cases } from '../../cases.js';
import { contextOf } from '../context.js';

const free = new Pins(new Int32Array(3).fill(UNPINNED));

/** The victim among experts 0, used four times up to pass 4, and 1, used once in pass 8, at pass 9. */
function victim(recency: number, halfLife = 1e9): number {
  const context: PolicyContext = { ...contextOf(3), clock: { event: 0, pass: 1, layer: 0 } };
  const policy = recencyFrequency.create(context, { halfLife, recency });
  policy.insert(0, true);
  for (context.clock.pass = 2; context.clock.pass <= 4; context.clock.pass++) policy.touch(0);
  context.clock.pass = 8;
  policy.insert(1, true);
  context.clock.pass = 9;
  return policy.victim(2, free);
}

it('weighs doublings of uses against doublings of the wait', () => {
  // Expert 0: log2(1 + 4) = 2.32 and log2(1 + 5) = 2.58; expert 1: log2(1 + 1) = 1 and log2(1 + 1) = 1. They are equal where
  // 2.32 - 2.58 r = 1 - r, at r = 0.83: below it frequency decides, above it recency.
  expect([0, 0.39, 0.8].map((recency) => victim(recency))).toEqual([1, 1, 1]);
  expect([0.9, 100].map((recency) => victim(recency))).toEqual([0, 0]);
  // Counts that fade within a pass leave recency alone.
  expect(victim(0.1, 0.1)).toBe(0);
});

it('counts a prefetched expert from its arrival, without a use', () => {
  const context: PolicyContext = { ...contextOf(3), clock: { event: 0, pass: 5, layer: 0 } };
  const policy = recencyFrequency.create(context, { halfLife: 128, recency: 0.39 });
  policy.insert(0, false);
  policy.insert(1, true);
  expect(policy.victim(2, free)).toBe(0);
  policy.remove(0);
  expect(policy.victim(2, free)).toBe(1);
});

it('evicts the least of all scores, though it computes few of them', () => {
  const experts = 12;
  const none = new Pins(new Int32Array(experts).fill(UNPINNED));
  const use = fc.record({ id: fc.nat(experts - 1), wait: fc.oneof(fc.constantFrom(0, 1), fc.nat(3000)) });
  fc.assert(
    fc.property(fc.array(use, { minLength: 1, maxLength: 60 }), fc.constantFrom(0, 0.42, 3), (all, recency) => {
      const context: PolicyContext = { ...contextOf(experts), clock: { event: 0, pass: 1, layer: 0 } };
      const policy = recencyFrequency.create(context, { halfLife: 1e12, recency });
      const known = new Map<number, { uses: number; last: number }>();
      for (const { id, wait } of all) {
        context.clock.pass += wait;
        const before = known.get(id);
        known.set(id, { uses: (before?.uses ?? 0) + 1, last: context.clock.pass });
        if (before === undefined) policy.insert(id, true);
        else policy.touch(id);
      }
      const score = (id: number): number => {
        const { uses, last } = known.get(id)!;
        return Math.log2(1 + uses) - recency * Math.log2(1 + context.clock.pass - last);
      };
      const least = Math.min(...[...known.keys()].map(score));
      expect(score(policy.victim(0, none))).toBeCloseTo(least, 6);
    }),
    { numRuns: cases(200) },
  );
});
