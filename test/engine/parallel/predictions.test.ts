// What one of several GPUs makes of predictions for whole passes, by hand.
import { describe, expect, it } from 'vitest';
import { shardsOf } from '../../../src/engine/memory/shard.js';
import { ShardPredictor, SharedPredictions } from '../../../src/engine/parallel/predictions.js';
import type { Pass } from '../../../src/schedule/pass.js';
import { EVERYWHERE } from '../../../src/system/placement/placement.js';
import { toyModel } from '../../cache/fixtures.js';

// Two layers of three experts; the first of each lives on both GPUs.
const model = toyModel([3, 3], [10, 10], 1);
const shards = shardsOf(model, Int32Array.of(EVERYWHERE, 0, 1, EVERYWHERE, 1, 0), 2);

/** Asks both GPUs about the layers of a pass with tokens on `gpus`, where every expert is as likely. */
function ask(gpus: readonly number[], probability: number): { scores: Float32Array[]; asked: number } {
  let asked = 0;
  const predictor = {
    observe: () => undefined,
    predict: (_pass: Pass, after: number, horizon: number, scores: Float32Array) => {
      asked++;
      for (let layer = after + 1; layer <= after + horizon; layer++) scores.fill(probability, layer * 3, layer * 3 + 3);
    },
  };
  const shared = new SharedPredictions(predictor, model, false);
  const pass = { number: 1, tokens: gpus.length, gpu: Int32Array.from(gpus) } as unknown as Pass;
  const scores = shards.map((shard) => {
    const own = new Float32Array(shard.model.experts);
    new ShardPredictor(shared, shard).predict(pass, -1, 2, own);
    return own;
  });
  return { scores, asked };
}

describe('ShardPredictor', () => {
  it('knows which of its experts are replicas', () => {
    expect(shards.map(({ replicas }) => replicas.map((ids) => [...ids]))).toEqual([
      [[0], [2]],
      [[0], [2]],
    ]);
  });

  it('expects a replica of its own tokens, and any other expert of all of them; the predictor is asked once', () => {
    // Of n tokens one at least chooses an expert with 15/16: each does with 1/2 where there are four, and three at least one with 7/8.
    const { asked, scores } = ask([0, 1, 0, 0], 15 / 16);
    expect([...scores[0]!]).toEqual([7 / 8, 15 / 16, 7 / 8, 15 / 16]);
    expect([...scores[1]!]).toEqual([1 / 2, 15 / 16, 1 / 2, 15 / 16]);
    expect(asked).toBe(1);
  });

  it('expects nothing of replicas where no token is, and of all tokens what was predicted, to the last digit', () => {
    const [all, none] = ask([0, 0, 0], 0.3).scores;
    expect([...all!]).toEqual(new Array(4).fill(Math.fround(0.3)));
    expect([...none!]).toEqual([0, Math.fround(0.3), 0, Math.fround(0.3)]);
    // What is sure for the pass is taken for sure: nothing says whose it is.
    expect([...ask([0, 1], 1).scores[1]!]).toEqual([1, 1, 1, 1]);
  });
});
