// The knee and the verdict, on curves made by hand.
import { describe, expect, it } from 'vitest';
import type { PolicyCurve } from '../../src/capacity/curve-result.js';
import { bestOnline, type CurveData, judge, kneeOf } from '../../src/capacity/verdict.js';

function policy(name: string, rates: number[], foresight = false): PolicyCurve {
  return {
    policy: name,
    name,
    foresight,
    points: rates.map((hitRate) => ({ hits: 0, hitRate, insertions: 0, evictions: 0, streamed: 0, churn: 0 })),
  };
}

function curve(policies: PolicyCurve[], rest: { compulsory?: number } = {}): CurveData {
  return {
    schema: 'moeprof.curve/1',
    tool: { name: 'moeprof', version: '0' },
    inputs: { model: 'toy', quantization: 'none', trace: { path: 'toy', sha256: '', tokens: 1, requests: 1, synthetic: false } },
    config: { scope: 'global', replay: 'atomic', quotas: 'even', warmup: 0, seed: 1 },
    capacities: [20, 40, 60, 80, 100],
    expertBytes: 100,
    experts: 100,
    tokenCycleBytes: 10,
    demand: { tokens: 1, events: 1, demanded: 1000, compulsory: rest.compulsory ?? 10, perEvent: 1 },
    policies,
    warnings: [],
  };
}

const rising = policy('lru', [0.2, 0.6, 0.7, 0.8, 0.99]);

describe('kneeOf', () => {
  it('is where the curve lies highest above the line between its ends', () => {
    // Scaled: 0, 0.506, 0.633, 0.759, 1 against 0, 0.25, 0.5, 0.75, 1.
    expect(kneeOf(curve([rising]), rising)).toEqual({ policy: 'lru', at: 1 });
  });

  it('does not exist on a flat curve or with two points', () => {
    const flat = policy('static', [0.5, 0.5, 0.5, 0.5, 0.5]);
    expect(kneeOf(curve([flat]), flat)).toBeNull();
    expect(kneeOf({ capacities: [1, 2] }, policy('lru', [0, 1]))).toBeNull();
  });
});

describe('bestOnline', () => {
  it('is the policy without foresight that hits most on average', () => {
    const better = policy('lfu', [0.3, 0.6, 0.7, 0.8, 0.99]);
    expect(bestOnline(curve([rising, better, policy('belady', [1, 1, 1, 1, 1], true)]))).toBe(better);
    expect(bestOnline(curve([policy('belady', [1, 1, 1, 1, 1], true)]))).toBeNull();
  });
});

describe('judge', () => {
  it('blames the policy where foresight would add more than capacity', () => {
    const verdict = judge(curve([rising, policy('belady', [0.5, 0.9, 0.95, 0.97, 0.99], true)]), null)!;
    expect(verdict).toMatchObject({ at: 1, policy: 'lru', problem: 'policy' });
    expect(verdict.policyGap).toBeCloseTo(0.3, 12);
    expect(verdict.capacityGap).toBeCloseTo(0.09, 12);
    expect(verdict.sentence).toBe(
      'At 40 % of the experts (40 B) lru hits 60.0 %; perfect foresight would add 30.0 points, more capacity at most 9.0 points: the policy is the problem.',
    );
  });

  it('blames the capacity where foresight would not help', () => {
    const verdict = judge(curve([rising, policy('belady', [0.25, 0.62, 0.72, 0.81, 0.99], true)]), 22)!;
    expect(verdict).toMatchObject({ at: 0, problem: 'capacity' });
    expect(verdict.sentence).toContain('would add only 5.0 points of the 79.0 points that are missing: the capacity is the problem.');
  });

  it('is content where nothing is missing but first uses', () => {
    expect(judge(curve([rising, policy('belady', [0.3, 0.7, 0.8, 0.9, 0.99], true)]), 100)).toMatchObject({ at: 4, problem: 'neither' });
  });

  it('does not guess without a bound, and has nothing to say without a policy', () => {
    expect(judge(curve([rising]), 60)).toMatchObject({ problem: 'unknown', policyGap: null });
    expect(judge(curve([policy('belady', [1, 1, 1, 1, 1], true)]), null)).toBeNull();
  });
});
