// Routing that follows words: a predictor that learns from token ids reaches what is published of predictors that read them.
import { describe, expect, it } from 'vitest';
import { simulateRun } from '../../../src/engine/simulate.js';
import { loadModel, loadRouting } from '../../../src/model/load/load.js';
import { trainEncoder } from '../../../src/predict/onnx/sequence/train.js';
import type { Result } from '../../../src/result/result.js';
import { checkRun } from '../../../src/system/load-run.js';
import { synthesize } from '../../../src/trace/generate/synthetic.js';
import { temporaryModel } from '../../fixtures/onnx/models.js';
import { calibrated } from '../../support/calibrated.js';

const MODEL = 'switch-base-32';
/** Seven in ten choices follow the token's id. */
const VOCABULARY = { size: 32_128, zipf: 1, share: 0.7 };

/** Switch-like routing of 32 experts, top-1, that follows words. */
async function hitRate(batch: number, slots: number, system: Record<string, unknown>): Promise<number> {
  return (await metricsOf(batch, slots, system))['cache.hit_rate']!.value;
}

async function metricsOf(batch: number, slots: number, system: Record<string, unknown>): Promise<Result['metrics']> {
  const run = checkRun(
    {
      model: MODEL,
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
      { path: ['model', 'routing', 'vocabulary'], value: VOCABULARY, label: '--set' },
    ],
  );
  return (await simulateRun(run)).metrics;
}

const lru = { name: 'lru', cache: { policy: 'lru', scope: 'layer' } };

/** Caching by prediction. */
function predictedBy(predictor: Record<string, unknown>): Record<string, unknown> {
  return {
    name: 'predictive',
    cache: { policy: 'plec' },
    predictor: { ...predictor, horizon: 'all', correction: true },
    prefetch: { whenFull: 'wait' },
  };
}

/** By counts that learn online. */
function predictive(parts: string): Record<string, unknown> {
  return predictedBy({ kind: 'ensemble', parts });
}

/** The encoder of token ids, trained on other requests of the same words. @returns its file */
async function trainedEncoder(): Promise<string> {
  const model = loadModel(MODEL);
  const requests = Array.from({ length: 100 }, () => ({ prefill: 0, decode: 200 }));
  const profile = { ...loadRouting(MODEL), vocabulary: VOCABULARY };
  const trace = synthesize(model, { seed: 1, apart: true, profile, requests });
  const { bytes } = await trainEncoder(trace, model, {
    network: { table: 128, width: 32, inside: 512, blocks: 1, head: 32, history: true },
    epochs: 6,
    batch: 512,
    learningRate: 0.004,
    seed: 1,
  });
  return temporaryModel(bytes);
}

describe('Switch-like routing that follows words', { timeout: 180_000 }, () => {
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

  it('ExpertFlow’s encoder, trained on 20,000 other tokens, beats LRU by the published 15 to 36 points', { timeout: 600_000 }, async () => {
    const rpp = predictedBy({ kind: `onnx:file=${await trainedEncoder()}` });
    for (const slots of [8, 16]) {
      for (const batch of [4, 16]) {
        const base = await hitRate(batch, slots, lru);
        const metrics = await metricsOf(batch, slots, rpp);
        const gain = (name: string): number => metrics[name]!.value - base;
        const setting = `${slots} per layer, batch ${batch}`;
        expect(gain('cache.hit_rate'), setting).toBeGreaterThan(0.15);
        expect(gain('cache.hit_rate'), setting).toBeLessThan(0.36);
        // As ExpertFlow's own counter has it, which takes a late prefetch for a hit.
        expect(gain('cache.hit_rate_counting_late'), setting).toBeGreaterThanOrEqual(gain('cache.hit_rate'));
        expect(gain('cache.hit_rate_counting_late'), setting).toBeLessThan(0.4);
      }
    }
  });
});
