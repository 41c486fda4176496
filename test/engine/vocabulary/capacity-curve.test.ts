// Hit rate against capacity: by hand, and where the run itself stands upon it, on one GPU and on several.
import { describe, expect, it } from 'vitest';
import { simulate } from '../../../src/engine/simulate.js';
import { CapacityMeter, capacityCurve } from '../../../src/engine/vocabulary/capacity-curve.js';
import { toyModel } from '../../cache/fixtures.js';

/** A GPU with two experts of ten bytes, which demands one after another. */
function gpuOf(demands: readonly number[]): { curve: CapacityMeter } {
  const curve = new CapacityMeter(toyModel([2], [10], 1), 'global', 20, false);
  for (const id of demands) curve.event(0, Int32Array.of(id), 1);
  return { curve };
}

describe('capacityCurve', () => {
  it('sums capacities and hits over GPUs, each of which has the same share of its experts', () => {
    const { belady, bytes, lru } = capacityCurve([gpuOf([0, 1, 0, 1]), gpuOf([0, 0, 0])])!;
    expect([bytes[5], bytes[11]]).toEqual([20, 40]);
    // Below a half no GPU holds an expert. With one each, LRU on GPU 0 hits nothing, Belady keeps one of the two; with both, only the first
    // demand of each of the three experts misses.
    const steps = (half: number, whole: number) => Array.from({ length: 12 }, (_, k) => (k < 5 ? 0 : k < 11 ? half : whole) / 7);
    expect(lru).toEqual(steps(2, 4));
    expect(belady).toEqual(steps(3, 4));
  });

  it('is not drawn of nothing', () => {
    expect(capacityCurve([{ curve: null }])).toBeNull();
    expect(capacityCurve([gpuOf([]), gpuOf([])])).toBeNull();
  });

  it.each([
    ['rtx-4090', 'even', 1],
    ['2x-rtx-4090', 'even', 1],
    ['2x-rtx-4090', 'even:order=round-robin', 1],
    ['2x-rtx-4090', 'replicated:hottest=16', 1.25],
  ])('a run under LRU stands upon it: %s, %s', async (hardware, placement, copies) => {
    for (const scope of ['global', 'layer']) {
      const { bounds, details, metrics } = await simulate(
        {
          model: 'mini-finegrained-64x12l',
          hardware,
          system: { name: 'lru', cache: { policy: 'lru', scope }, placement },
          memory: { expertCache: '25%' },
          workload: { tokens: 96, prompt: 10, output: 14, batch: 4 },
        },
        { details: true },
      );
      const { belady, bytes, lru } = details!.capacity!;
      const expertBytes = details!.loads.flat().length * 110_592;
      expect(bytes.at(-1)).toBe(expertBytes * copies);
      expect(bytes[2]).toBe(bounds.capacityBytes);
      expect(lru[2]).toBe(metrics['cache.hit_rate']!.value);
      expect(belady[2]).toBe(bounds.beladyHitRate);
      for (const rates of [belady, lru]) expect(rates).toEqual(rates.toSorted((a, b) => a - b));
      for (const [k, rate] of lru.entries()) expect(rate).toBeLessThanOrEqual(belady[k]!);
    }
  });
});
