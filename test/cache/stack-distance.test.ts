// LRU caches of several sizes in one stack, against a list that is searched.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LruStack } from '../../src/cache/stack-distance.js';
import { cases } from '../cases.js';

describe('LruStack', () => {
  it('knows the smallest cache that holds an expert, however often the line is full', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }).chain((experts) =>
          fc.record({
            experts: fc.constant(experts),
            sizes: fc.uniqueArray(fc.integer({ min: 1, max: experts }), { maxLength: 12 }),
            uses: fc.array(fc.integer({ min: 0, max: experts - 1 }), { maxLength: 3000, size: 'max' }),
          }),
        ),
        ({ experts, sizes, uses }) => {
          const slots = sizes.toSorted((a, b) => a - b);
          const stack = new LruStack(experts, slots);
          const list: number[] = [];
          for (const id of uses) {
            const depth = list.indexOf(id);
            const expected = slots.filter((count) => depth < 0 || count <= depth).length;
            if (stack.level(id) !== expected) throw new Error(`${stack.level(id)} instead of ${expected}`);
            if (depth >= 0) list.splice(depth, 1);
            list.unshift(id);
            stack.touch(id);
          }
          expect(stack.distinct).toBe(list.length);
          for (const [level, count] of slots.entries()) expect(stack.held(level)).toEqual(list.slice(0, count).reverse());
        },
      ),
      { numRuns: cases(60) },
    );
  });

  it('spans words of the line: of 2,000 experts in a cycle only a cache of all holds what comes next', () => {
    const stack = new LruStack(2000, [1, 1999, 2000]);
    for (let use = 0; use < 20_000; use++) {
      const id = use % 2000;
      if (use >= 2000 && stack.level(id) !== 2) throw new Error(`use ${use}: ${stack.level(id)}`);
      stack.touch(id);
    }
    expect([1999, 1998, 1, 0].map((id) => stack.level(id))).toEqual([0, 1, 1, 2]);
  });
});
