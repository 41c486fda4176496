// Routing drawn from a model of a recorded trace has that trace's shape. That it has its statistics and hit rates is in test/claims.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FittedRouting, fitRouting, synthesizeFitted } from '../../../src/trace/fit/index.js';
import { requestsOf } from '../../../src/trace/generate/synthetic.js';
import { openTrace } from '../../../src/trace/open/open.js';
import type { RoutingTrace } from '../../../src/trace/trace.js';
import { bundledTrace } from '../../cache/fixtures.js';
import { contentOf } from '../builders.js';

describe('routing fitted to a recorded trace', () => {
  let real: RoutingTrace;
  let fitted: FittedRouting;
  beforeAll(async () => {
    real = await openTrace(bundledTrace('mini-mixtral-8x8l'));
    fitted = fitRouting(real);
  }, 60_000);
  afterAll(() => real.close());

  it('has its shape, its requests, and says what it is', () => {
    const drawn = synthesizeFitted(fitted, { seed: 1, requests: requestsOf(real.tokens, fitted.requests) });
    expect([drawn.tokens, drawn.layers, drawn.topK, drawn.expertsPerLayer]).toEqual([
      real.tokens,
      real.layers,
      real.topK,
      real.expertsPerLayer,
    ]);
    expect(drawn.requests.map(({ prefill, decode }) => [prefill, decode])).toEqual(
      real.requests.map(({ prefill, decode }) => [prefill, decode]),
    );
    expect(drawn.meta.synthetic).toBe(true);
    expect(drawn.meta.notes.fitted_to).toBe(real.path);
    drawn.close();
  });

  it('L16: the same seed gives the same routing, another seed another, and any length', () => {
    const draw = (seed: number, tokens: number) => {
      const trace = synthesizeFitted(fitted, { seed, requests: requestsOf(tokens, fitted.requests) });
      const { columns } = contentOf(trace);
      trace.close();
      return columns.experts;
    };
    const first = draw(7, 40);
    expect(first).toHaveLength(40 * fitted.layers.length * fitted.topK);
    expect(draw(7, 40)).toEqual(first);
    expect(draw(8, 40)).not.toEqual(first);
  });
});
