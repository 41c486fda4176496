// How unimportant a choice is to its token: by gate weights where the trace has some, else by rank, by hand.
import { expect, it } from 'vitest';
import { TokenUnimportance } from '../../../src/engine/mechanisms/gate.js';
import { loadModel } from '../../../src/model/door.js';
import type { Pass } from '../../../src/schedule/door.js';

const model = loadModel('mini-mixtral-8x8l');

/** A token that chose experts 3 and 5 of layer 0, with these weights. */
const pass = (weights: readonly number[] | null): Pass => {
  const row = 2 * model.layers.length;
  const choices = new Uint16Array(row);
  choices.set([3, 5]);
  const all = weights === null ? null : new Float32Array(row);
  all?.set(weights!);
  return { choices, row, tokens: 1, topK: 2, weights: all } as unknown as Pass;
};

it('is the share of better-ranked weights, and of better ranks where no weights are known', () => {
  const shares = new TokenUnimportance(model, ['known', 'rank']);
  const of = (weights: readonly number[] | null): readonly number[] => {
    shares.judge(pass(weights), 0);
    return [shares.of('known', 3), shares.of('known', 5), shares.of('rank', 5)];
  };
  expect(of([0.75, 0.25])).toEqual([0, 0.75, 0.5]);
  expect(of(null)).toEqual([0, 0.5, 0.5]);
});
