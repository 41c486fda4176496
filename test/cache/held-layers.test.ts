// A cache of the first layers with whole later ones: as the same policy on those layers alone, and the others always there.
import { expect, it } from 'vitest';
import { besideHeld } from '../../src/cache/held-layers.js';
import { lru } from '../../src/cache/policies/lru.js';
import { NONE, Pins, type PolicyContext } from '../../src/cache/policy.js';
import { contextOf } from './context.js';

/** Two layers of four experts of a byte, and room for six. */
const context: PolicyContext = { ...contextOf(8), layers: 2, layerOf: Uint16Array.from([0, 0, 0, 0, 1, 1, 1, 1]), capacityBytes: 6 };
const pins = new Pins(new Int32Array(8));

it('holds later layers, and gives the policy what they leave', () => {
  const seen: number[] = [];
  const policy = besideHeld(context, 1, (given) => {
    seen.push(given.capacityBytes);
    return lru.create(given, {});
  });
  expect(seen).toEqual([2]);
  expect([...policy.preload!()]).toEqual([4, 5, 6, 7]);
  for (const id of [4, 5, 6, 7]) policy.insert(id, false);
  expect(policy.victim(0, pins)).toBe(NONE);
  policy.insert(2, true);
  policy.insert(1, true);
  policy.touch(2);
  policy.touch(5);
  expect(policy.victim(0, pins)).toBe(1);
  policy.remove(1);
  policy.remove(2);
  expect(policy.victim(0, pins)).toBe(NONE);
  expect([0, 4].map((id) => policy.bypasses!(id))).toEqual([false, false]);
});

it('is the policy itself where every layer has a part', () => {
  const made = lru.create(context, {});
  for (const layers of [0, 2, 3]) expect(besideHeld(context, layers, () => made)).toBe(made);
});
