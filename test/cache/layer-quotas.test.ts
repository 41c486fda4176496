// Layer quotas: the dynamic programme against all splits, the proportional split by its properties, the shallow one by hand.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { optimalQuotas, proportionalQuotas, shallowQuotas } from '../../src/cache/layer-quotas.js';
import { toyModel } from './fixtures.js';

/** Hits that grow with slots, `hits[layer][slots]`. */
function curves(experts: readonly number[]): fc.Arbitrary<number[][]> {
  const curve = (count: number) =>
    fc.array(fc.nat(20), { minLength: count, maxLength: count }).map((steps) => {
      const hits = [0];
      for (const step of steps) hits.push(hits.at(-1)! + step);
      return hits;
    });
  return fc.tuple(...experts.map(curve));
}

describe('optimalQuotas', () => {
  it('finds what trying all splits finds, for equal sizes', () => {
    const shape = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(
        shape.chain((experts) => fc.record({ experts: fc.constant(experts), hits: curves(experts), capacity: fc.nat(14) })),
        ({ experts, hits, capacity }) => {
          const model = toyModel(experts);
          const [quotas] = optimalQuotas(model, hits, [capacity]);
          const saved = (split: readonly number[]) => split.reduce((sum, slots, l) => sum + hits[l]![slots]!, 0);
          const all = (l: number, left: number): number[][] =>
            l === experts.length
              ? [[]]
              : Array.from({ length: Math.min(left, experts[l]!) + 1 }, (_, slots) =>
                  all(l + 1, left - slots).map((rest) => [slots, ...rest]),
                ).flat();
          expect(quotas!.reduce((sum, slots) => sum + slots, 0)).toBeLessThanOrEqual(capacity);
          expect(saved(quotas!)).toBe(Math.max(...all(0, capacity).map(saved)));
        },
      ),
    );
  });

  it('weighs hits by the bytes that they save, and never takes more bytes than there are', () => {
    const model = toyModel([2, 2], [10, 3]);
    const hits = [
      [0, 4, 5],
      [0, 6, 9],
    ];
    // 13 bytes: one large (40) and one small (18) beat two small (27).
    expect(optimalQuotas(model, hits, [13, 9, 26, 0])).toEqual([
      [1, 1],
      [0, 2],
      [2, 2],
      [0, 0],
    ]);
  });

  it('uses all of the capacity where sizes are too odd for exact steps', () => {
    const model = toyModel([3, 3], [1_000_003, 999_983]);
    const hits = [
      [0, 5, 6, 7],
      [0, 4, 8, 9],
    ];
    expect(optimalQuotas(model, hits, [5_999_958, 3_000_000, 2_999_969])).toEqual([
      [3, 3],
      [1, 2],
      [1, 2],
    ]);
  });

  it('answers many capacities at once, each as if alone', () => {
    const model = toyModel([6, 6]);
    const hits = [
      [0, 9, 10, 11, 12, 13, 14],
      [0, 5, 9, 12, 14, 15, 15],
    ];
    const capacities = [1, 2, 3, 5, 8, 12];
    expect(optimalQuotas(model, hits, capacities)).toEqual(capacities.map((capacity) => optimalQuotas(model, hits, [capacity])[0]));
  });
});

describe('proportionalQuotas', () => {
  it('gives a layer that few experts carry fewer slots than one that uses all', () => {
    const model = toyModel([8, 8]);
    const skewed = Float64Array.of(100, 100, 0, 0, 0, 0, 0, 0);
    const flat = new Float64Array(8).fill(25);
    // Effective experts 2 and 8: a fifth and four fifths of ten slots.
    expect(proportionalQuotas(model, [skewed, flat], 10)).toEqual([2, 8]);
    // With 5 slots one and four.
    expect(proportionalQuotas(model, [skewed, flat], 5)).toEqual([1, 4]);
  });

  it('stays within capacity and layers, and leaves no room for another expert', () => {
    const layers = fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 4 })), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(layers, fc.nat(60), fc.infiniteStream(fc.nat(9)), (shape, capacity, counts) => {
        const model = toyModel(
          shape.map(([experts]) => experts),
          shape.map(([, bytes]) => bytes),
        );
        const demand = shape.map(([experts]) => Float64Array.from({ length: experts }, () => counts.next().value));
        const quotas = proportionalQuotas(model, demand, capacity);
        const left = quotas.reduce((bytes, slots, l) => bytes - slots * shape[l]![1], capacity);
        expect(left).toBeGreaterThanOrEqual(0);
        for (const [l, slots] of quotas.entries()) {
          expect(slots).toBeGreaterThanOrEqual(0);
          expect(slots === shape[l]![0] || (slots < shape[l]![0] && shape[l]![1] > left)).toBe(true);
        }
      }),
    );
  });
});

describe('shallowQuotas', () => {
  it('keeps whole the first layers that half of the capacity holds, and shares the rest out in turn', () => {
    const model = toyModel([8, 8, 8, 8]);
    expect(shallowQuotas(model, 15)).toEqual([4, 4, 4, 3]);
    expect(shallowQuotas(model, 16)).toEqual([8, 3, 3, 2]);
    expect(shallowQuotas(model, 25)).toEqual([8, 6, 6, 5]);
    expect(shallowQuotas(model, 99)).toEqual([8, 8, 8, 8]);
    expect(shallowQuotas(model, 0)).toEqual([0, 0, 0, 0]);
  });

  it('counts in bytes, and passes over what does not fit', () => {
    // 6 of 14 bytes for the first layer; of 8 a round takes 5, and of the 3 that are left one more of each but the largest.
    expect(shallowQuotas(toyModel([2, 4, 4], [3, 4, 1]), 14)).toEqual([2, 1, 4]);
  });
});
