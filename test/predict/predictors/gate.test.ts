// The gates of the next layers: what a trace recorded of them, else the truth spoiled to what was published, by distance.
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/base/errors.js';
import { resolveParameters } from '../../../src/base/parameters.js';
import { Random } from '../../../src/base/random.js';
import { createPredictor, parsePredictor, predictorKnows } from '../../../src/predict/predictors/create.js';
import { gateQuality } from '../../../src/predict/predictors/gate.js';
import { findPredictor } from '../../../src/predict/predictors/index.js';
import { toyModel } from '../../cache/fixtures.js';
import { traceOf } from '../../trace/builders.js';
import { passesOf } from '../running.js';
import { create, type Row, traceFrom, walk } from '../toy.js';

const LAYERS = 4;
const model = toyModel(new Array<number>(LAYERS).fill(16), undefined, 4);
const random = new Random(3, 'test/gate');
const rows = Array.from({ length: 400 }, (): Row => model.layers.map(() => [0, 4, 8, 12].map((from) => from + random.below(4))));
const trace = traceFrom(model, 4, [rows]);
const parameters = (given: Readonly<Record<string, unknown>>) =>
  resolveParameters('gate', findPredictor('gate').parameters, given) as unknown as Parameters<typeof gateQuality>[0];

/** Recall and precision at a distance, over a whole trace; nothing named: null. */
async function found(given: Readonly<Record<string, unknown>>, distance: number) {
  const predictor = await create('gate', model, 4, given);
  const scores = new Float32Array(model.experts);
  let [named, right, demanded] = [0, 0, 0];
  walk(trace, predictor, (pass, after) => {
    const layer = after + distance;
    if (after < 0 || layer >= LAYERS) return;
    predictor.predict(pass, after, distance, scores);
    const { experts, offset } = model.layers[layer]!;
    for (let expert = 0; expert < experts; expert++) {
      const isTrue = pass.choices.subarray(layer * 4, (layer + 1) * 4).includes(expert);
      const isNamed = scores[offset + expert]! > 0;
      named += Number(isNamed);
      demanded += Number(isTrue);
      right += Number(isTrue && isNamed);
    }
  });
  return { recall: right / demanded, precision: right / named };
}

describe('where the trace holds no look-ahead', () => {
  it('reaches the published recall and precision at each distance', async () => {
    // 4,800 or 3,200 demanded experts: three standard deviations are at most .024.
    for (const [distance, recall, precision] of [
      [1, 0.84, 0.7],
      [2, 0.6, 0.5],
      [3, 0.6 * 0.5, 0.5 * 0.5],
    ] as const) {
      const quality = await found({ recall: '0.84/0.6', precision: '0.7/0.5', decay: 0.5 }, distance);
      expect(Math.abs(quality.recall - recall)).toBeLessThan(0.03);
      expect(Math.abs(quality.precision - precision)).toBeLessThan(0.03);
    }
  });

  it('names as many experts as are demanded unless precision is said, and less of both from layer to layer', () => {
    const quality = gateQuality(parameters({}));
    expect(quality(1)).toEqual({ recall: 0.84, precision: 0.84 });
    expect(quality(3).recall).toBeCloseTo(0.84 * 0.87 ** 2);
    expect(gateQuality(parameters({ recall: [0.9, 0.8], decay: 1 }))(5)).toEqual({ recall: 0.8, precision: 0.8 });
  });

  it('says nothing before the pass: there is no hidden state yet', async () => {
    const gate = await create('gate', model, 4);
    const scores = new Float32Array(model.experts);
    walk(trace, gate, (pass, after) => {
      scores.fill(1);
      gate.predict(pass, -1, LAYERS, scores);
      if (after < 0) expect(scores.every((score) => score === 0)).toBe(true);
    });
  });

  it('sees nearer layers better: who is named rightly two layers ahead is named one layer ahead', async () => {
    const gate = await create('gate', model, 4, { recall: '0.8/0.4' });
    const far = new Float32Array(model.experts);
    const near = new Float32Array(model.experts);
    walk(trace, gate, (pass, after) => {
      if (after !== 0) return;
      gate.predict(pass, 0, 2, far);
      gate.predict(pass, 1, 1, near);
      const { offset } = model.layers[2]!;
      for (const expert of pass.choices.subarray(8, 12)) if (far[offset + expert]! > 0) expect(near[offset + expert]).toBeGreaterThan(0);
    });
  });

  it('refuses what is no share', () => {
    for (const text of ['84', '0.84/', 'high', '0'])
      expect(() => gateQuality(parameters({ recall: text }))).toThrow(
        new UserError(`predictor gate: recall: '${text}' is no list of shares; write 0.84, or 0.84/0.76 for one and two layers ahead`),
      );
  });
});

describe('where the trace holds look-ahead', () => {
  // Two experts of 8 at each of three layers; one layer ahead gates name the first right, two layers ahead a wrong one and the second.
  const tokens = Array.from({ length: 60 }, (_, token) => {
    const experts = [0, 1, 2].map((layer) => [(token + layer) % 8, (token + layer + 3) % 8]);
    const predicted = experts.map(([first, second]) => [first!, (first! + 1) % 8, (first! + 2) % 8, second!]);
    return { experts, predicted, position: token };
  });
  const recorded = traceOf(tokens, 8, { predictedAhead: [1, 2] });
  const small = toyModel([8, 8, 8], undefined, 2);

  it('takes the recording of each distance', async () => {
    const chosen = parsePredictor('gate');
    const gate = (await createPredictor({ chosen, model: small, trace: recorded, slots: 1, seed: 1, training: [] }))!;
    const scores = new Float32Array(24);
    let seen = 0;
    for (const pass of passesOf(recorded)) {
      gate.observe(pass, 0);
      gate.predict(pass, 0, 2, scores);
      const [, near, far] = tokens[seen++]!.predicted;
      const best = (layer: number) =>
        Array.from({ length: 8 }, (_, e) => e).sort((a, b) => scores[8 * layer + b]! - scores[8 * layer + a]!)[0];
      // What is always right has come to be trusted after some tokens.
      if (seen > 30) expect([best(1), best(2)]).toEqual([near![0], far![3]]);
      gate.observe(pass, 1);
      gate.observe(pass, 2);
    }
  });

  it('is said to be recorded; elsewhere published, with the figures and their source', () => {
    expect(predictorKnows(parsePredictor('gate'), recorded)).toEqual({ knows: 'recorded' });
    expect(predictorKnows(parsePredictor('gate'), trace)).toEqual({
      knows: 'published',
      recall: 0.84,
      precision: 0.84,
      source: 'arXiv 2501.10375',
    });
    expect(predictorKnows(parsePredictor('supplied'), recorded)).toEqual({ knows: 'recorded' });
    expect(predictorKnows(parsePredictor('none'), recorded)).toEqual({ knows: 'nothing' });
    expect(predictorKnows(parsePredictor('oracle:recall=0.5'), trace)).toEqual({ knows: 'future' });
  });
});
