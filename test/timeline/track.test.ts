// Whole nanoseconds from fractions: nothing overlaps, and nothing adds up.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GAP, Track } from '../../src/timeline/track.js';
import { cases } from '../cases.js';

describe('a track', () => {
  it('keeps whole times as they are', () => {
    const track = new Track(2);
    expect([track.place(1, 3, 10), track.endNs]).toEqual([3, 10]);
    expect([track.place(2, 10, 11), track.endNs]).toEqual([10, 11]);
    track.reach(20);
    expect([track.place(1, 20, 20), track.endNs]).toEqual([20, 20]);
  });

  it('gives each kind its exact sum within half a nanosecond, and each edge its place within (kinds + 1) / 2', () => {
    const part = fc.record({ kind: fc.integer({ min: GAP, max: 3 }), ns: fc.double({ min: 0, max: 9, noNaN: true }) });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 400 }), (parts) => {
        const track = new Track(3);
        const exact = [0, 0, 0, 0];
        const whole = [0, 0, 0, 0];
        let nowNs = 0;
        for (const { kind, ns } of parts) {
          const before = track.endNs;
          if (kind === GAP) track.reach(nowNs + ns);
          else expect(track.place(kind, nowNs, nowNs + ns)).toBe(before);
          nowNs += ns;
          exact[kind]! += ns;
          whole[kind]! += track.endNs - before;
          expect(Number.isInteger(track.endNs)).toBe(true);
          expect(track.endNs).toBeGreaterThanOrEqual(before);
          expect(Math.abs(track.endNs - nowNs)).toBeLessThan(2.000001);
        }
        exact.forEach((ns, kind) => void expect(Math.abs(whole[kind]! - ns)).toBeLessThan(0.500001));
      }),
      { seed: 3, numRuns: cases(200) },
    );
  });
});
