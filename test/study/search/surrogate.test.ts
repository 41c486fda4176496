// The surrogate of a search: what it expects of cells, by hand and against slower ways to the same figures.
import { describe, expect, it } from 'vitest';
import { encode } from '../../../src/study/search/encoding.js';
import { chanceAtLeast } from '../../../src/study/search/gain.js';
import { GaussianProcess } from '../../../src/study/search/gaussian-process.js';
import { beats, frontOf } from '../../../src/study/search/searcher.js';
import { longFrom } from '../../../src/study/search/short-runs.js';

const seen = (...values: readonly (readonly [cell: number, value: number])[]) => values.map(([cell, value]) => ({ cell, value, noise: 0 }));

describe('the distance of values', () => {
  it('of numbers, shares and sizes is how many values lie between', () => {
    for (const values of [
      [1, 2, 4, 100],
      ['10%', '20%', '25%', '90%'],
      ['1GiB', '2GiB', '4GiB', '1TiB'],
      ['2/layer', '3/layer', '4/layer', '9/layer'],
    ]) {
      const { axes } = encode(
        ['a'],
        values.map((value) => [value]),
      );
      expect([...axes[0]!.distance.subarray(0, 4)], String(values)).toEqual([0, 1 / 3, 2 / 3, 1]);
    }
  });

  it('of texts is the share of their parts that they have not in common', () => {
    const { axes, codes } = encode(
      ['a', 'b'],
      [
        ['s3-fifo:small=0.1', true],
        ['s3-fifo:small=0.3', false],
        ['lru', true],
      ],
    );
    // Two parts each, one of three in common.
    expect(axes[0]!.distance[1]).toBeCloseTo(2 / 3, 12);
    expect(axes[0]!.distance[2]).toBe(1);
    expect([...axes[1]!.distance]).toEqual([0, 1, 1, 0]);
    expect(codes.map((code) => [...code])).toEqual([
      [0, 1, 2],
      [0, 1, 0],
    ]);
  });
});

describe('a Gaussian process', () => {
  const line = encode(
    ['x'],
    Array.from({ length: 9 }, (_, x) => [x]),
  );

  it('knows what it saw, and is the less sure the farther away', () => {
    const process = new GaussianProcess(line);
    process.observe(seen([0, 10], [8, 20]), 0);
    const [first, near, middle, last] = process.posteriors([0, 1, 4, 8]);
    expect(first!.mean).toBeCloseTo(10, 3);
    expect(last!.mean).toBeCloseTo(20, 3);
    // Both are equally far from the middle, which is therefore their mean.
    expect(middle!.mean).toBeCloseTo(15, 9);
    expect(first!.sd).toBeLessThan(0.1);
    expect(near!.sd).toBeLessThan(middle!.sd);
  });

  it('is what two figures make of a third by hand', () => {
    const process = new GaussianProcess(line);
    process.observe(seen([0, -1], [8, 1]), 0);
    // Weight 0.3 without a fit: k(0, 8) = e^-0.3, k(2, 0) = e^-0.075, k(2, 8) = e^-0.225. For y = (-1, 1) the two weights are -+1 / (1 - k).
    const k = Math.exp(-0.3);
    const expected = (Math.exp(-0.225) - Math.exp(-0.075)) / (1 - k);
    expect(process.posteriors([2])[0]!.mean).toBeCloseTo(expected, 3);
  });

  it('finds the axis that matters', () => {
    const cells = Array.from({ length: 25 }, (_, i) => [i % 5, Math.floor(i / 5)]);
    const process = new GaussianProcess(encode(['x', 'noise'], cells));
    const some = [0, 2, 4, 6, 8, 11, 13, 15, 17, 19, 20, 23];
    process.observe(seen(...some.map((cell) => [cell, (cell % 5) ** 2] as const)), 4);
    for (const [i, cell] of [1, 7, 21, 24].entries()) expect(process.posteriors([1, 7, 21, 24])[i]!.mean).toBeCloseTo((cell % 5) ** 2, 0);
  });

  it('tells what each figure would be without itself', () => {
    const figures = seen([0, 3], [2, 5], [3, 4], [7, 9]);
    const process = new GaussianProcess(line);
    process.observe(figures, 0);
    const told = process.leaveOneOut();
    // The slow way, with the mean and the scale that all of them have: those left out stand at the mean of the process.
    const mean = 21 / 4;
    for (const [i, { cell }] of figures.entries()) {
      const rest = figures.filter((one) => one.cell !== cell);
      const gram = rest.map((a) => rest.map((b) => Math.exp((-0.3 * Math.abs(a.cell - b.cell)) / 8)));
      const weights = solve(
        gram,
        rest.map(({ value }) => value - mean),
      );
      const expected = mean + rest.reduce((sum, one, at) => sum + weights[at]! * Math.exp((-0.3 * Math.abs(one.cell - cell)) / 8), 0);
      expect(told[i]!.mean).toBeCloseTo(expected, 2);
    }
  });

  it('believes what it expects, and is sure of it from then on', () => {
    const process = new GaussianProcess(line);
    process.observe(seen([0, 10], [8, 20]), 0);
    const [before, other] = process.posteriors([4, 6]);
    process.imagine(4);
    const [after, later] = process.posteriors([4, 6]);
    expect(after!.mean).toBeCloseTo(before!.mean, 9);
    expect(after!.sd).toBeLessThan(0.05 * before!.sd);
    expect(later!.mean).toBeCloseTo(other!.mean, 9);
    expect(later!.sd).toBeLessThan(other!.sd);
  });
});

describe('short runs', () => {
  it('are shifted and scaled as those cells show that ran both', () => {
    const whole = seen([0, 12], [1, 22], [2, 32]);
    const short = new Map([...whole.map(({ cell, value }) => [cell, value - 2] as const), [5, 40]]);
    // Slope 1 is what is drawn to, and what the three show.
    expect(longFrom(short, whole)).toEqual([{ cell: 5, value: expect.closeTo(42, 9) as number, noise: expect.any(Number) as number }]);
    expect(longFrom(new Map([[5, 40]]), [])).toEqual([{ cell: 5, value: 40, noise: 0 }]);
  });
});

it('a chance is that of the normal distribution', () => {
  expect(chanceAtLeast({ mean: 1, sd: 2 }, 1)).toBeCloseTo(0.5, 6);
  expect(chanceAtLeast({ mean: 0, sd: 1 }, 1.959964)).toBeCloseTo(0.025, 6);
  expect([chanceAtLeast({ mean: 1, sd: 0 }, 1), chanceAtLeast({ mean: 1, sd: 0 }, 1.1)]).toEqual([1, 0]);
});

it('a front is what nothing beats', () => {
  expect([beats([1, 1], [1, 0]), beats([1, 1], [1, 1]), beats([2, 0], [1, 1])]).toEqual([true, false, false]);
  const points = [
    [1, 5],
    [2, 4],
    [2, 3],
    [3, 1],
    [0, 5],
    [2, 4],
  ];
  expect(frontOf(points, (point) => point)).toEqual([
    [1, 5],
    [2, 4],
    [3, 1],
  ]);
});

/** Solves a small system by elimination. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  for (let i = 0; i < rows.length; i++) {
    for (let j = 0; j < rows.length; j++) {
      if (i === j) continue;
      const factor = rows[j]![i]! / rows[i]![i]!;
      for (let k = 0; k <= rows.length; k++) rows[j]![k]! -= factor * rows[i]![k]!;
    }
  }
  return rows.map((row, i) => row.at(-1)! / row[i]!);
}
