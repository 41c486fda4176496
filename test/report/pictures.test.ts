// Pictures in text: columns stand for what they say, in colour and without, in Unicode and without, within 80 columns.
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { formatNs } from '../../src/base/units.js';
import { simulate } from '../../src/engine/simulate.js';
import { sparkline } from '../../src/report/sparkline.js';
import { picturesOf } from '../../src/report/summary/run.js';
import type { Result } from '../../src/result/result.js';
import { sampleResult } from '../result/sample.js';

const plain = { color: false, width: 80, unicode: true, verbose: true };
const unpainted = (text: string): string => text.replace(/\x1b\[[0-9;]*m/g, '');

describe('sparkline', () => {
  it('is as high as values lie between the least and the largest', () => {
    expect(sparkline([0, 7, 3, null, 5], 10, plain)).toEqual({ text: '▁█▄ ▆', least: 0, most: 7 });
    expect(sparkline([0, 7, 3, null, 5], 10, { unicode: false }).text).toBe('.@= *');
    expect(sparkline([2, 2], 10, plain)).toEqual({ text: '▅▅', least: 2, most: 2 });
    expect(sparkline([null], 10, plain)).toEqual({ text: ' ', least: Number.NaN, most: Number.NaN });
  });

  it('shows means of neighbours where there are more values than columns, and says their range', () => {
    // Means of (0, 2), (10, 20), (4): 1, 15, 4.
    expect(sparkline([0, 2, 10, 20, 4], 3, plain)).toEqual({ text: '▁█▃', least: 1, most: 15 });
  });

  it('never takes more columns than it may', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.double({ min: 0, max: 1e9, noNaN: true })), { minLength: 1, maxLength: 300 }),
        fc.integer({ min: 1, max: 60 }),
        (values, width) => {
          expect(sparkline(values, width, plain).text.length).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
});

describe('pictures of a run', () => {
  let result: Result;
  beforeAll(async () => {
    result = await simulate({ model: 'olmoe-1b-7b', hardware: 'rtx-3090', workload: { tokens: 24 } }, { details: true });
  });

  it('show layers of any result, and time and loads where it keeps them', () => {
    const bare = picturesOf(sampleResult(), plain);
    expect(bare).toContain('by layer  0 to 47');
    expect(bare).toContain('With --details');
    const full = picturesOf(result, plain);
    expect(full).toMatch(/^over time {2}0 to [\d.]+ ms/m);
    expect(full).toMatch(/^link h2d /m);
    expect(full).toContain('loads by layer and expert\n   0 ');
    expect(full).not.toContain('With --details');
  });

  it('say the least and the largest value of what they draw', () => {
    const { stallNs, hits } = result.perLayer;
    const lines = picturesOf(result, plain).split('\n');
    expect(lines.find((line) => line.startsWith('stall'))).toMatch(
      new RegExp(` {2}${formatNs(Math.min(...stallNs))} to ${formatNs(Math.max(...stallNs))}$`),
    );
    // A single pass from an empty cache.
    expect(hits.every((count) => count === 0)).toBe(true);
    expect(lines.find((line) => line.startsWith('hit rate'))).toMatch(/ {2}0\.0 % all along$/);
  });

  it('keep within 80 columns, and to ASCII where there is nothing else', () => {
    for (const options of [plain, { ...plain, color: true }, { ...plain, unicode: false }, { ...plain, unicode: false, color: true }]) {
      const text = picturesOf(result, options);
      for (const line of unpainted(text).split('\n')) expect(line.length).toBeLessThanOrEqual(80);
      expect(text.includes('\x1b')).toBe(options.color);
      if (!options.unicode) expect(unpainted(text)).toMatch(/^[\x20-\x7e\n]*$/);
    }
  });
});
