// Statistics by hand on small traces; published figures of recorded ones are in test/claims.
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.js';
import { shapeOf } from '../../../src/trace/open/traced-model.js';
import { routingStatistics, streamsOf } from '../../../src/trace/stats/index.js';
import { PHASE } from '../../../src/trace/trace.js';
import { traceOf } from '../builders.js';

describe('routingStatistics', () => {
  it('counts reuse within a request by distance, first tokens left out', () => {
    // Request 0: {0,1} {0,2} {1,3}; request 1: {0,1}. Choices that could be reuses: four; 0 at distance 1, 1 at distance 2.
    const { reuse, requests, tokens, byLayer } = routingStatistics(
      traceOf(
        [
          { request: 0, phase: PHASE.prefill, experts: [[0, 1]] },
          { request: 0, phase: PHASE.decode, experts: [[0, 2]] },
          { request: 0, phase: PHASE.decode, experts: [[1, 3]] },
          { request: 1, phase: PHASE.decode, experts: [[0, 1]] },
        ],
        4,
      ),
    );
    expect(reuse).toEqual([0.25, 0.5, 0.5, 0.5, 0.5]);
    expect(tokens).toEqual({ all: 4, prefill: 1, decode: 3 });
    expect(requests).toEqual({ count: 2, shortest: 1, longest: 3 });
    expect([...byLayer[0]!.counts]).toEqual([3, 3, 1, 1]);
  });

  it('measures skew: hottest over mean, Gini, entropy, unused, shares of the top', () => {
    const rows = [0, 0, 0, 0, 0, 0, 1, 2].map((expert) => ({ experts: [[expert]] }));
    const { mean, chance } = routingStatistics(traceOf(rows, 4));
    expect(mean.hottestOverMean).toBeCloseTo((6 * 4) / 8, 12);
    // Loads 0, 1, 1, 6: sum of |x - y| over all ordered pairs / (2 n^2 mean) = 36 / (2 * 16 * 2).
    expect(mean.gini).toBeCloseTo(36 / 64, 12);
    expect(mean.entropy).toBeCloseTo((0.75 * Math.log2(4 / 3) + 0.25 * 3) / 2, 12);
    expect(mean.unused).toBe(1);
    expect([mean.topTenth, mean.topQuarter]).toEqual([0.75, 0.75]);
    expect(chance).toBeCloseTo(0.75 ** 2 + 2 * 0.125 ** 2, 12);
  });

  it('distinct experts: one stream has the top-k, many have nearly all', () => {
    const random = new Random(3, 'distinct');
    const statistics = routingStatistics(
      traceOf(
        Array.from({ length: 640 }, () => ({ experts: [[0, 1, 2, 3].map((k) => k * 4 + random.below(4))] })),
        16,
      ),
    );
    expect(streamsOf(statistics)).toEqual([1, 2, 4, 8, 16, 32]);
    expect(statistics.distinct[0]).toBe(4);
    // 16 experts, each with probability 1/4 a token: 16 (1 - .75^n).
    expect(Math.abs(statistics.distinct[2]! - 16 * (1 - 0.75 ** 4))).toBeLessThan(0.4);
    expect(statistics.distinct[5]).toBeGreaterThan(15.9);
  });

  it('transition recall: 1 where a layer decides the next one, chance where it does not', () => {
    const random = new Random(4, 'transitions');
    const rows = Array.from({ length: 2048 }, () => {
      const first = random.below(16);
      return { experts: [[first], [(first * 7 + 3) % 16], [random.below(16)]] };
    });
    const { transition } = routingStatistics(traceOf(rows, 16));
    expect(transition!.byLayer[0]).toBe(1);
    expect(transition!.byLayer[1]).toBeLessThan(0.15);
    expect(routingStatistics(traceOf(rows.slice(0, 100), 16)).transition).toBeNull();
  });

  it('has a shape of one-byte experts', () => {
    const shape = shapeOf(traceOf([{ experts: [[0], [1]] }], [4, 8]));
    expect([shape.experts, shape.layers[1]!.offset, shape.layers[1]!.expertBytes]).toEqual([12, 4, 1]);
  });
});
