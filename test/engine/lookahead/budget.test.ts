// A budget by hand: what pays goes on, what loses pauses and is tried again, each distance by itself.
import { describe, expect, it } from 'vitest';
import { PrefetchBudget } from '../../../src/engine/lookahead/budget.js';

/** 16 prefetches of expert 0 for a layer `distance` ahead, each used and worth so many ns. */
function trial(budget: PrefetchBudget, ns: number, distance = 1): void {
  for (let k = 0; k < 16; k++) {
    expect(budget.allows(0, distance)).toBe(true);
    budget.used(0, ns);
  }
}

/** Layers until prefetches may start again. */
function pauseOf(budget: PrefetchBudget): number {
  let layers = 0;
  for (; !budget.allows(0, 1); layers++) budget.known();
  return layers;
}

describe('PrefetchBudget', () => {
  it('goes on while more is avoided than caused', () => {
    const budget = new PrefetchBudget(4);
    for (let k = 0; k < 3000; k++) {
      expect(budget.allows(0, 1)).toBe(true);
      budget.delayed(0, 9);
      budget.used(0, 10);
    }
    expect(budget.allows(0, 1)).toBe(true);
    expect(budget.paused).toBe(0);
  });

  it('pauses what loses for 4,096 layers, then for twice as long, up to 131,072', () => {
    const budget = new PrefetchBudget(4);
    const pauses = Array.from({ length: 6 }, () => {
      trial(budget, -1);
      return pauseOf(budget);
    });
    expect(pauses).toEqual([4096, 8192, 16384, 32768, 65536, 131072]);
    expect(budget.paused).toBe(pauses.reduce((sum, layers) => sum + layers));
  });

  it('holds delays of demands against what is avoided, and what was pushed out for nothing', () => {
    const delays = new PrefetchBudget(4);
    trial(delays, 10);
    expect(delays.allows(0, 1)).toBe(true);
    delays.delayed(0, 700);
    delays.used(0, 10);
    expect(delays.allows(0, 1)).toBe(false);

    const unused = new Uint8Array(4);
    const regrets = (isUnused: number): boolean => {
      const budget = new PrefetchBudget(4);
      trial(budget, 10);
      expect(budget.allows(0, 1)).toBe(true);
      budget.pushedOut(3, 0);
      unused[0] = isUnused;
      budget.missed(3, 700, unused);
      // It is regretted once.
      budget.missed(3, 7000, unused);
      budget.wasted(0);
      return !budget.allows(0, 1);
    };
    expect(regrets(1)).toBe(true);
    expect(regrets(0)).toBe(false);
  });

  it('keeps an account for each distance', () => {
    const budget = new PrefetchBudget(4);
    trial(budget, -1, 2);
    expect([1, 2, 3].map((distance) => budget.allows(0, distance))).toEqual([true, false, true]);
    // 8 layers ahead and more share one.
    trial(budget, -1, 9);
    expect(budget.allows(0, 30)).toBe(false);
  });

  it('knows that a prefetch may cost more than a miss', () => {
    const budget = new PrefetchBudget(4);
    trial(budget, 1);
    for (let k = 0; k < 16; k++) {
      if (budget.allows(0, 1)) budget.used(0, -2);
    }
    expect(budget.allows(0, 1)).toBe(false);
  });
});
