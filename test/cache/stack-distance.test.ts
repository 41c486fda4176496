// LRU stack distances against a list that is searched.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LruStack } from '../../src/cache/stack-distance.js';

describe('LruStack', () => {
  it('gives the number of distinct experts since the last use, however often the line is full', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }).chain((experts) =>
          fc.record({
            experts: fc.constant(experts),
            uses: fc.array(fc.integer({ min: 0, max: experts - 1 }), { maxLength: 3000, size: 'max' }),
          }),
        ),
        ({ experts, uses }) => {
          const stack = new LruStack(experts);
          const list: number[] = [];
          for (const id of uses) {
            const expected = list.indexOf(id);
            if (stack.distance(id) !== expected) throw new Error(`${stack.distance(id)} instead of ${expected}`);
            if (expected >= 0) list.splice(expected, 1);
            list.unshift(id);
            stack.touch(id);
          }
          expect(stack.distinct).toBe(list.length);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('spans blocks of words: 2,000 experts in a cycle are all 1,999 apart', () => {
    const stack = new LruStack(2000);
    for (let use = 0; use < 20_000; use++) {
      const id = use % 2000;
      if (use >= 2000 && stack.distance(id) !== 1999) throw new Error(`use ${use}: ${stack.distance(id)}`);
      stack.touch(id);
    }
    expect(stack.distance(7)).toBe(1992);
  });
});
