// Which numbers of threads are measured, and rounds of work: bytes are counted as they are done.
import { expect, it } from 'vitest';
import { threadCounts } from '../../../src/explore/measure/machine-rates.js';
import { workOf } from '../../../src/explore/measure/task.js';

it.each([
  [1, [1]],
  [2, [1, 2]],
  [12, [1, 2, 4, 8, 12]],
  [16, [1, 2, 4, 8, 16]],
])('%i processors', (all, counts) => {
  expect(threadCounts(all)).toEqual(counts);
});

it('a round counts what it moves', () => {
  // Three arrays of 341 bytes, of which 320 are whole lines.
  expect(workOf({ kind: 'triad', bytes: 1024 }).bytes).toBe(3 * 320);
  expect(workOf({ kind: 'sum', bytes: 1000 }).bytes).toBe(960);
  // 20 bytes a block of 32 weights of 4 bits.
  expect(workOf({ kind: 'q4', bytes: 1010 }).bytes).toBe(1000);
  workOf({ kind: 'f32', bytes: 1024 }).round();
});
