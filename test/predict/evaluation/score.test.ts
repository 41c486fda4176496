// The figures of `predict eval` on predictions whose recall, precision and calibration are counted by hand.
import { describe, expect, it } from 'vitest';
import { BatchUnions, batchAccuracy } from '../../../src/predict/evaluation/batch-accuracy.js';
import { evaluatePredictor } from '../../../src/predict/evaluation/evaluate.js';
import { bestOf, ScoreCounter } from '../../../src/predict/evaluation/score.js';
import type { Predictor } from '../../../src/predict/predictor.js';
import { NULL_EXPERT } from '../../../src/trace/trace.js';
import { type TestRow, traceOf, uniformModel } from '../../trace/builders.js';

describe('bestOf', () => {
  it('ranks positive scores, best first, ties by id, within one layer', () => {
    const scores = Float32Array.of(1, 0.2, 0.5, 0.5, 0, 0.9, 1);
    const order = new Int32Array(4);
    expect(bestOf(scores, 1, 5, order, 4)).toBe(4);
    expect(Array.from(order)).toEqual([5, 2, 3, 1]);
    expect(bestOf(scores, 1, 5, order, 2)).toBe(2);
    expect(Array.from(order.subarray(0, 2))).toEqual([5, 2]);
    expect(bestOf(scores, 4, 1, order, 2)).toBe(0);
  });
});

describe('ScoreCounter', () => {
  const model = uniformModel(2, 4, 1);

  it('counts recall, precision and calibration', () => {
    const counter = new ScoreCounter(model, 0.25);
    // Layer 0: expert 1 is used and ranked second; layer 1: expert 3 is used and ranked first.
    const scores = Float32Array.of(0.65, 0.35, 0.05, 0, 0, 0.2, 0, 0.85);
    counter.judge(0, scores, Uint16Array.of(1), 0, 1);
    counter.judge(1, scores, Uint16Array.of(3), 0, 1);
    const score = counter.score()!;
    expect(score.recallAtKByLayer).toEqual([0, 1]);
    expect(score.recallAt2KByLayer).toEqual([1, 1]);
    expect([score.recallAtK, score.recallAt2K, score.tokens]).toEqual([0.5, 1, 1]);
    // At least 0.25 probable: 0.65 (wrong), 0.35 (right), 0.85 (right).
    expect(score.precision).toBeCloseTo(2 / 3, 10);
    expect([score.recall, score.named]).toEqual([1, 1.5]);
    // Bins of one prediction each but the lowest, which has five: 0.05 and four zeros, none of them used... of 8 predictions in all.
    const error = (0.05 + Math.abs(0.2 - 0) + Math.abs(0.35 - 1) + 0.65 + Math.abs(0.85 - 1)) / 8;
    expect(score.calibrationError).toBeCloseTo(error, 6);
    expect(score.reliability.map(({ from, predictions }) => [from, predictions])).toEqual([
      [0, 4],
      [0.2, 1],
      [0.3, 1],
      [0.6, 1],
      [0.8, 1],
    ]);
    expect(score.reliability[2]).toMatchObject({ frequency: 1 });
    expect(score.reliability[2]!.probability).toBeCloseTo(0.35, 6);
  });

  it('tells prompt tokens and generated ones apart', () => {
    const counter = new ScoreCounter(model, 0.25);
    const scores = Float32Array.of(0.75, 0.25, 0, 0, 0, 0, 0, 0.75);
    // A prompt token and two generated ones at layer 0, one of them named; one generated at layer 1, named.
    counter.judge(0, scores, Uint16Array.of(1), 0, 1);
    expect(counter.score()!.recallAtKByPhase).toEqual({ prefill: 0, decode: null });
    counter.judge(0, scores, Uint16Array.of(0), 0, 1, true);
    counter.judge(0, scores, Uint16Array.of(2), 0, 1, true);
    counter.judge(1, scores, Uint16Array.of(3), 0, 1, true);
    expect(counter.score()!.recallAtKByPhase).toEqual({ prefill: 0, decode: (0.5 + 1) / 2 });
  });

  it('fills names up to 2k by other scores, behind those that there are', () => {
    const counter = new ScoreCounter(model, 0.15);
    const scores = Float32Array.of(0, 0.4, 0, 0, 0, 0, 0, 0);
    counter.judge(0, scores, Uint16Array.of(3), 0, 1, false, Float32Array.of(0.2, 0.9, 0.1, 0.3, 0, 0, 0, 0));
    expect([...counter.best.subarray(0, counter.bestCount)]).toEqual([1, 3]);
    const { precision, recallAtK, recallAt2K } = counter.score()!;
    expect([recallAtK, recallAt2K, precision]).toEqual([0, 1, 0]);
  });

  it('does not count layers where a token chose nothing, and says nothing of a predictor that does not either', () => {
    const counter = new ScoreCounter(model, 0.15);
    const scores = new Float32Array(8);
    counter.judge(0, scores, Uint16Array.of(NULL_EXPERT), 0, 1);
    expect(counter.bestCount).toBe(0);
    expect(counter.score()).toBeNull();
    counter.judge(0, scores, Uint16Array.of(2), 0, 1);
    expect(counter.silent).toBe(true);
    expect(counter.score()).toBeNull();
    counter.judge(0, scores.fill(0.5), Uint16Array.of(2), 0, 1);
    expect(counter.score()!.recallAtKByLayer).toEqual([0, null]);
  });
});

describe('batchAccuracy', () => {
  const model = uniformModel(1, 4, 1);
  const rows = (experts: readonly number[], request = 0): TestRow[] => experts.map((expert) => ({ request, experts: [[expert]] }));

  it('compares unions: another token’s expert is as good as the own one', () => {
    const trace = traceOf([...rows([0, 1], 0), ...rows([1, 1], 1)], 4);
    // Batches: tokens 0 and 2 use {0, 1}; tokens 1 and 3 use {1}. Named: {1, 0} (each wrong for its own token), then {1, 3}.
    const named = Uint16Array.of(1, 1, 0, 3);
    const unions = new BatchUnions(trace, model, 2);
    // Token 0 thinks of 1 (.75) and 2 (.25), token 2 of 0 (.5): the batch of both expects 1.5 experts, so two, 1 and 0. Tokens 1 and 3
    // think of 2 (.5) each: .75 experts are expected, so one, and it is wrong.
    const scores = [
      [0, 0.75, 0.25, 0],
      [0, 0, 0.5, 0],
      [0.5, 0, 0, 0],
      [0, 0, 0.5, 0],
    ];
    for (const [row, one] of scores.entries()) unions.add(row, Float32Array.from(one), null);
    expect(unions.expectedSize(0, 0, 4)).toBe(2);
    expect(batchAccuracy(trace, model, named, 1, unions)).toEqual({
      size: 2,
      batches: 2,
      recall: 1,
      precision: (1 + 1 / 2) / 2,
      demanded: 1.5,
      named: 2,
      expected: { recall: (1 + 0) / 2, precision: (1 + 0) / 2, named: 1.5 },
      atTrueSize: (1 + 0) / 2,
    });
  });

  it('fills up with what others name, behind all that the predictor names', () => {
    const trace = traceOf([...rows([0, 1], 0), ...rows([1, 3], 1)], 4);
    const unions = new BatchUnions(trace, model, 2);
    const order = new Int32Array(4);
    for (let row = 0; row < 4; row++) unions.add(row, Float32Array.of(0, 0.01, 0, 0), Float32Array.of(0.2, 0.1, 0, 0.9));
    expect(unions.best(0, 0, 4, order, 4)).toBe(3);
    expect([...order.subarray(0, 3)]).toEqual([1, 3, 0]);
    expect(unions.expectedSize(0, 0, 4)).toBe(0);
  });

  it('cuts a long request into streams, and keeps batches full', () => {
    const trace = traceOf(rows([0, 1, 2, 3, 0]), 4);
    const nothing = new Uint16Array(5).fill(NULL_EXPERT);
    expect(batchAccuracy(trace, model, nothing, 1, new BatchUnions(trace, model, 2))).toBeNull();
    const exact = Uint16Array.of(0, 1, 2, 3, 0);
    expect(batchAccuracy(trace, model, exact, 1, new BatchUnions(trace, model, 2))).toMatchObject({ batches: 2, recall: 1, precision: 1 });
    expect(batchAccuracy(trace, model, exact, 1, new BatchUnions(trace, model, 9))).toBeNull();
  });
});

describe('evaluatePredictor', () => {
  const model = uniformModel(3, 4, 1);
  const trace = traceOf(
    Array.from({ length: 6 }, (_, token) => ({ request: token < 4 ? 0 : 1, experts: [[token % 4], [(token + 1) % 4], [(token + 2) % 4]] })),
    4,
  );

  /** Says, before the pass, expert 0 everywhere; during it, the expert after the one just used: right one layer ahead, wrong two ahead. */
  function successor(calls: string[]): Predictor {
    return {
      observe: (pass, layer) => calls.push(`${pass.number} observe ${layer}`),
      predict: (pass, after, horizon, scores) => {
        calls.push(`${pass.number} predict ${after}+${horizon}`);
        for (let layer = after + 1; layer < Math.min(3, after + 1 + horizon); layer++) {
          scores.fill(0, layer * 4, layer * 4 + 4);
          const expert = after < 0 ? 0 : (pass.choices[after]! + 1) % 4;
          scores[layer * 4 + expert] = 0.9;
        }
      },
    };
  }

  it('asks as a run does, always before the layer is known, and judges by distance', async () => {
    const calls: string[] = [];
    const options = { distances: [1, 2], batch: 2, every: 1, minProbability: 0.15 };
    const { ahead, batch, before } = await evaluatePredictor(successor(calls), trace, model, options);
    expect(calls.slice(0, 6)).toEqual(['1 predict -1+3', '1 observe 0', '1 predict 0+2', '1 observe 1', '1 predict 1+2', '1 observe 2']);
    // Tokens 0..3 and 4, 5 (that is 0, 1 again): layer 0 uses expert 0 at tokens 0 and 4; layer 1 at token 3; layer 2 at token 2.
    expect(before!.recallAtKByLayer).toEqual([2 / 6, 1 / 6, 1 / 6]);
    expect(before!.tokens).toBe(6);
    expect(ahead[0]!.score!.recallAtKByLayer).toEqual([null, 1, 1]);
    expect(ahead[1]!.score!.recallAtKByLayer).toEqual([null, null, 0]);
    expect(ahead[0]!.score!.recallAtK).toBe(1);
    expect(batch!.size).toBe(2);
    expect(batch!.named).toBe(1);
  });

  it('judges predictions during the pass on every nth token only', async () => {
    const calls: string[] = [];
    const options = { distances: [1], batch: 2, every: 4, minProbability: 0.15 };
    const { ahead } = await evaluatePredictor(successor(calls), trace, model, options);
    expect(ahead[0]!.score!.tokens).toBe(2);
    expect(calls.filter((call) => call.includes('predict 0')).map((call) => call[0])).toEqual(['1', '5']);
    expect(calls.filter((call) => call.includes('observe')).length).toBe(18);
  });
});
