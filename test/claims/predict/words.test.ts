// Routing that follows words: a predictor that learns from token ids reaches what is published of predictors that read them.
import { describe, expect, it } from 'vitest';
import { simulateRun } from '../../../src/engine/simulate.js';
import { checkRun } from '../../../src/system/run.js';
import { calibrated } from '../../support/calibrated.js';

/** Switch-like routing of 32 experts, top-1, of which seven in ten choices follow the token's id. */
async function hitRate(batch: number, slots: number, system: Record<string, unknown>): Promise<number> {
  const run = checkRun(
    {
      model: 'switch-base-32',
      hardware: calibrated('rtx-3090'),
      system,
      memory: { expertCache: `${slots}/layer` },
      workload: { batch, tokens: 4096, prompt: 0 },
      bounds: false,
    },
    'test',
    [
      // As in systems.test.ts: layers in eager PyTorch.
      { path: ['hardware', 'gpu', 'perLayer'], value: '1ms', label: '--set' },
      { path: ['model', 'routing', 'vocabulary'], value: { size: 32_128, zipf: 1, share: 0.7 }, label: '--set' },
    ],
  );
  return (await simulateRun(run)).metrics['cache.hit_rate']!.value;
}

const lru = { name: 'lru', cache: { policy: 'lru', scope: 'layer' } };

/** Caching by prediction, of counts that learn online. */
function predictive(parts: string): Record<string, unknown> {
  return {
    name: 'predictive',
    cache: { policy: 'plec' },
    predictor: { kind: 'ensemble', parts, horizon: 'all', correction: true },
    prefetch: { whenFull: 'wait' },
  };
}

describe('Switch-like routing that follows words', { timeout: 60_000 }, () => {
  it('a predictor with a token table beats LRU by 10 to 40 points, and by more the larger the batch', async () => {
    // ExpertFlow (Fig. 10) has 15 to 36 points.
    for (const slots of [8, 16]) {
      const gain = async (batch: number) =>
        (await hitRate(batch, slots, predictive('transition+history+markov+token-table'))) - (await hitRate(batch, slots, lru));
      const [small, large] = [await gain(4), await gain(16)];
      for (const points of [small, large]) {
        expect(points).toBeGreaterThan(0.1);
        expect(points).toBeLessThan(0.4);
      }
      expect(large).toBeGreaterThan(small);
    }
  });

  it('the ids are what it knows more than the others', async () => {
    const [without, withIds] = [
      await hitRate(4, 8, predictive('transition+history+markov')),
      await hitRate(4, 8, predictive('transition+history+markov+token-table')),
    ];
    expect(withIds).toBeGreaterThan(without + 0.05);
  });
});
