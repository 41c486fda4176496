// What retrieved paths foretell of recorded routing, nothing learned beforehand but counts: the table of docs/predictors.md.
import { expect, it } from 'vitest';
import { comparePredictors } from '../../../src/predict/evaluation/compare.js';
import { openPrediction } from '../../../src/predict/evaluation/inputs.js';
import { recorded, recording } from './recording.js';

/** Recall at k and 2k before the pass, and at k one layer ahead, on 2,000 tokens. */
async function recallOf(trace: string, learned: number, predictor: string): Promise<[number, number, number]> {
  const path = recording(`traces/${trace}.safetensors`);
  const ranges = { training: [`${path}#0:${learned}`], judged: [`${path}#${learned}:${learned + 2000}`] };
  const inputs = await openPrediction({ ...ranges, holdOut: 0.2, seed: 1 });
  const options = { distances: [1], batch: 16, minProbability: 0.15, every: 4, seed: 1 };
  const { evaluations } = await comparePredictors({ predictors: [predictor], ...inputs, ...options });
  inputs.close();
  const { ahead, before } = evaluations[0]!.predictors[0]!;
  return [before!.recallAtK, before!.recallAt2K, ahead[0]!.score!.recallAtK];
}

const TRACES = {
  'qwen3-30b-a3b.code': { learned: 6000, least: [0.665, 0.838, 0.771] },
  'qwen3-30b-a3b.math': { learned: 6000, least: [0.61, 0.805, 0.746] },
  'gpt-oss-20b.decode': { learned: 12_000, least: [0.665, 0.85, 0.805] },
} as const;

recorded(
  'path-retrieval',
  Object.keys(TRACES).map((name) => `traces/${name}.safetensors`),
  () => {
    it.each(Object.entries(TRACES))('%s: before the pass and one layer ahead', { timeout: 300_000 }, async (trace, { learned, least }) => {
      const recall = await recallOf(trace, learned, 'path-retrieval');
      for (const [i, value] of recall.entries()) expect(value).toBeGreaterThan(least[i]!);
    });

    it('expert-map speaks before the pass without token ids', { timeout: 300_000 }, async () => {
      const [before] = await recallOf('qwen3-30b-a3b.code', 6000, 'expert-map');
      expect(before).toBeGreaterThan(0.55);
    });
  },
);
