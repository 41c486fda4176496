// What holds for every predictor: scores are probabilities, other layers are left alone, the same seed says the same, and nothing is
// known of the pass that has not been observed.
import assert from 'node:assert/strict';
import { describe, expect, it, vi } from 'vitest';
import { Random } from '../../src/base/random.js';
import { PREDICTORS } from '../../src/predict/predictors/index.js';
import { toyModel } from '../cache/fixtures.js';
import { create, type Row, traceFrom, walk } from './toy.js';

// Long enough for a machine that is busy with something else.
vi.setConfig({ testTimeout: 60_000 });

const LAYERS = 5;
const EXPERTS = 8;
const TOP_K = 2;
const model = toyModel(new Array<number>(LAYERS).fill(EXPERTS), undefined, TOP_K);

/** They are given the truth, that is what they are for. */
const KNOWING = ['draft', 'gate', 'oracle', 'pre-gated'];
/** Predictors that need nothing beyond the routing, token ids and weights of these traces. */
const predictors = PREDICTORS.filter(({ needs, name }) => !needs?.includes('predicted') && name !== 'onnx').map(({ name }) => name);

/** Routing with something to learn: half of a row follows from the row before, half from the layer before. */
function rows(count: number, seed: number): Row[] {
  const random = new Random(seed, 'test/rows');
  let last: number[][] = Array.from({ length: LAYERS }, () => [0, 1]);
  return Array.from({ length: count }, () => {
    const row: number[][] = [];
    for (let layer = 0; layer < LAYERS; layer++) {
      const first = random.next() < 0.7 ? last[layer]![0]! : random.below(EXPERTS);
      let second = layer > 0 && random.next() < 0.7 ? (row[layer - 1]![0]! + 3) % EXPERTS : random.below(EXPERTS);
      if (second === first) second = (first + 1) % EXPERTS;
      row.push([first, second]);
    }
    last = row;
    return row;
  });
}

const trace = traceFrom(model, TOP_K, [rows(40, 1), rows(40, 2), rows(30, 3)]);
const UNTOUCHED = -7;

describe.each(predictors)('predictor %s', (name) => {
  it('fills the layers within its horizon with probabilities and leaves the others alone', async () => {
    const predictor = await create(name, model, TOP_K, {}, { slots: 3 });
    const scores = new Float32Array(model.experts);
    walk(
      trace,
      predictor,
      (pass, after) => {
        for (const horizon of [1, 2, LAYERS]) {
          scores.fill(UNTOUCHED);
          predictor.predict(pass, after, horizon, scores);
          for (const { index, offset, experts } of model.layers) {
            const said = scores.subarray(offset, offset + experts);
            if (index <= after || index > after + horizon) assert.ok(said.every((score) => score === UNTOUCHED));
            else assert.ok(said.every((score) => score >= 0 && score <= 1));
          }
        }
      },
      { streams: 3 },
    );
  });

  it('says the same when asked twice, and in two runs of one seed', async () => {
    const said = async (): Promise<Float32Array[]> => {
      const predictor = await create(name, model, TOP_K, {}, { slots: 2, seed: 5 });
      const all: Float32Array[] = [];
      walk(
        trace,
        predictor,
        (pass, after) => {
          const scores = new Float32Array(model.experts);
          predictor.predict(pass, after, LAYERS, scores);
          const again = new Float32Array(model.experts);
          predictor.predict(pass, after, LAYERS, again);
          assert.deepEqual(again, scores);
          all.push(scores);
        },
        { streams: 2 },
      );
      return all;
    };
    assert.deepEqual(await said(), await said());
  });

  if (KNOWING.includes(name)) return;
  it('knows nothing of what has not been observed', async () => {
    const common = rows(30, 4);
    const ends = [rows(1, 5)[0]!, rows(1, 6)[0]!];
    for (let known = 0; known < LAYERS; known++) {
      // Two runs that differ in the last token's layers from `known` on, which are not known yet.
      const [one, other] = await Promise.all(
        ends.map(async (end) => {
          const last = [...ends[0]!.slice(0, known), ...end.slice(known)];
          const predictor = await create(name, model, TOP_K);
          const scores = new Float32Array(model.experts);
          walk(
            traceFrom(model, TOP_K, [[...common, last]]),
            predictor,
            (pass, after) => {
              if (after < known) predictor.predict(pass, after, LAYERS, scores);
            },
            { from: common.length },
          );
          return scores;
        }),
      );
      expect(other).toEqual(one);
    }
  });
});
