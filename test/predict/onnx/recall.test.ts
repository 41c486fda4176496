// What a trained predictor reaches on recorded routing: the figures of docs/onnx-predictor.md, with fewer epochs. The traces are not part
// of the repository; where they lie beside it, these tests run.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { comparePredictors } from '../../../src/predict/compare.js';
import { openPrediction, type PredictionRequest } from '../../../src/predict/inputs.js';
import { type PredictorTraining, trainPredictor } from '../../../src/predict/onnx/train.js';
import { concatTraces } from '../../../src/trace/concat.js';
import { temporaryModel } from '../../fixtures/onnx/models.js';

const shared = fileURLToPath(new URL('../../../../shared/', import.meta.url));
const there =
  existsSync(`${shared}traces/qwen3-30b-a3b.code.safetensors`) && existsSync(`${shared}own/mini-finegrained-64x12l.test.safetensors`);
if (!there) console.warn(`SKIPPED: the recorded traces are not in ${shared}; what training reaches on real routing was not checked`);

const OPTIONS: PredictorTraining = {
  network: { hidden: 256, rank: 64, gru: false, observed: true },
  tokenIds: true,
  epochs: 4,
  batch: 128,
  learningRate: 0.002,
  seed: 1,
  checkpoint: null,
};

/** Scores of trained predictors and of others, side by side: recall @k and @2k of the whole path before the pass, @k one layer ahead. */
async function recall(
  request: Partial<PredictionRequest>,
  trainings: readonly PredictorTraining[],
  others: readonly string[],
): Promise<{ k: number; twoK: number; ahead: number }[]> {
  const inputs = await openPrediction({ training: [], judged: [], holdOut: 0.2, seed: 1, ...request });
  const files: string[] = [];
  for (const options of trainings) {
    files.push(temporaryModel((await trainPredictor(concatTraces(inputs.training), inputs.model, options)).bytes));
  }
  const [evaluation] = await comparePredictors({
    ...inputs,
    predictors: [...files, ...others],
    distances: [1],
    batch: 16,
    minProbability: 0.15,
    every: 20,
    seed: 1,
  });
  inputs.close();
  return evaluation!.predictors.map(({ ahead, before }) => ({
    k: before!.recallAtK,
    twoK: before!.recallAt2K,
    ahead: ahead[0]!.score!.recallAtK,
  }));
}

describe.skipIf(!there)('a trained predictor', () => {
  it.each([
    ['code', { k: 0.56, twoK: 0.76, ahead: 0.6 }],
    ['math', { k: 0.59, twoK: 0.78, ahead: 0.62 }],
  ])('qwen3-30b-a3b, %s: foretells the path of the last 2,000 tokens from the first 6,000', { timeout: 240_000 }, async (domain, least) => {
    const file = `${shared}traces/qwen3-30b-a3b.${domain}.safetensors`;
    const [trained] = await recall({ training: [`${file}#:6000`], judged: [`${file}#6000:`] }, [OPTIONS], []);
    expect(trained!.k).toBeGreaterThan(least.k);
    expect(trained!.twoK).toBeGreaterThan(least.twoK);
    expect(trained!.ahead).toBeGreaterThan(least.ahead);
  });

  it('gpt-oss-20b: beats the transition table, and names more than .62 before the pass', { timeout: 240_000 }, async () => {
    const file = `${shared}traces/gpt-oss-20b.decode.safetensors`;
    const [trained, transition] = await recall({ training: [file] }, [{ ...OPTIONS, epochs: 2 }], ['transition']);
    expect(trained!.k).toBeGreaterThan(0.62);
    expect(trained!.ahead).toBeGreaterThan(transition!.ahead);
  });

  it('mini-finegrained-64x12l: with token ids it is best of all', { timeout: 240_000 }, async () => {
    const own = `${shared}own/mini-finegrained-64x12l`;
    const options = { ...OPTIONS, epochs: 2 };
    const [withIds, without, ...others] = await recall(
      { training: [`${own}.train.safetensors`], judged: [`${own}.test.safetensors#:4000`] },
      [options, { ...options, tokenIds: false }],
      ['popularity', 'token-table', 'last-token'],
    );
    for (const other of [without!, ...others]) expect(withIds!.k).toBeGreaterThan(other.k);
    expect(withIds!.k).toBeGreaterThan(0.6);
  });
});
