// Training of the encoder: it learns what two ids decide, the same every time; what it cannot learn from is refused.
import { beforeAll, describe, expect, it } from 'vitest';
import { resolveParameters } from '../../../../src/base/parameters.js';
import { Random } from '../../../../src/base/random.js';
import { evaluatePredictor } from '../../../../src/predict/evaluation/evaluate.js';
import { type EncoderTraining, trainEncoder } from '../../../../src/predict/onnx/sequence/train.js';
import { findPredictor } from '../../../../src/predict/predictors/index.js';
import { temporaryModel } from '../../../fixtures/onnx/models.js';
import { model, pairTrace } from './routing.js';

const trace = pairTrace(24, 50, 1);
const test = pairTrace(6, 50, 2);

const OPTIONS: EncoderTraining = {
  network: { table: 16, width: 16, inside: 32, blocks: 1, head: 16, history: false },
  epochs: 10,
  batch: 64,
  learningRate: 0.02,
  seed: 3,
};

let whole: Awaited<ReturnType<typeof trainEncoder>>;
const steps: number[] = [];
beforeAll(async () => {
  whole = await trainEncoder(trace, model, OPTIONS, { progress: (done, total) => steps.push(done / total) });
});

/** Recall of the path before the pass, of a trained file or of a predictor that learns from the same trace. */
async function recallOf(name: string, parameters: Readonly<Record<string, string>> = {}): Promise<number> {
  const definition = findPredictor(name);
  const context = { model, topK: 1, slots: 1, random: new Random(1, 'test'), training: [trace] };
  const predictor = await definition.create(context, resolveParameters(name, definition.parameters, parameters));
  const { before } = await evaluatePredictor(predictor, test, model, { distances: [], batch: 4, every: 1, minProbability: 0.15 });
  predictor.close?.();
  return before!.recallAtK;
}

describe('trainEncoder', () => {
  it('learns what two ids decide, where a table of ids knows half and a quarter', async () => {
    const losses = whole.epochs.map(({ loss }) => loss);
    expect(losses.at(-1)).toBeLessThan(0.6 * losses[0]!);
    const table = await recallOf('token-table');
    expect(table).toBeGreaterThan(0.25);
    expect(table).toBeLessThan(0.5);
    expect(await recallOf('onnx', { file: temporaryModel(whole.bytes) })).toBeGreaterThan(0.85);
  });

  it('tells how far it is: windows of all streams, epoch after epoch', () => {
    // 24 requests less those that stop it, of 50 tokens: two windows of 32 each, in two streams.
    const perEpoch = (2 * (whole.learned / 50)) / 2;
    expect(steps.length).toBe(whole.epochs.length * perEpoch);
    expect(steps.at(-1)).toBeCloseTo(whole.epochs.length / OPTIONS.epochs, 9);
    expect(whole.learned + whole.heldOut).toBe(1200);
  });

  it('reads histories where they are known, and does without where not', async () => {
    const network = { ...OPTIONS.network, history: true };
    const { bytes } = await trainEncoder(trace, model, { ...OPTIONS, network });
    expect(await recallOf('onnx', { file: temporaryModel(bytes) })).toBeGreaterThan(0.85);
  });

  it('gives the same file again; another for another seed', async () => {
    const brief = { ...OPTIONS, epochs: 1 };
    const first = await trainEncoder(trace, model, brief);
    expect((await trainEncoder(trace, model, brief)).sha256).toBe(first.sha256);
    expect((await trainEncoder(trace, model, { ...brief, seed: 4 })).sha256).not.toBe(first.sha256);
  });

  it('refuses a trace without token ids, and one that is too short', async () => {
    expect(() => trainEncoder(pairTrace(4, 20, 1, { tokenIds: false }), model, OPTIONS)).toThrow(
      'carries no token ids, which --kind rpp reads; train --kind paths, which does without',
    );
    await expect(trainEncoder(pairTrace(1, 3, 1), model, OPTIONS)).rejects.toThrow('a predictor needs hundreds to learn from');
  });
});
