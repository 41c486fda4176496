// What holds a run up, on cases made by hand: times of a token in ms.
import { describe, expect, it } from 'vitest';
import { bestText, type KnownTimes, limitOf, limitText } from '../../src/report/limit.js';

const times = (tpot: number, more: Partial<KnownTimes> = {}): KnownTimes => {
  const ms = { allResident: 5, floor: 5, found: 6, belady: 8, lru: 12, ...more, tpot };
  return Object.fromEntries(Object.entries(ms).map(([name, value]) => [name, value * 1e6])) as unknown as KnownTimes;
};

describe('what holds a run up', () => {
  it.each([
    // 12 on demand: 4 above Belady, 2 from there to the best found, 1 from there to all resident.
    ['policy', 12, {}],
    // Belady itself, and whatever is faster without knowing all.
    ['prediction', 8, {}],
    ['prediction', 7.5, {}],
    // 0.5 above the best found, which is 1 above all resident.
    ['link', 6.5, {}],
    ['link', 40, { found: 30, belady: 32, lru: 50 }],
    // Nothing is waited for.
    ['work', 5.1, { found: 5 }],
    // The CPU computes: faster than with all experts on the GPU.
    ['work', 4, { found: 3.9, belady: 4, lru: 4.2 }],
    ['policy', 5, { found: 3.9, belady: 4, lru: 4.2 }],
  ] as const)('is the %s at %d ms', (of, own, more) => {
    expect(limitOf(times(own, more)).of).toBe(of);
  });

  it('is said in one sentence', () => {
    expect(limitText(times(12), 'GPU')).toBe('the cache policy: 4.00 ms of each token beyond Belady; prediction 2.00 ms; link 1.00 ms');
    expect(limitText(times(7), 'GPU')).toBe('the prediction: 1.00 ms of each token beyond the best found; link 1.00 ms');
    expect(limitText(times(5.1, { found: 5 }), 'GPU')).toBe(
      "the GPU's own work; knowing more, or a faster link, would gain next to nothing",
    );
    expect(limitText(times(12, { found: 5 + 1e-9 }), 'GPU')).not.toContain('link');
    expect(limitText(times(5.1, { found: 5 }), 'CPU')).toMatch(/^the CPU's own work;/);
  });
});

describe('the best', () => {
  it('is the floor and the fastest found, with the share of the way from LRU', () => {
    expect(bestText(times(9))).toBe(
      '6.00 ms a token is the fastest that we found, and no run takes less than 5.00 ms a token; ' +
        'LRU on demand 12.0 ms, Belady 8.00 ms (67 % of the way), this run 50 %',
    );
    expect(bestText({ ...times(9), byLoads: true })).toMatch(/^6\.00 ms a token is the fastest that we found without the CPU, and no run/);
    expect(bestText(times(13))).toContain('; this run is slower than LRU');
    expect(bestText(times(5.5, { lru: 5, belady: 5, found: 5 }))).toMatch(/Belady 5\.00 ms: nothing is gained by knowing$/);
  });

  it('is the run itself if nothing faster is found', () => {
    expect(bestText(times(6))).toBe(
      'nothing that we know is faster, and no run takes less than 5.00 ms a token; LRU on demand 12.0 ms, Belady 8.00 ms',
    );
  });

  it('is the floor alone if no schedule was looked for', () => {
    const { allResident, floor, tpot } = times(9);
    const alone = { allResident, floor, tpot };
    expect(bestText(alone)).toBe('no run takes less than 5.00 ms a token; --found all looks for the fastest schedule');
    expect(limitText(alone, 'GPU')).toBe('');
  });
});
