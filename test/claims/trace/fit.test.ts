// Routing drawn from a model of a recorded trace has that trace's statistics and, what they are for, its hit rates.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parsePolicy } from '../../../src/cache/policies/index.js';
import { drawCurve } from '../../../src/capacity/curve.js';
import { type FittedRouting, fitRouting, synthesizeFitted } from '../../../src/trace/fit/index.js';
import { requestsOf } from '../../../src/trace/generate/synthetic.js';
import { openTrace } from '../../../src/trace/open/open.js';
import { shapeOf } from '../../../src/trace/open/traced-model.js';
import { type RoutingStatistics, routingStatistics } from '../../../src/trace/stats/index.js';
import type { RoutingTrace } from '../../../src/trace/trace.js';
import { bundledTrace } from '../../cache/fixtures.js';

/** Hit rates of LRU, LFU and Belady at 12.5, 25 and 50 % of each layer's experts. */
async function hitRates(trace: RoutingTrace): Promise<number[]> {
  const model = shapeOf(trace);
  const { policies } = await drawCurve({
    model,
    trace,
    policies: ['lru', 'lfu', 'belady'].map(parsePolicy),
    folder: '.',
    capacities: [0.125, 0.25, 0.5].map((share) => share * model.experts),
    scope: 'layer',
    replay: 'atomic',
    quotas: 'even',
    tokens: trace.tokens,
    warmup: 0,
    seed: 1,
    popularity: null,
    at: null,
    threads: 0,
  });
  return policies.flatMap(({ points }) => points.map(({ hitRate }) => hitRate));
}

describe('routing fitted to a recorded trace', () => {
  let real: RoutingTrace;
  let fitted: FittedRouting;
  let drawn: RoutingTrace;
  let statistics: { real: RoutingStatistics; drawn: RoutingStatistics };
  beforeAll(async () => {
    real = await openTrace(bundledTrace('mini-finegrained-64x12l'));
    fitted = fitRouting(real);
    drawn = synthesizeFitted(fitted, { seed: 1, requests: requestsOf(real.tokens, fitted.requests) });
    statistics = { real: routingStatistics(real), drawn: routingStatistics(drawn) };
  }, 60_000);
  afterAll(() => {
    real.close();
    drawn.close();
  });

  it('has its reuse to 3 points, its skew to 4 and its transition recall to 5, in every layer to 8', () => {
    const { real: wanted, drawn: got } = statistics;
    expect(Math.abs(got.reuse[0]! - wanted.reuse[0]!)).toBeLessThan(0.03);
    expect(Math.abs(got.reuse[4]! - wanted.reuse[4]!)).toBeLessThan(0.03);
    expect(Math.abs(got.mean.gini - wanted.mean.gini)).toBeLessThan(0.04);
    expect(Math.abs(got.transition!.atK - wanted.transition!.atK)).toBeLessThan(0.05);
    wanted.byLayer.forEach((layer, l) => {
      expect(Math.abs(got.byLayer[l]!.reuse[0]! - layer.reuse[0]!), `layer ${l}`).toBeLessThan(0.08);
    });
  });

  it('has its hit rates to 3 points', async () => {
    const [wanted, got] = [await hitRates(real), await hitRates(drawn)];
    wanted.forEach((rate, i) => {
      expect(Math.abs(got[i]! - rate), `curve ${i}`).toBeLessThan(0.03);
    });
  });
});
