// The kernels of a mixture against the same arithmetic written plainly: to the last digit, whatever the width of a layer.
import { describe, expect, it } from 'vitest';
import { sigmoid } from '../../../src/base/log-odds.js';
import { Random } from '../../../src/base/random.js';
import { Blend } from '../../../src/predict/evidence/blend.js';

const WIDTHS = [1, 7, 8, 60, 128];
const random = new Random(1, 'test/blend');

describe('Blend', () => {
  it.each(WIDTHS)('adds weighted columns one after another, %i experts wide', (width) => {
    const blend = new Blend(WIDTHS);
    const plain = Float64Array.from({ length: width }, () => 8 * random.next() - 6);
    blend.sums.set(plain);
    for (let term = 0; term < 3; term++) {
      const weight = random.next() - 0.3;
      const column = Float32Array.from({ length: width }, () => 10 * random.next() - 5);
      for (let e = 0; e < width; e++) plain[e]! += weight * column[e]!;
      blend.add(column, weight);
    }
    expect(blend.sums.subarray(0, width)).toEqual(plain);
    expect(blend.chances(width)).toEqual(Float32Array.from(plain, sigmoid));
  });

  it('takes sums beyond the table for its ends', () => {
    const blend = new Blend(WIDTHS);
    const sums = [Number.NEGATIVE_INFINITY, -17, -16, -15.999, 0, 15.999, 16, Number.POSITIVE_INFINITY];
    blend.sums.set(sums);
    expect([...blend.chances(8)]).toEqual(sums.map(sigmoid));
    expect(blend.chances(8)[4]).toBeCloseTo(0.5, 2);
  });

  it('leaves layers that are wider alone', () => {
    const blend = new Blend([8, 128]);
    blend.sums.fill(1);
    blend.add(new Float32Array(8).fill(1), 2);
    expect([...blend.sums.subarray(0, 12)]).toEqual([...new Array<number>(8).fill(3), ...new Array<number>(4).fill(1)]);
  });
});
