// LRU caches of several sizes in one stack, against a list that is searched.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LruStack } from '../../../src/cache/curves/stack-distance.js';
import { cases } from '../../cases.js';

describe('LruStack', () => {
  it('knows the smallest cache that holds each member of an event, however often the line is full', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }).chain((experts) =>
          fc.record({
            experts: fc.constant(experts),
            sizes: fc.uniqueArray(fc.integer({ min: 1, max: experts }), { maxLength: 12 }),
            events: fc.array(fc.uniqueArray(fc.integer({ min: 0, max: experts - 1 }), { maxLength: 6 }), { maxLength: 300, size: 'max' }),
          }),
        ),
        ({ experts, sizes, events }) => {
          const slots = sizes.toSorted((a, b) => a - b);
          const stack = new LruStack(experts, slots);
          const uses = new Float64Array(slots.length + 1);
          const expected = new Float64Array(slots.length + 1);
          let list: number[] = [];
          for (const ids of events) {
            for (const id of ids) {
              const depth = list.indexOf(id);
              expected[slots.filter((count) => depth < 0 || count <= depth).length]! += 1;
            }
            list = [...ids.toReversed(), ...list.filter((id) => !ids.includes(id))];
            stack.event(
              Int32Array.from(ids, (id) => id + 7),
              ids.length,
              7,
              uses,
            );
            expect(uses).toEqual(expected);
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
    const uses = new Float64Array(4);
    for (let use = 0; use < 20_000; use++) stack.event(Int32Array.of(use % 2000), 1, 0, uses);
    expect([...uses]).toEqual([0, 0, 18_000, 2000]);
  });
});
