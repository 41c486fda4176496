// Dense work of requests that are divided over GPUs, by hand.
import { expect, it } from 'vitest';
import { RequestShares } from '../../../src/engine/parallel/requests.js';
import { CostModel } from '../../../src/hardware/cost.js';
import type { Pass } from '../../../src/schedule/pass.js';
import { wholeLink, wholeMachine, wholeModel } from '../scenario.js';

it('takes as long as the GPU with the most to do, and none of the others helps', () => {
  const whole = wholeModel([{ experts: 2, bytes: 10, activationNs: 0, denseNs: 0 }], 1, 0);
  // Before the layer 10 ns a token, and 1 ns for each token of context that is read.
  const attention = [{ kvBytesPerToken: 1, flopsPerPair: 0, window: null }];
  const segments = [
    { weightBytes: 0, flopsPerToken: 10, attention: [] },
    { weightBytes: 0, flopsPerToken: 0, attention },
  ];
  const cost = new CostModel({ ...whole, dense: { ...whole.dense, segments } }, wholeMachine([wholeLink('h2d', 1)]));
  const pass = (gpus: readonly number[], tokens: readonly number[], contexts: readonly number[]): Pass =>
    ({
      sequences: gpus.length,
      gpu: Int32Array.from(gpus.flatMap((gpu, s) => new Array<number>(tokens[s]!).fill(gpu))),
      sequenceTokens: Int32Array.from(tokens),
      sequenceContext: Int32Array.from(contexts),
    }) as unknown as Pass;

  const shares = new RequestShares(2);
  // GPU 0 has 1 + 2 tokens of two requests, GPU 1 has 5 of one.
  shares.divide(pass([0, 1, 0], [1, 5, 2], [100, 0, 30]));
  expect(shares.denseNs(cost, 0)).toBe(50);
  // GPU 0 reads 101 + 32 tokens of context, GPU 1 reads 5.
  expect(shares.denseNs(cost, 1)).toBe(133);
  // One request runs as on one GPU, and the other GPU has nothing to do.
  shares.divide(pass([1], [4], [7]));
  expect(shares.denseNs(cost, 0)).toBe(40);
  expect(shares.denseNs(cost, 1)).toBe(11);
  // More requests than before.
  shares.divide(pass([0, 1, 0, 1], [1, 1, 1, 1], [0, 0, 0, 0]));
  expect(shares.denseNs(cost, 0)).toBe(20);
});
