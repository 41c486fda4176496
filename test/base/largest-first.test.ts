// The heap against a sorted list.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LargestFirst } from '../../src/base/largest-first.js';
import { cases } from '../cases.js';

it('gives what was put in, largest first, and nothing when it is empty', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.integer({ min: 0, max: 20 }))), (steps) => {
      const heap = new LargestFirst();
      const sorted: number[] = [];
      for (const step of steps) {
        if (step === null) expect(heap.pop()).toBe(sorted.pop() ?? null);
        else {
          heap.push(step);
          sorted.push(step);
          sorted.sort((a, b) => a - b);
        }
      }
      while (sorted.length > 0) expect(heap.pop()).toBe(sorted.pop());
      expect(heap.pop()).toBeNull();
    }),
    { seed: 5, numRuns: cases(200) },
  );
});
