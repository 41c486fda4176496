import { describe, expect, it } from 'vitest';
import { LateRate, queueAside, secondsLeft } from '../../../src/study/queue/progress.js';

describe('the progress of a queue', () => {
  it('counts the last half minute', () => {
    const rate = new LateRate(100);
    expect(rate.at(100)).toBe(0);
    for (let second = 101; second <= 110; second++) rate.add(second);
    // Ten in ten seconds.
    expect(rate.at(110)).toBe(1);
    // Ten in the last thirty; then those after 106: four.
    expect(rate.at(130)).toBeCloseTo(10 / 30, 12);
    expect(rate.at(136)).toBeCloseTo(4 / 30, 12);
    expect(rate.at(1000)).toBe(0);
  });

  it('counts many, and forgets them', () => {
    const rate = new LateRate(0);
    for (let i = 1; i <= 100_000; i++) rate.add(i / 100);
    // 100 a second for 1,000 seconds.
    expect(rate.at(1000)).toBeCloseTo(100, 1);
    expect(rate.at(1031)).toBe(0);
  });

  it('tells the time left from it', () => {
    expect(secondsLeft({ total: 100, settled: 40, rate: 2 })).toBe(30);
    expect(secondsLeft({ total: 100, settled: 40, rate: 0 })).toBe(null);
    expect(secondsLeft({ total: 100, settled: 100, rate: 0 })).toBe(0);
  });

  it('says who runs what', () => {
    const by = new Map([
      ['dan', 1],
      ['bob', 1200],
      ['ann', 400],
      ['cyd', 400],
    ]);
    const status = { total: 9000, settled: 2001, failed: 3, running: 12, rate: 84.4, workers: 4, by };
    expect(queueAside(status)).toBe('12 running, 3 failed, 84/s, 83 s left, 4 workers: bob 1,200, ann 400, cyd 400, +1');
    expect(queueAside({ ...status, failed: 0, rate: 0.25, by: new Map(), workers: 1 })).toBe('12 running, 0.3/s, 7.8 h left, 1 worker');
    expect(queueAside({ ...status, running: 0, failed: 0, rate: 0, by: new Map(), workers: 0 })).toBe('0 running, no worker yet');
  });
});
