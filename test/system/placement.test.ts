// Placements: hand-computed truths, and what holds of all of them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveParameters } from '../../src/base/parameters.js';
import { findPlacement, PLACEMENTS } from '../../src/system/placement/index.js';
import { EVERYWHERE } from '../../src/system/placement/placement.js';
import { cases } from '../cases.js';

const place = (name: string, gpus: number, popularity: readonly number[], given: Record<string, unknown> = {}): number[] => {
  const placement = findPlacement(name);
  const parameters = resolveParameters(name, placement.parameters, given);
  return [...placement.place({ experts: popularity.length, gpus, popularity: Float64Array.from(popularity) }, parameters)];
};
const flat = (experts: number): number[] => new Array(experts).fill(1);

describe('placements', () => {
  it('even: neighbours together, the first GPUs take one more; or in turn', () => {
    expect(place('even', 3, flat(8))).toEqual([0, 0, 0, 1, 1, 1, 2, 2]);
    expect(place('even', 2, flat(4))).toEqual([0, 0, 1, 1]);
    expect(place('even', 3, flat(8), { order: 'round-robin' })).toEqual([0, 1, 2, 0, 1, 2, 0, 1]);
  });

  it('popularity: the most popular first, each to the GPU with the least work that has room', () => {
    // 9 to GPU 0, 8 to GPU 1, 7 to GPU 1 (8 < 9), which is full then; 1 to GPU 0.
    expect(place('popularity', 2, [1, 9, 7, 8])).toEqual([0, 0, 1, 1]);
    // Without room to spare, the popular one has unpopular company: 100 and 1 against 2 and 3.
    expect(place('popularity', 2, [100, 1, 2, 3])).toEqual([0, 0, 1, 1]);
  });

  it('replicated: the hottest everywhere, the others by popularity', () => {
    expect(place('replicated', 2, [1, 9, 7, 8, 2], { hottest: 1 })).toEqual([0, EVERYWHERE, 1, 0, 1]);
    expect(place('replicated', 2, [1, 9], { hottest: 5 })).toEqual([EVERYWHERE, EVERYWHERE]);
  });

  it('all give every expert a home, no GPU more than its share, and the same to the same', () => {
    const layers = fc.record({
      popularity: fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 8, maxLength: 40 }),
      gpus: fc.integer({ min: 1, max: 8 }),
    });
    for (const { name } of PLACEMENTS) {
      const property = fc.property(layers, ({ gpus, popularity }) => {
        const homes = place(name, gpus, popularity);
        const placed = homes.filter((home) => home !== EVERYWHERE);
        expect(homes).toHaveLength(popularity.length);
        for (let gpu = 0; gpu < gpus; gpu++) {
          expect(placed.filter((home) => home === gpu).length).toBeLessThanOrEqual(Math.ceil(placed.length / gpus));
        }
        expect(placed.every((home) => home >= 0 && home < gpus)).toBe(true);
        expect(place(name, gpus, popularity)).toEqual(homes);
      });
      fc.assert(property, { seed: 5, numRuns: cases(100) });
    }
  });

  it('popularity is within 2 of the best split of the same sizes, by brute force', () => {
    const property = fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 2, maxLength: 9 }), (popularity) => {
      const work = (homes: readonly number[]): number =>
        Math.max(...[0, 1].map((gpu) => popularity.reduce((sum, count, id) => sum + (homes[id] === gpu ? count : 0), 0)));
      let best = Number.POSITIVE_INFINITY;
      for (let bits = 0; bits < 1 << popularity.length; bits++) {
        const homes = popularity.map((_, id) => (bits >> id) & 1);
        const ones = homes.reduce((sum, home) => sum + home, 0);
        if (Math.max(ones, popularity.length - ones) <= Math.ceil(popularity.length / 2)) best = Math.min(best, work(homes));
      }
      const found = work(place('popularity', 2, popularity));
      expect(found).toBeGreaterThanOrEqual(best);
      expect(found).toBeLessThanOrEqual(2 * best);
    });
    fc.assert(property, { seed: 6, numRuns: cases(100) });
  });

  it('offers the nearest name', () => {
    expect(() => findPlacement('popular')).toThrow(/unknown placement "popular"; .*popularity/);
  });
});
