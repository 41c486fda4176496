// A rate alone says how requests arrive: independently of each other.
import { expect, it } from 'vitest';
import { simulate } from '../../src/engine/simulate.js';

it('is a Poisson process of that rate', async () => {
  const run = (workload: object) =>
    simulate({
      model: 'mini-mixtral-8x8l',
      bounds: false,
      workload: { tokens: 40, prompt: 4, output: 4, requests: 6, batch: 2, ...workload },
    });
  const [alone, named] = [await run({ rate: 20 }), await run({ arrivals: 'poisson:rate=20' })];
  expect(alone.metrics).toEqual(named.metrics);
  expect(alone.metrics['latency.queueing.mean']).toBeDefined();
  expect(alone.metrics).not.toEqual((await run({})).metrics);
});
