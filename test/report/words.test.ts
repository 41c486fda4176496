// Bands as people read them: ranges of two digits.
import { describe, expect, it } from 'vitest';
import { bandText, bareRange, countedText, speedRange, timesText } from '../../src/report/words.js';
import { metric } from '../../src/result/catalogue.js';
import type { Accuracy } from '../../src/result/result.js';

const band: Accuracy = { low: 0.7, high: 1.45, rows: 41, machines: 12, common: 'llama.cpp, k, cpu-layers' };

describe('a range', () => {
  it('is of the speed times both ends, in two digits', () => {
    // 20.5 x .7 = 14.35, and x 1.45 = 29.7.
    expect(speedRange(band, 20.5)).toBe('14 to 30 tok/s');
    expect(speedRange(band, 1531.6)).toBe('1,000 to 2,300 tok/s');
    expect(speedRange(band, 0.144)).toBe('0.1 to 0.21 tok/s');
    expect(speedRange(band, 0)).toBe('0 to 0 tok/s');
  });

  it('is rounded outwards, so that the speed is within it', () => {
    expect(speedRange({ ...band, low: 1, high: 1 }, 144.3)).toBe('140 to 150 tok/s');
    expect(speedRange({ ...band, low: 1, high: 1 }, 1.9)).toBe('1.9 to 1.9 tok/s');
    expect(speedRange({ ...band, low: 1, high: 1 }, 99.5)).toBe('99 to 100 tok/s');
  });

  it('of nothing is none', () => {
    expect([bareRange(null, 10), bareRange(band, null), bareRange(band, undefined), bareRange(band, 10)]).toEqual([
      null,
      null,
      null,
      '7 to 15',
    ]);
  });
});

it('a band has words of its own: multiples, and what it is counted on', () => {
  expect([timesText(band), countedText(band)]).toEqual(['0.7 to 1.5 times', '80 % of 41 measurements of 12 machines']);
  expect(countedText({ ...band, rows: 1, machines: 1 })).toBe('80 % of 1 measurement of 1 machine');
});

it('stands beside the speed of a result, where its machine is not calibrated', () => {
  const metrics = { 'speed.decode': metric('speed.decode', 20.5) };
  const of = (accuracy?: { decode: Accuracy | null; prefill: null }) => bandText({ metrics, ...(accuracy && { accuracy }) }, 'decode');
  expect(of({ decode: band, prefill: null })).toBe('(14 to 30 tok/s for 80 % of 41 measurements of 12 machines)');
  expect(of({ decode: { ...band, common: 'all' }, prefill: null })).toContain('12 machines, none comparable)');
  expect([of({ decode: null, prefill: null }), of()]).toEqual(['(no comparable measurement)', null]);
});
