// What every predictor must keep, whatever it predicts from: probabilities, for the layers asked and no others, made of what is known.
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { resolveParameters } from '../../src/base/parameters.js';
import { Random } from '../../src/base/random.js';
import { parsePredictor, predictorKnows } from '../../src/predict/predictors/create.js';
import { findPredictor, PREDICTORS } from '../../src/predict/predictors/index.js';
import { Pass } from '../../src/schedule/pass.js';
import { Request } from '../../src/schedule/request.js';
import { NULL_EXPERT } from '../../src/trace/trace.js';
import { modelOf, type TestRow, traceOf } from '../trace/builders.js';
import { passesOf, predictorOf } from './running.js';

const model = modelOf([
  { experts: 12, topK: 3 },
  { experts: 16, topK: 3 },
  { experts: 9, topK: 2 },
  { experts: 16, topK: 3 },
]);
const TOP_K = 3;

/** Routing with structure: a hidden topic decides most choices; some choices are null; a prediction of fair quality is supplied. */
function rowsOf(tokens: number, seed: number): TestRow[] {
  const random = new Random(seed, 'test');
  let topic = 0;
  return Array.from({ length: tokens }, (_, token) => {
    if (random.next() < 0.2) topic = random.below(5);
    const experts = model.layers.map(({ experts: count, topK }, layer) => {
      const chosen = new Set<number>();
      while (chosen.size < topK) chosen.add(random.next() < 0.7 ? (topic * 3 + layer + chosen.size) % count : random.below(count));
      const list = [...chosen];
      while (list.length < TOP_K) list.push(NULL_EXPERT);
      return list;
    });
    const predicted = experts.map((list, layer) =>
      list
        .map((expert) => (random.next() < 0.6 ? expert : (expert + 1) % model.layers[layer]!.experts))
        .filter((expert, i, all) => all.indexOf(expert) === i),
    );
    for (const list of predicted) while (list.length < TOP_K) list.push(NULL_EXPERT);
    return { request: Math.floor(token / 40), token: topic * 10 + random.below(3), experts, predicted };
  });
}

const trace = traceOf(
  rowsOf(400, 1),
  model.layers.map((layer) => layer.experts),
  { topK: TOP_K },
);

/** Every member, and the variants that switch something of their own on; those that know the truth by definition are named. */
const SPECS = [
  ...PREDICTORS.filter(({ name }) => name !== 'onnx').map(({ name }) => name),
  'transition:reach=3,previous=on',
  'ensemble:reach=2,parts=transition+history+markov+expert-map+token-table',
  'adaptive:parts=transition+history+token-table',
  'activation-matrix:matrices=3,window=16',
  'expert-map:maps=32,matches=4',
  'path-retrieval:paths=40,parts=retrieval',
  'supplied:ahead=0',
];
const KNOWS_THE_TRUTH = new Set(['draft', 'gate', 'oracle', 'pre-gated']);

describe.each(SPECS)('predictor %s', (spec) => {
  it('gives probabilities, only of the layers asked, and the same when asked twice', async () => {
    const predictor = await predictorOf(spec, model, TOP_K);
    const [scores, again] = [new Float32Array(model.experts), new Float32Array(model.experts)];
    const untouched = 7;
    for (const pass of passesOf(trace)) {
      for (let after = -1; after < model.layers.length; after++) {
        if (after >= 0) predictor.observe(pass, after);
        for (const horizon of [1, 2, model.layers.length]) {
          for (const filled of [scores, again]) {
            filled.fill(untouched);
            predictor.predict(pass, after, horizon, filled);
          }
          for (const { index, offset, experts } of model.layers) {
            const asked = index > after && index <= after + horizon;
            for (let id = offset; id < offset + experts; id++) {
              if (scores[id] !== again[id] || (asked ? !(scores[id]! >= 0 && scores[id]! <= 1) : scores[id] !== untouched)) {
                expect.fail(`after ${after}: layer ${index}: expert ${id - offset} has ${scores[id]}, then ${again[id]}`);
              }
            }
          }
        }
        if (after < 0 || predictor.next === undefined) continue;
        predictor.next(pass, after, scores);
        const { offset, experts } = model.layers[after]!;
        for (let id = offset; id < offset + experts; id++) if (!(scores[id]! <= 1)) expect.fail(`next: expert ${id} has ${scores[id]}`);
      }
    }
  });

  it('learns: the same run twice, and a trained predictor is not an untrained one', async () => {
    const run = async (training: boolean) => {
      const predictor = await predictorOf(spec, model, TOP_K, training ? [trace] : []);
      const scores = new Float32Array(model.experts);
      const sums: number[] = [];
      for (const pass of passesOf(trace)) {
        for (let layer = 0; layer < model.layers.length; layer++) {
          predictor.observe(pass, layer);
          predictor.predict(pass, layer, 1, scores);
        }
        sums.push(scores.reduce((sum, score, id) => sum + score * (id + 1), 0));
      }
      return sums;
    };
    const learned = await run(true);
    expect(await run(true)).toEqual(learned);
    if (!KNOWS_THE_TRUTH.has(spec) && spec !== 'whole-layer') expect(learned).not.toEqual(await run(false));
  });
});

describe.each(SPECS)('what predictor %s is told', (spec) => {
  it('sees no layer before it is known, unless it is told the truth', async () => {
    // Two runs that differ only in the layers that are still the future at each prediction.
    const honest = await predictorOf(spec, model, TOP_K);
    const blind = await predictorOf(spec, model, TOP_K);
    const scores = new Float32Array(model.experts);
    const blindScores = new Float32Array(model.experts);
    let differing = 0;
    for (const pass of passesOf(trace)) {
      const truth = pass.choices.slice();
      const predictBoth = (after: number): void => {
        honest.predict(pass, after, model.layers.length, scores);
        pass.choices.fill(NULL_EXPERT, (after + 1) * TOP_K, pass.row);
        blind.predict(pass, after, model.layers.length, blindScores);
        pass.choices.set(truth);
      };
      predictBoth(-1);
      for (let layer = 0; layer < model.layers.length; layer++) {
        honest.observe(pass, layer);
        pass.choices.fill(NULL_EXPERT, (layer + 1) * TOP_K, pass.row);
        blind.observe(pass, layer);
        pass.choices.set(truth);
        predictBoth(layer);
      }
      differing += scores.every((score, id) => score === blindScores[id]) ? 0 : 1;
    }
    // Nothing is drafted here.
    expect(differing > 0).toBe(KNOWS_THE_TRUTH.has(spec) && spec !== 'draft');
  });

  it('L17 declares whether it is told the truth', () => {
    const { knows } = predictorKnows(parsePredictor(spec), { has: { ...trace.has, predictedK: 0 }, meta: trace.meta });
    expect(['published', 'future'].includes(knows)).toBe(KNOWS_THE_TRUTH.has(spec));
  });
});

describe.each(SPECS)('predictor %s, in passes of many tokens,', (spec) => {
  it('predicts a batch of several requests, and of more tokens than it looks at one by one', async () => {
    const slots = 4;
    const predictor = await predictorOf(spec, model, TOP_K, [], slots);
    const scores = new Float32Array(model.experts);
    const pass = new Pass(trace, slots);
    const requests = trace.requests
      .slice(0, slots)
      .map(({ start, prefill, decode }, index) => new Request({ index, start, prefill, decode, arrivalNs: 0 }));
    for (const tokens of [1, 30, 3]) {
      const shares = requests.map((request) => ({ request, tokens }));
      pass.fill(shares);
      predictor.predict(pass, -1, model.layers.length, scores);
      for (let layer = 0; layer < model.layers.length; layer++) {
        predictor.observe(pass, layer);
        predictor.predict(pass, layer, model.layers.length, scores);
        for (const score of scores) if (!(score >= 0 && score <= 1)) expect.fail(`score ${score}`);
      }
      pass.advance(shares);
    }
  });
});

describe('the registry', () => {
  it('offers the nearest name, and what an ensemble can be made of', async () => {
    expect(() => findPredictor('transitions')).toThrow(new UserError('unknown predictor "transitions"; did you mean "transition"?'));
    await expect(predictorOf('ensemble:parts=transition+histroy', model, TOP_K)).rejects.toThrow(
      /"histroy" is unknown; did you mean "history"/,
    );
  });

  it('says what a member needs with its parameters', () => {
    const ensemble = findPredictor('ensemble');
    const needs = (parts: string) => ensemble.needsWith!(resolveParameters('ensemble', ensemble.parameters, { parts }));
    expect(needs('transition+token-table')).toEqual(['tokenIds']);
    expect(needs('transition+history')).toEqual([]);
  });
});
