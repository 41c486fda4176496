// What a draft that turns out wrong chose is learned by no predictor: it may be a later token of the same text.
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import { Pass } from '../../src/schedule/pass.js';
import { Request } from '../../src/schedule/request.js';
import { toyModel } from '../cache/fixtures.js';
import { create, type Row, traceFrom } from './toy.js';

const LAYERS = 4;
const model = toyModel(new Array<number>(LAYERS).fill(16), undefined, 2);
const random = new Random(3, 'test/wrong-drafts');
const rows: Row[] = Array.from({ length: 160 }, (_, t) =>
  Array.from({ length: LAYERS }, (_unused, layer) => [
    ((t % 5) + 3 * layer) % 16,
    ((((t % 5) + 3 * layer) % 16) ^ 1 ^ (2 * random.below(8))) % 16,
  ]),
);

const PREDICTORS = [
  ['path-retrieval', {}],
  ['path-retrieval', { parts: 'history+retrieval+token-table' }],
  ['ensemble', {}],
  ['expert-map', { maps: 64 }],
  ['activation-matrix', { matrices: 3, window: 20 }],
  ['last-token', {}],
  ['popularity', {}],
] as const;

/** Scores before and during each pass of one token, and of the pass after it, where every other pass verifies `drafted` tokens that are wrong. */
async function scoresOf(name: string, given: Readonly<Record<string, unknown>>, drafted: number): Promise<number[][]> {
  const trace = traceFrom(model, 2, [rows]);
  const predictor = await create(name, model, 2, given);
  const request = new Request({ index: 0, start: 0, prefill: 0, decode: rows.length, arrivalNs: 0 });
  const pass = new Pass(trace, 1);
  const scores = new Float32Array(model.experts);
  const all: number[][] = [];
  while (request.done < rows.length - drafted) {
    const verifies = request.done % 2 === 1;
    const shares = [{ request, tokens: verifies ? 1 + drafted : 1, rejected: verifies ? drafted : 0 }];
    pass.fill(shares);
    expect([...pass.wrong.subarray(0, pass.tokens)]).toEqual(Array.from({ length: pass.tokens }, (_, k) => (k === 0 ? 0 : 1)));
    for (let layer = 0; layer < LAYERS; layer++) {
      if (!verifies) {
        predictor.predict(pass, layer - 1, LAYERS - layer, scores);
        all.push([...scores]);
      }
      predictor.observe(pass, layer);
      if (!verifies && predictor.next !== undefined) {
        predictor.next(pass, layer, scores);
        all.push([...scores]);
      }
    }
    pass.advance(shares);
  }
  return all;
}

describe('wrong drafts', () => {
  it.each(PREDICTORS)('%s %o predicts as if there had been none', async (name, given) => {
    const without = (await scoresOf(name, given, 0)).slice(0, 500).map(String);
    const beside = (await scoresOf(name, given, 2)).slice(0, 500).map(String);
    expect(beside.findIndex((scores, at) => scores !== without[at])).toBe(-1);
    expect([beside.length, new Set(without).size > 50]).toEqual([without.length, true]);
  });
});
