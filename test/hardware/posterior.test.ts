// The posterior of a machine: by hand for two rows, by a dense inverse for many, and what must hold for any rows.
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import { KNOBS } from '../../src/hardware/knobs.js';
import {
  errorCovariance,
  expectedSteps,
  type Figure,
  FOUR_OF_FIVE,
  posteriorCovariance,
  ratioBand,
  type TaughtFigure,
} from '../../src/hardware/posterior.js';

const timeShares = (shares: Readonly<Record<string, number>>): number[] => KNOBS.map(({ name }) => shares[name] ?? 0);
const DECODE: Figure = {
  kind: 'decode',
  runtime: 'llama.cpp',
  model: 'm',
  strategy: null,
  shares: timeShares({ reading: 1, 'cpu.memory': 0.5, kv: 0.1, launches: 0.2 }),
};
const of = (more: Partial<TaughtFigure>): TaughtFigure => ({ ...DECODE, residual: 0.2, setting: 'flat', ...more });
const DEEP = of({ shares: timeShares({ reading: 1, 'cpu.memory': 0.3, kv: 0.5 }), residual: 0.4, setting: 'deep' });
/** Variance of a knob's offset for the same machine, runtime and model. */
const READING = 0.1 ** 2 + 0.3 ** 2 + 0.12 ** 2;
const sdOf = (taught: readonly TaughtFigure[], figure: Figure): number => Math.sqrt(posteriorCovariance(taught, [figure])[0]![0]!);

describe('two rows, by hand', () => {
  const own = 0.09 ** 2 + 0.02 ** 2;
  const a = READING + 0.4 ** 2 * 0.25 + 0.9 ** 2 * 0.01 + 0.04 + own;
  const b = READING + 0.4 ** 2 * 0.09 + 0.9 ** 2 * 0.25 + own;
  const ab = READING + 0.4 ** 2 * 0.15 + 0.9 ** 2 * 0.05;
  // The inverse of a matrix of two.
  const det = a * b - ab ** 2;
  const [x, y] = [(b * 0.2 - ab * 0.4) / det, (a * 0.4 - ab * 0.2) / det];

  it('steps are variances times shares times weights', () => {
    const steps = expectedSteps([of({}), DEEP], DECODE);
    expect(steps[0]).toBeCloseTo(READING * (x + y), 12);
    expect(steps[KNOBS.findIndex(({ name }) => name === 'kv')]).toBeCloseTo(0.9 ** 2 * (0.1 * x + 0.5 * y), 12);
    expect(steps[KNOBS.findIndex(({ name }) => name === 'arithmetic')]).toBe(0);
  });

  it('the variance of a third is what they do not explain, by Student', () => {
    const third = { ...DECODE, shares: timeShares({ reading: 1 }) };
    const explained = (READING ** 2 * (a + b - 2 * ab)) / det;
    const scale = (2 + 0.2 * x + 0.4 * y) / 4;
    expect(sdOf([of({}), DEEP], third) ** 2).toBeCloseTo(scale * (READING + own - explained), 12);
    expect(FOUR_OF_FIVE).toBeCloseTo(1.084, 3);
  });
});

describe('what must hold', () => {
  it('without rows nothing moves, and the prior is left', () => {
    expect(expectedSteps([], DECODE)).toEqual(KNOBS.map(() => 0));
    expect(sdOf([], DECODE) ** 2).toBeCloseTo(errorCovariance(DECODE, DECODE) + 0.02 ** 2, 12);
  });

  it('a row twice teaches less than two rows', () => {
    const calm = { ...DEEP, residual: 0 };
    const still = of({ residual: 0 });
    const third = { ...DECODE, shares: timeShares({ reading: 1, 'cpu.memory': 0.4, kv: 0.3 }) };
    expect(sdOf([still, calm], third) * 2).toBeLessThan(sdOf([still, still], third) * 2);
    // What a repeat adds is the noise of a run alone.
    const [once, twice] = [sdOf([still], third) * Math.sqrt(3 / 2), sdOf([still, still], third) * Math.sqrt(4 / 2)];
    expect(twice).toBeLessThan(once);
    expect(twice).toBeGreaterThan(0.99 * once);
  });

  it('a row of another runtime or model moves a speed less than one of its own', () => {
    const [same, other, foreign] = [{}, { model: 'n' }, { runtime: 'vllm', model: 'n' }].map(
      (more) => expectedSteps([of(more)], DECODE)[0]!,
    );
    expect(other).toBeLessThan(same!);
    expect(foreign).toBeLessThan(other!);
    expect(foreign).toBeGreaterThan(0);
  });

  it('decoding teaches nothing of prompts that share no time with it', () => {
    const prompt: Figure = { ...DECODE, kind: 'prefill', shares: timeShares({ arithmetic: 1, products: 0.5 }) };
    expect(errorCovariance(DECODE, prompt)).toBe(0);
  });

  it('is what a dense inverse gives, for any rows', () => {
    const stream = new Random(7, 'rows');
    const draw = (): number => stream.next();
    for (let round = 0; round < 20; round++) {
      const rows = Array.from({ length: 1 + (round % 6) }, () =>
        of({ setting: `${draw()}`, shares: KNOBS.map(() => draw()), residual: draw() - 0.5, runtime: draw() < 0.5 ? 'llama.cpp' : 'vllm' }),
      );
      const all: Figure[] = [...rows, { ...DECODE, shares: KNOBS.map(() => draw()) }];
      // The last entry of the inverse of the whole covariance is one over the variance that is left.
      const whole = all.map((a, i) => all.map((b, j) => errorCovariance(a, b) + (i === j ? 0.02 ** 2 : 0)));
      const left = 1 / inverse(whole).at(-1)!.at(-1)!;
      const precision = inverse(whole.slice(0, -1).map((row) => row.slice(0, -1)));
      const surprise = rows.reduce(
        (sum, a, i) => sum + rows.reduce((part, b, j) => part + a.residual * precision[i]![j]! * b.residual, 0),
        0,
      );
      expect(sdOf(rows, all.at(-1)!) ** 2).toBeCloseTo((left * (2 + surprise)) / (2 + rows.length), 10);
    }
  });
});

describe('the ratio of two settings', () => {
  const at = (speed: number, more: Partial<Figure> = {}) => ({ ...DECODE, speed, ...more });
  const cache = { strategy: 'lru', shares: timeShares({ reading: 1, 'cpu.memory': 0.4, kv: 0.1, launches: 0.2 }) };
  const near = { shares: timeShares({ reading: 1, 'cpu.memory': 0.45, kv: 0.1, launches: 0.2 }) };

  it('is surer than either speed, since what both have in common cancels', () => {
    const band = ratioBand(at(12), at(10, near));
    expect(band.ratio).toBe(1.2);
    expect(Math.log(band.high / band.ratio)).toBeCloseTo(FOUR_OF_FIVE * Math.sqrt(2 * (0.09 ** 2 + 0.02 ** 2) + 0.16 * 0.05 ** 2), 12);
    expect(band.low * band.high).toBeCloseTo(1.44, 12);
    expect(band.sure).toBe(true);
    expect(band.chance).toBeGreaterThan(0.9);
  });

  it('of a cache is unsure where no cache was measured, by .28 and more', () => {
    const band = ratioBand(at(14, cache), at(10));
    expect(band.sure).toBe(false);
    expect(Math.log(band.high / band.ratio) / FOUR_OF_FIVE).toBeGreaterThan(0.28);
    const taught = [
      { ...DECODE, residual: 0.1 },
      { ...DECODE, ...cache, residual: 0.1, shares: DECODE.shares },
    ];
    const after = ratioBand(at(14, cache), at(10), taught);
    expect(after.high / after.low).toBeLessThan(0.8 * (band.high / band.low));
    expect(after.sure).toBe(true);
  });

  it('the chance is that of the other way round, and at the ends of the band a tenth', () => {
    const [band, back] = [ratioBand(at(12), at(10, near)), ratioBand(at(10, near), at(12))];
    expect(band.chance + back.chance).toBeCloseTo(1, 12);
    expect(ratioBand(at(10 * (band.high / band.ratio)), at(10, near)).chance).toBeCloseTo(0.9, 4);
    expect(ratioBand(at(10), at(10, near)).chance).toBe(0.5);
  });
});

/** The inverse by Gauss and Jordan, without pivots: the matrices are positive definite. */
function inverse(matrix: readonly (readonly number[])[]): number[][] {
  const rows = matrix.map((row, i) => [...row, ...matrix.map((_, j) => Number(i === j))]);
  for (const [k, row] of rows.entries()) {
    const pivot = row[k]!;
    for (let j = 0; j < row.length; j++) row[j]! /= pivot;
    for (const [i, other] of rows.entries()) {
      const factor = i === k ? 0 : other[k]!;
      for (let j = 0; j < other.length; j++) other[j]! -= factor * row[j]!;
    }
  }
  return rows.map((row) => row.slice(matrix.length));
}
