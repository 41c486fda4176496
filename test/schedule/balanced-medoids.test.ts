// Clusters of equal size, exactly, for any pool; and that they find groups that are there.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bitCount } from '../../src/base/bits.js';
import { Random } from '../../src/base/random.js';

import { balancedMedoids, evenSizes, hammingDistances } from '../../src/schedule/balanced-medoids.js';
import { cases } from '../cases.js';

describe('balanced K-medoids', () => {
  it('every item is in one cluster, and clusters are equal, for any pool', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 9 }), fc.integer(), (count, wanted, seed) => {
        const clusters = Math.min(wanted, count);
        const random = new Random(seed, 'paths');
        // Few different paths, so that many are equally near.
        const paths = Int32Array.from({ length: count * 2 }, () => random.below(4));
        const labels = balancedMedoids(hammingDistances(paths, count, 2), count, clusters, random);
        const sizes = new Array<number>(clusters).fill(0);
        for (const label of labels) sizes[label]! += 1;
        expect(sizes).toEqual(evenSizes(count, clusters));
        expect(Math.max(...sizes) - Math.min(...sizes)).toBe(count % clusters === 0 ? 0 : 1);
      }),
      { seed: 4, numRuns: cases(300) },
    );
  });

  it('finds two groups that have nothing in common', () => {
    const group = (i: number): number => (i * 7) % 2;
    const paths = Int32Array.from({ length: 16 }, (_, i) => (group(i) === 0 ? 0xff : 0xff00) ^ (1 << i));
    const labels = balancedMedoids(hammingDistances(paths, 16, 1), 16, 2, new Random(1, 'test'));
    expect(new Set(Array.from(labels, (label, i) => label === (group(i) === group(0) ? labels[0] : 1 - labels[0]!)))).toEqual(
      new Set([true]),
    );
  });

  it('counts bits, and differences of bits', () => {
    expect([0, 1, -1, 0x80000001 | 0, 0x0f0f0f0f].map(bitCount)).toEqual([0, 1, 32, 2, 16]);
    expect([...hammingDistances(Int32Array.of(0b1010, 0b0110, -1), 3, 1)]).toEqual([0, 2, 30, 2, 0, 30, 30, 30, 0]);
  });
});
