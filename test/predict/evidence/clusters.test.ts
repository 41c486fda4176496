// Groups of alike vectors, each spoken for by the one in its middle.
import { describe, expect, it } from 'vitest';
import { representatives } from '../../../src/predict/evidence/clusters.js';

const points = (...values: readonly (readonly number[])[]) => values.map((value) => Float32Array.from(value));

describe('representatives', () => {
  it('are all, where they are few', () => {
    expect(representatives(points([1, 0], [0, 1]), 2)).toEqual([0, 1]);
    expect(representatives(points([1, 0]), 5)).toEqual([0]);
  });

  it('are the middles of the groups that there are', () => {
    // Three on a line around 1, two at 10 and 11, one far off: the middle of the first is the second point.
    const line = points([0], [1], [2], [10], [11], [50]);
    expect(representatives(line, 3)).toEqual([1, 3, 5]);
  });

  it('are fewer where vectors are alike, and the same for every order of equal ones', () => {
    expect(representatives(points([3, 3], [3, 3], [3, 3]), 2)).toEqual([0]);
  });
});
