// What holds a run up, on cases made by hand: times of a token in ms.
import { describe, expect, it } from 'vitest';
import { foresightText, type KnownTimes, limitOf, limitText } from '../../src/report/limit.js';

const times = (own: number, more: Partial<KnownTimes> = {}): KnownTimes => {
  const ms = { allResident: 5, floor: 5, foresight: 6, belady: 8, lru: 12, ...more, own };
  return Object.fromEntries(Object.entries(ms).map(([name, value]) => [name, value * 1e6])) as unknown as KnownTimes;
};

describe('what holds a run up', () => {
  it.each([
    // 12 on demand: 4 above Belady, 2 from there to foresight, 1 from there to all resident.
    ['policy', 12, {}],
    // Belady itself, and whatever is faster without knowing all.
    ['prediction', 8, {}],
    ['prediction', 7.5, {}],
    // 0.5 above foresight, which is 1 above all resident.
    ['link', 6.5, {}],
    ['link', 40, { foresight: 30, belady: 32, lru: 50 }],
    // Nothing is waited for.
    ['work', 5.1, { foresight: 5 }],
    // The CPU computes: faster than with all experts on the GPU.
    ['work', 4, { foresight: 3.9, belady: 4, lru: 4.2 }],
    ['policy', 5, { foresight: 3.9, belady: 4, lru: 4.2 }],
  ] as const)('is the %s at %d ms', (of, own, more) => {
    expect(limitOf(times(own, more)).of).toBe(of);
  });

  it('is said in one sentence', () => {
    expect(limitText(times(12), 'GPU')).toBe('the cache policy: 4.00 ms of each token beyond Belady; prediction 2.00 ms; link 1.00 ms');
    expect(limitText(times(7), 'GPU')).toBe('the prediction: 1.00 ms of each token beyond foresight; link 1.00 ms');
    expect(limitText(times(5.1, { foresight: 5 }), 'GPU')).toBe(
      "the GPU's own work; knowing more, or a faster link, would gain next to nothing",
    );
    expect(limitText(times(12, { foresight: 5 + 1e-9 }), 'GPU')).not.toContain('link');
    expect(limitText(times(5.1, { foresight: 5 }), 'CPU')).toMatch(/^the CPU's own work;/);
  });
});

describe('how far a run goes', () => {
  it('is told between LRU and foresight', () => {
    expect(foresightText(times(9))).toBe(
      '5.00 ms to 6.00 ms TPOT at best, knowing all demand; LRU on demand 12.0 ms, Belady 8.00 ms (67 % of the way), this run 50 %',
    );
    expect(foresightText(times(13))).toContain('; this run is slower than LRU');
    expect(foresightText(times(5, { lru: 5, belady: 5, foresight: 5 }))).toBe(
      '5.00 ms TPOT at best, knowing all demand; LRU on demand 5.00 ms, Belady 5.00 ms: nothing is gained by knowing',
    );
  });
});
