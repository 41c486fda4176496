// Axes of charts: every mark lies where its value lies, and no sample falls off.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { heatScale } from '../../src/report/html/sections/loads.js';
import { layerTicks, roundTicks, spanAxis } from '../../src/report/page/axis.js';

describe('axes', () => {
  it('start at a round value below the least sample, where samples lie close together', () => {
    const { at, ticks } = spanAxis(612, 870, 4, String);
    expect(ticks.map(({ label }) => label)).toEqual(['600', '700', '800', '900']);
    expect(at(750)).toBeCloseTo(0.5);
  });

  it('are logarithmic where they lie far apart', () => {
    const { at, ticks } = spanAxis(1, 100, 4, String);
    expect(ticks.map(({ label }) => label)).toEqual(['1', '2', '5', '10', '20', '50', '100']);
    expect(at(10)).toBeCloseTo(0.5);
  });

  it('hold every sample and name something, whatever the samples are', () => {
    const positive = fc.double({ min: 1e-3, max: 1e15, noNaN: true });
    fc.assert(
      fc.property(positive, fc.double({ min: 1, max: 1e6, noNaN: true }), (least, factor) => {
        const most = least * factor;
        const { at, ticks } = spanAxis(least, most, 4, String);
        for (const value of [least, most]) {
          expect(at(value)).toBeGreaterThanOrEqual(-1e-6);
          expect(at(value)).toBeLessThanOrEqual(1 + 1e-6);
        }
        expect(ticks.length).toBeGreaterThanOrEqual(1);
        expect(ticks.length).toBeLessThanOrEqual(8);
      }),
    );
  });

  it('step by round amounts from zero', () => {
    expect(roundTicks(64, 8, String)).toEqual([0, 10, 20, 30, 40, 50, 60].map((value) => ({ at: value / 64, label: String(value) })));
    expect(roundTicks(0, 8, String)).toEqual([{ at: 0, label: '0' }]);
    expect(layerTicks(12)[1]).toEqual({ at: 2.5 / 12, label: '2' });
  });
});

describe('scale of a heatmap', () => {
  it('puts the median of what was loaded at two fifths of the darkest', () => {
    const { most, median, gamma } = heatScale([[[0, 10, 20, 30, 100]], [[0, 0]]]);
    expect([most, median]).toEqual([100, 30]);
    expect((median / most) ** gamma).toBeCloseTo(0.4);
    expect(heatScale([[[0, 0]]])).toEqual({ most: 0, median: 0, gamma: 1 });
    expect(heatScale([[[7, 7]]])).toEqual({ most: 7, median: 7, gamma: 1 });
  });
});
