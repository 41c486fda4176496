// FineMoE's eviction, by hand: uses times probability.
import { expect, it } from 'vitest';
import { mapPriority } from '../../../src/cache/policies/map-priority.js';
import { Pins, UNPINNED } from '../../../src/cache/policy.js';
import { contextOf } from '../context.js';

const free = new Pins(new Int32Array(4).fill(UNPINNED));

/** Residents 0, 1 and 2, used three, two and one times in one pass, with these probabilities; null: no prediction. */
function victim(predicted: readonly number[] | null): number {
  const context = { ...contextOf(4), predicted: predicted === null ? null : Float32Array.from(predicted) };
  const policy = mapPriority.create(context, { halfLife: 32, unknown: 0.25 });
  for (const [id, uses] of [3, 2, 1].entries()) {
    policy.insert(id, true);
    for (let more = 1; more < uses; more++) policy.touch(id);
  }
  return policy.victim(3, free);
}

it('evicts the least uses x probability', () => {
  expect(victim(null)).toBe(2);
  // 3 x .25, 2 x .25 + .., 1 x 1: (0.75, 1.0, 1.0) where 1 has .25 and 2 has .75.
  expect(victim([0, 0.25, 0.75, 0])).toBe(0);
  // 3 x .25 = .75, 2 x .25 = .5, 1 x .75 = .75.
  expect(victim([0, 0, 0.5, 0])).toBe(1);
  expect(victim([0, 0, 0.125, 0])).toBe(2);
});

it('an expert that was never used goes first, however likely', () => {
  const context = { ...contextOf(4), predicted: Float32Array.of(0, 1, 0, 0) };
  const policy = mapPriority.create(context, { halfLife: 32, unknown: 0.25 });
  policy.insert(0, true);
  policy.insert(1, false);
  expect(policy.victim(3, free)).toBe(1);
});
