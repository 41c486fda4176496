// Who stands in for an expert: counts of choices by the same token, by hand.
import { expect, it } from 'vitest';
import { Buddies } from '../../../src/engine/mechanisms/stand-ins.js';
import { NULL_EXPERT } from '../../../src/trace/trace.js';
import { passesOf } from '../../predict/running.js';
import { modelOf, traceOf } from '../../trace/builders.js';

it('the expert that most tokens have chosen together with it, of those that may, ties by id', () => {
  const buddies = new Buddies(modelOf([{ experts: 5, topK: 3 }]));
  const rows = [
    [0, 1, 2],
    [0, 2, NULL_EXPERT],
    [3, 1, 0],
  ].map((list) => ({ experts: [list] }));
  for (const pass of passesOf(traceOf(rows, 5, { topK: 3 }))) buddies.judge(pass, 0);
  const all = (): boolean => true;
  // With 0: 1 twice, 2 twice, 3 once, 4 never.
  expect(buddies.of(0, 0, all)).toBe(1);
  expect(buddies.of(0, 0, (id) => id !== 1)).toBe(2);
  expect(buddies.of(0, 0, (id) => id > 2)).toBe(3);
  expect(buddies.of(0, 0, (id) => id === 4)).toBe(-1);
  expect(buddies.of(4, 0, all)).toBe(-1);
});
