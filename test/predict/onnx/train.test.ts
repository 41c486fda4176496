// Training: it learns what there is to learn, twice the same, and alone or beside another.
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.js';
import { evaluatePredictor } from '../../../src/predict/evaluation/evaluate.js';
import { openOnnx } from '../../../src/predict/onnx/predictor/onnx.js';
import { type PredictorTraining, trainPredictor } from '../../../src/predict/onnx/train.js';
import { temporaryModel } from '../../fixtures/onnx/models.js';
import { model, topicTrace } from './routing.js';

const trace = topicTrace(12, 60, 1);
const test = topicTrace(4, 60, 2);

const OPTIONS: PredictorTraining = {
  network: { hidden: 16, rank: 8, observed: true },
  tokenIds: true,
  epochs: 4,
  batch: 32,
  learningRate: 0.02,
  seed: 3,
};

/** What OPTIONS give. */
let whole: Awaited<ReturnType<typeof trainPredictor>>;
const steps: number[] = [];
beforeAll(async () => {
  whole = await trainPredictor(trace, model, OPTIONS, { progress: (done, total) => steps.push(done / total) });
});

/** Recall of the whole path before the pass, and one layer ahead. */
async function recallOf(bytes: Uint8Array): Promise<{ before: number; ahead: number }> {
  const context = { model, topK: test.topK, slots: 1, random: new Random(1, 'test'), training: [] };
  const predictor = await openOnnx(temporaryModel(bytes), context);
  const options = { distances: [1], batch: 4, every: 1, minProbability: 0.15 };
  const { ahead, before } = await evaluatePredictor(predictor, test, model, options);
  predictor.close();
  return { before: before!.recallAtK, ahead: ahead[0]!.score!.recallAtK };
}

describe('trainPredictor', () => {
  it('learns: token ids tell the path, without them only the running pass does', async () => {
    const withIds = whole;
    const without = await trainPredictor(trace, model, { ...OPTIONS, tokenIds: false });
    expect(withIds.tokenIds).toBe(true);
    expect(without.tokenIds).toBe(false);
    expect(steps.length).toBe(4 * Math.ceil(withIds.learned / 32));
    expect(steps.at(-1)).toBe(1);
    expect(withIds.learned + withIds.heldOut).toBe(720);
    const known = await recallOf(withIds.bytes);
    const unknown = await recallOf(without.bytes);
    expect(known.before).toBeGreaterThan(0.85);
    expect(unknown.before).toBeLessThan(0.6);
    expect(unknown.ahead).toBeGreaterThan(unknown.before + 0.15);
    const losses = withIds.epochs.map(({ heldOutLoss }) => heldOutLoss);
    expect(losses[withIds.bestEpoch - 1]).toBe(Math.min(...losses));
  });

  it('gives the same file again, and beside another training; another for another seed', async () => {
    const beside = await Promise.all([trainPredictor(trace, model, OPTIONS), trainPredictor(trace, model, { ...OPTIONS, seed: 8 })]);
    expect(beside[0].sha256).toBe(whole.sha256);
    expect((await trainPredictor(trace, model, { ...OPTIONS, seed: 4 })).sha256).not.toBe(whole.sha256);
  });
});

describe('the end of a training', () => {
  it('says in one line that there is too little to learn from, or that the rate is too high', async () => {
    await expect(trainPredictor(topicTrace(1, 3, 1), model, OPTIONS)).rejects.toThrow('a predictor needs hundreds to learn from');
    await expect(trainPredictor(trace, model, { ...OPTIONS, learningRate: 1e30 })).rejects.toThrow(
      /no longer a number in epoch \d; take a smaller --lr/,
    );
  });

  it('stops where held-out loss rises, and keeps the best epoch', async () => {
    // Choices are all noise: after the first epochs there is nothing left but to learn the training tokens by heart.
    const noise = topicTrace(8, 40, 5, 1);
    const { bestEpoch, epochs } = await trainPredictor(noise, model, { ...OPTIONS, epochs: 60, learningRate: 0.05, tokenIds: false });
    expect(epochs.length).toBeLessThan(60);
    expect(epochs.length).toBe(bestEpoch + 2);
    expect(epochs.every(({ heldOutLoss }) => heldOutLoss >= epochs[bestEpoch - 1]!.heldOutLoss)).toBe(true);
  });
});
