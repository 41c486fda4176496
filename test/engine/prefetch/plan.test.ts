// The plan of prefetches has room for each expert once: a plan for the next pass follows the last layer of a pass.
import { expect, it } from 'vitest';
import { PrefetchPlan } from '../../../src/engine/prefetch/plan.js';
import type { Gpu } from '../../../src/engine/vocabulary/gpu.js';

it('begins anew once its last layer is known', () => {
  const planned: [id: number, entry: number][] = [];
  const gpu = { planned: (id: number, entry: number) => void planned.push([id, entry]) };
  const plan = new PrefetchPlan({ dram: null, gpu, layerOf: Int32Array.of(0, 1) } as unknown as Gpu);
  for (const id of [0, 1]) plan.add(id, 10 + id, 1);
  expect(plan.dropUntil(0)).toBe(1);
  expect(plan.idOf(plan.next())).toBe(1);
  expect(plan.dropUntil(1)).toBe(1);
  expect(plan.next()).toBe(-1);
  for (const id of [1, 0]) plan.add(id, 20 + id, 1);
  expect([plan.next(), plan.nextAfter(plan.next())].map((entry) => [plan.idOf(entry), plan.issuedNs(entry)])).toEqual([
    [1, 21],
    [0, 20],
  ]);
  expect(planned.filter(([, entry]) => entry > 1 && entry < 2 ** 20)).toEqual([]);
});
