// Scores of predictors side by side: trained networks and those that count.
import { comparePredictors } from '../../../src/predict/evaluation/compare.js';
import { openPrediction, type PredictionRequest } from '../../../src/predict/evaluation/inputs.js';
import { type PredictorTraining, trainPredictor } from '../../../src/predict/onnx/train.js';
import { concatTraces } from '../../../src/trace/concat.js';
import { temporaryModel } from '../../fixtures/onnx/models.js';

/** The training of docs/extend.md, with fewer epochs. */
export const OPTIONS: PredictorTraining = {
  network: { hidden: 256, rank: 64, observed: true },
  tokenIds: true,
  epochs: 4,
  batch: 128,
  learningRate: 0.002,
  seed: 1,
};

/** Scores of trained predictors and of others, side by side: recall @k and @2k of the whole path before the pass, @k one layer ahead. */
export async function scores(
  request: Partial<PredictionRequest>,
  trainings: readonly PredictorTraining[],
  others: readonly string[],
): Promise<{ k: number; twoK: number; ahead: number }[]> {
  const inputs = await openPrediction({ training: [], judged: [], holdOut: 0.2, seed: 1, ...request });
  const files: string[] = [];
  for (const options of trainings) {
    files.push(temporaryModel((await trainPredictor(concatTraces(inputs.training), inputs.model, options)).bytes));
  }
  const { evaluations } = await comparePredictors({
    ...inputs,
    predictors: [...files, ...others],
    distances: [1],
    batch: 16,
    minProbability: 0.15,
    every: 20,
    seed: 1,
  });
  inputs.close();
  return evaluations[0]!.predictors.map(({ ahead, before }) => ({
    k: before!.recallAtK,
    twoK: before!.recallAt2K,
    ahead: ahead[0]!.score!.recallAtK,
  }));
}
