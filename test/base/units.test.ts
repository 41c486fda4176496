// Quantities: what is read, what is refused and how, and what reports print.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import {
  BYTES,
  COUNT,
  FLOPS,
  formatBytes,
  formatCount,
  formatCounted,
  formatFlops,
  formatNs,
  formatNumber,
  formatParameters,
  formatRate,
  formatRatio,
  formatTokensPerSecond,
  parseCount,
  parseDuration,
  parseQuantity,
  parseShare,
  RATE,
} from '../../src/base/units.js';

describe('parsing', () => {
  it.each([
    ['8GiB', 8 * 2 ** 30],
    ['4000MiB', 4000 * 2 ** 20],
    ['24 GB', 24e9],
    ['1.5 gib', 1.5 * 2 ** 30],
    ['12kb', 12_000],
    ['12KB', 12_000],
    ['1e3', 1000],
    ['7', 7],
    [' 7 B ', 7],
    [123, 123],
    ['0.3 B', 0],
  ])('reads %j as a size', (text, bytes) => expect(parseQuantity(BYTES, text, 'x')).toBe(bytes));

  it.each(['', 'GiB', '-1', '8 Gb', '8 giB/s', '8Gi', '0x10', '1,000', 'NaN', Number.NaN, Number.POSITIVE_INFINITY, -1, '1e999'])(
    'refuses %j as a size and says what to write',
    (text) => {
      expect(() => parseQuantity(BYTES, text, '--cache')).toThrow(UserError);
      expect(() => parseQuantity(BYTES, text, '--cache')).toThrow(/^--cache: .* is not a size; write e\.g\. 8GiB, 4000MiB, 24 GB/);
    },
  );

  it.each([
    ['10us', 10_000],
    // Not 32189.999999999996.
    ['32.19us', 32_190],
    ['2 ms', 2e6],
    ['1.5s', 1.5e9],
    ['3min', 180e9],
    ['5µs', 5000],
    ['40', 40],
  ])('reads %j as a duration', (text, ns) => expect(parseDuration(text, 'x')).toBe(ns));

  it.each(['1 minute', '5 S', '2 h s'])('refuses %j as a duration', (text) =>
    expect(() => parseDuration(text, 'slo')).toThrow(/^slo: .*is not a duration; write e\.g\. 10us/),
  );

  it('reads rates, compute rates, shares and counts', () => {
    expect(parseQuantity(RATE, '25.2 GB/s', 'x')).toBeCloseTo(25.2e9, 0);
    expect(parseQuantity(RATE, '2460MiB/s', 'x')).toBe(2460 * 2 ** 20);
    expect(FLOPS.read('142 TFLOP/s')).toBe(142e12);
    expect(FLOPS.read('800 GFLOPS')).toBe(800e9);
    expect(parseShare('25%', 'x')).toBe(0.25);
    expect(parseShare(0.5, 'x')).toBe(0.5);
    expect(parseCount('2k', 'x')).toBe(2000);
    expect(parseCount('1.5M', 'x')).toBe(1_500_000);
    expect(COUNT.read('1.5')).toBeNull();
  });

  it('refuses shares above one and rates without a time', () => {
    expect(() => parseShare('101%', '--cache')).toThrow(/--cache: "101%" is not a share; write e\.g\. 25% or 0\.25/);
    expect(() => parseShare(25, '--cache')).toThrow(UserError);
    expect(() => parseQuantity(RATE, '25 GB', 'bandwidth')).toThrow(/is not a rate/);
    expect(() => parseQuantity(RATE, '25 /s', 'bandwidth')).toThrow(/is not a rate/);
  });
});

describe('formatting', () => {
  it.each([
    [0, '0 B'],
    [512, '512 B'],
    [1536, '1.50 KiB'],
    [8 * 2 ** 30, '8.00 GiB'],
    [18.56e9, '17.3 GiB'],
    [1023.99 * 2 ** 20, '1.00 GiB'],
    [1010 * 2 ** 20, '1,010 MiB'],
    [-1536, '-1.50 KiB'],
    [Number.NaN, 'n/a'],
  ])('prints %d bytes as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [0, '0 ns'],
    [0.25, '0.25 ns'],
    [842, '842 ns'],
    [15_000, '15.0 us'],
    [6_868_131, '6.87 ms'],
    [999_999, '1.00 ms'],
    [1.5e9, '1.50 s'],
    [4_000e9, '4,000 s'],
  ])('prints %d ns as %s', (ns, text) => expect(formatNs(ns)).toBe(text));

  it('prints the other kinds', () => {
    expect(formatRate(25.2e9)).toBe('25.2 GB/s');
    expect(formatFlops(2.36e9)).toBe('2.36 GFLOP');
    expect(formatParameters(30.53e9)).toBe('30.5B');
    expect(formatParameters(1.0264e12)).toBe('1.03T');
    expect(formatRatio(0.8389)).toBe('83.9 %');
    expect(formatRatio(1)).toBe('100.0 %');
    expect(formatTokensPerSecond(145.6)).toBe('146 tok/s');
    expect(formatTokensPerSecond(0.421)).toBe('0.42 tok/s');
    expect(formatTokensPerSecond(9.996)).toBe('10.0 tok/s');
    expect(formatCount(1234567)).toBe('1,234,567');
    expect(formatNumber(-0.001, 2)).toBe('0.00');
    expect(formatNumber(-1234.5, 1)).toBe('-1,234.5');
  });

  it('prints sizes that read back to within half a unit of the last digit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 50 }), (bytes) => {
        const back = parseQuantity(BYTES, formatBytes(bytes).replaceAll(',', ''), 'x');
        expect(Math.abs(back - bytes)).toBeLessThanOrEqual(bytes * 0.0051);
      }),
    );
  });
});

describe('formatCounted', () => {
  it('counts things: one has no s', () => {
    expect([0, 1, 1234].map((count) => formatCounted(count, 'token'))).toEqual(['0 tokens', '1 token', '1,234 tokens']);
  });
});
