import { expect, it } from 'vitest';
import { CellPace } from '../../../src/study/workers/run-children.js';

it('gives a process one cell until it knows how long they take, then as many as make 480 ms, at most 32', () => {
  const pace = new CellPace();
  expect(pace.depth).toBe(1);
  pace.add(20);
  expect(pace.depth).toBe(24);
  const short = new CellPace();
  short.add(1);
  expect(short.depth).toBe(32);
  const long = new CellPace();
  long.add(241);
  expect(long.depth).toBe(1);
});

it('forgets a long cell over the next short ones, and counts one that has not ended', () => {
  const pace = new CellPace();
  pace.add(20);
  pace.atLeast(1000);
  expect(pace.depth).toBe(1);
  // 20 + 980 x .8^n is at most 240 from n = 7 on.
  for (let n = 0; n < 6; n++) pace.add(20);
  expect(pace.depth).toBe(1);
  pace.add(20);
  expect(pace.depth).toBe(2);
});
