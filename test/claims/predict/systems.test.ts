// Systems that predict, against systems that do not: the directions that are published, on synthetic and on bundled routing.
import { describe, expect, it } from 'vitest';
import { type simulate, simulateRun } from '../../../src/engine/simulate.js';
import { checkRun } from '../../../src/system/load-run.js';
import type { RunInput } from '../../../src/system/run.js';
import { calibrated } from '../../support/calibrated.js';
import { describeExpertFlow } from './expertflow.js';

const value = (result: Awaited<ReturnType<typeof simulate>>, name: string): number => result.metrics[name]!.value;

describe('Switch-like routing: 32 experts, top-1', () => {
  // ExpertFlow (Fig. 10) has, with 16 slots a layer, 91.9 % against LRU's 76.6 % at batch 4 and 85.9 against 58.4 at 16; with 8 slots
  // 71.9 against 36.2 at batch 16. Its predictor finds over 90 % of a batch's experts; its layers, in eager PyTorch on an A40, take about
  // a millisecond (854 tokens/s, Table 2), long enough to load an expert or two.
  const hitRate = async (batch: number, slots: number, system: Record<string, unknown>): Promise<number> => {
    const run: RunInput = {
      model: 'switch-base-32',
      hardware: calibrated('rtx-3090'),
      system,
      memory: { expertCache: `${slots}/layer` },
      workload: { batch, tokens: 2048, prompt: 0 },
      bounds: false,
    };
    const slow = [{ path: ['hardware', 'gpu', 'perLayer'], value: '1ms', label: '--set' }];
    return value(await simulateRun(checkRun(run, 'test', slow)), 'cache.hit_rate');
  };
  const lru = { name: 'lru', cache: { policy: 'lru', scope: 'layer' } };
  const predictive = {
    name: 'predictive',
    cache: { policy: 'plec' },
    predictor: { kind: 'oracle', recall: 0.9, precision: 0.9, horizon: 'all' },
    prefetch: { whenFull: 'wait' },
  };

  it('LRU hits as published, and the predictive cache as much more, to a few points', { timeout: 60_000 }, async () => {
    const gains: number[] = [];
    for (const [slots, batch, floor, published] of [
      [16, 4, 0.766, 0.919],
      [16, 16, 0.584, 0.859],
      [8, 16, 0.362, 0.719],
    ] as const) {
      const [plain, informed] = [await hitRate(batch, slots, lru), await hitRate(batch, slots, predictive)];
      expect(Math.abs(plain - floor), `LRU, ${slots} slots, batch ${batch}`).toBeLessThan(0.06);
      expect(Math.abs(informed - plain - (published - floor)), `gain, ${slots} slots, batch ${batch}`).toBeLessThan(0.1);
      gains.push(informed - plain);
    }
    const [small, large] = gains as [number, number];
    expect(large).toBeGreaterThan(small);
  });
});

describeExpertFlow('mini-finegrained-64x12l, t4, a quarter of the experts cached', {
  trace: 'mini-finegrained-64x12l',
  hardware: calibrated('t4'),
});
