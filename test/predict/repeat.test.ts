// What predictors keep from one prediction to the next, against working it out anew each time.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import { SequenceMatrices } from '../../src/predict/evidence/sequence-matrices.js';
import { named, overlap } from '../../src/predict/named-experts.js';
import { trainedOn } from '../../src/predict/predictor.js';
import { NULL_EXPERT } from '../../src/trace/trace.js';
import { toyModel } from '../cache/fixtures.js';
import { passesOf } from './running.js';
import { create, type Row, traceFrom, walk } from './toy.js';

const LAYERS = 4;
const EXPERTS = 32;
const TOP_K = 2;
const model = toyModel(new Array<number>(LAYERS).fill(EXPERTS), undefined, TOP_K);

/** Each request prefers some experts, as texts do; every fifth is like the first. */
function requests(count: number, length: number, topK = TOP_K): Row[][] {
  const random = new Random(7, 'test/repeat');
  return Array.from({ length: count }, (_, request) =>
    Array.from({ length }, () =>
      Array.from({ length: LAYERS }, (_unused, layer) => {
        const first = ((request % 5) * (layer + 1) + (random.next() < 0.6 ? 0 : random.below(EXPERTS))) % EXPERTS;
        const step = 1 + 2 * random.below(EXPERTS / 2);
        return Array.from({ length: topK }, (_rank, k) => (first + k * step) % EXPERTS);
      }),
    ),
  );
}

describe.each(['popularity', 'activation-matrix'])('%s', (kind) => {
  const given = kind === 'activation-matrix' ? { matrices: 3, window: 20 } : {};
  it.each([1, 2])('says what it would say without having been asked before, and tells whether that is new; %i streams', async (streams) => {
    const trace = traceFrom(model, TOP_K, requests(12, 50));
    const make = () => create(kind, model, TOP_K, given, { slots: streams });
    const repeating = await make();
    const anew = await make();
    const scores = new Float32Array(model.experts);
    const expected = new Float32Array(model.experts);
    const before = new Float32Array(model.experts);
    const versions = new Uint32Array(LAYERS);
    let repeated = 0;
    let asked = 0;
    walk(
      trace,
      {
        predict() {},
        observe(pass, layer) {
          repeating.observe(pass, layer);
          anew.observe(pass, layer);
        },
      },
      (pass, after) => {
        repeating.predict(pass, after, 1, scores);
        // From one layer farther back it is another prediction, so that nothing of the last one is left.
        if (after >= 0) anew.predict(pass, after - 1, 2, expected);
        anew.predict(pass, after, 1, expected);
        const { offset, experts } = model.layers[after + 1]!;
        const now = scores.slice(offset, offset + experts);
        if (after >= 0) assert.deepEqual(now, expected.slice(offset, offset + experts));
        if (repeating.versions![after + 1] === versions[after + 1]) {
          assert.deepEqual(now, before.slice(offset, offset + experts));
          repeated++;
        }
        before.set(now, offset);
        versions[after + 1] = repeating.versions![after + 1]!;
        asked++;
      },
      { streams },
    );
    // Several tokens are always predicted anew.
    if (streams === 1) assert.ok(repeated > asked / 4);
    else assert.equal(repeated, 0);
  });
});

it.each([2, 9])('matches the kept sequence whose rows have the largest cosines on average; top-%i', (topK) => {
  const model = toyModel(new Array<number>(LAYERS).fill(EXPERTS), undefined, topK);
  const [capacity, window] = [4, 30];
  const evidence = new SequenceMatrices(model, 1, capacity, window);
  const trace = traceFrom(model, topK, requests(14, 45, topK));
  const kept: { counts: Float64Array; tokens: number }[] = [];
  let running = { counts: new Float64Array(model.experts), tokens: 0 };
  let request = 0;
  let state = Number.NaN;
  let matched = -1;
  let kinds = 0;
  let early = 0;
  const cosine = (a: Float64Array, b: Float64Array): number => {
    let sum = 0;
    for (const { offset, experts } of model.layers) {
      const [x, y] = [a.subarray(offset, offset + experts), b.subarray(offset, offset + experts)];
      const dot = (p: Float64Array, q: Float64Array) => p.reduce((all, value, i) => all + value * q[i]!, 0);
      const norm = dot(x, x) * dot(y, y);
      if (norm > 0) sum += dot(x, y) / Math.sqrt(norm);
    }
    return sum;
  };
  const mostSimilar = () =>
    kept.reduce(
      (best, { counts }, k) => (best < 0 || cosine(running.counts, counts) > cosine(running.counts, kept[best]!.counts) ? k : best),
      -1,
    );
  for (const pass of passesOf(trace)) {
    if (pass.request[0] !== request || running.tokens >= window) {
      if (running.tokens >= 16) {
        if (kept.length < capacity) kept.push(running);
        else kept[mostSimilar()] = running;
      }
      request = pass.request[0]!;
      running = { counts: new Float64Array(model.experts), tokens: 0 };
    }
    for (let layer = 0; layer < LAYERS; layer++) {
      evidence.learn(pass, 0, layer);
      for (let k = 0; k < topK; k++) running.counts[model.layers[layer]!.offset + pass.choices[layer * topK + k]!]! += 1;
      // As soon as a layer is known it is compared.
      const match = mostSimilar();
      if (match < 0) continue;
      const now = evidence.state(pass, 0);
      if (now === state) expect(match).toBe(matched);
      else kinds++;
      if (now !== state && layer < LAYERS - 1) early++;
      state = now;
      matched = match;
      const into = new Float64Array(EXPERTS);
      assert.ok(evidence.add(pass, 0, 0, 2, 1, into));
      const share = topK / EXPERTS;
      const { counts, tokens } = kept[match]!;
      for (let e = 0; e < EXPERTS; e++) {
        const rate = (counts[model.layers[2]!.offset + e]! + share) / (tokens + 1);
        const logOdds = Math.log(rate / (1.0001 - rate)) - Math.log(share / (1 - share));
        assert.ok(Math.abs(into[e]! - logOdds) < 0.002);
      }
    }
    running.tokens++;
  }
  assert.ok(kinds > 10);
  assert.ok(early > 5);
});

it('keeps the middles of clusters of what it learned from beforehand, for good', () => {
  const model = toyModel([4, 4], undefined, 1);
  /** A request of 20 tokens that take one expert at both layers, but for the first few. */
  const request = (expert: number, others: number): Row[] =>
    Array.from({ length: 20 }, (_, token) => [[token < others ? 3 : expert], [token < others ? 3 : expert]]);
  // Two kinds, of three sequences each: those in the middle have one stray token.
  const training = traceFrom(model, 1, [request(0, 0), request(1, 2), request(0, 1), request(1, 1), request(0, 2), request(1, 0)]);
  for (const expert of [0, 1]) {
    const evidence = new SequenceMatrices(model, 1, 2, 100);
    trainedOn({ observe: (pass, layer) => evidence.learn(pass, 0, layer) }, [training]);
    // A whole request of another kind is kept nowhere: both places are taken. Then a token takes `expert` at the first layer.
    const into = new Float64Array(4);
    let seen = 0;
    for (const pass of passesOf(traceFrom(model, 1, [request(2, 0), request(expert, 0)]))) {
      evidence.learn(pass, 0, 0);
      if (seen++ === 20) {
        expect(evidence.add(pass, 0, 0, 1, 1, into)).toBe(true);
        break;
      }
      evidence.learn(pass, 0, 1);
    }
    // Rates of 19 and 1 of 20 tokens, smoothed by one that is even.
    const odds = [...into].map((logOdds) => Math.exp(logOdds) / 3);
    const rates = odds.map((one) => one / (1 + one));
    expect(rates[expert]).toBeCloseTo(19.25 / 21, 2);
    expect(rates[3]).toBeCloseTo(1.25 / 21, 2);
    expect(rates[1 - expert]).toBeCloseTo(0.25 / 21, 2);
  }
});

it('weighs what it expects by how far ahead it is', async () => {
  const model = toyModel([4, 4, 4], undefined, 1);
  const trace = traceFrom(model, 1, [Array.from({ length: 40 }, (): Row => [[1], [2], [3]])]);
  const predictor = await create('activation-matrix', model, 1);
  const scores = new Float32Array(12);
  for (const pass of passesOf(trace)) {
    for (let layer = 0; layer < 3; layer++) predictor.observe(pass, layer);
    predictor.predict(pass, 0, 2, scores);
  }
  // Popularity alone is sure by now: 1 - 1 / 4 of it one layer ahead, 1 - 2 / 4 two.
  expect(scores[6]).toBeGreaterThan(0.6);
  expect(scores[6]).toBeLessThanOrEqual(0.75);
  expect(scores[11]).toBeGreaterThan(0.4);
  expect(scores[11]).toBeLessThanOrEqual(0.5);
});

it('counts what two lists of experts have in common', () => {
  const expert = fc.oneof(fc.nat(6), fc.constant(NULL_EXPERT));
  const list = fc.array(expert, { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(list, list, (names, choices) => {
      const pairs = names.flatMap((name) => choices.filter((choice) => choice === name && name !== NULL_EXPERT));
      const [padded, chosen] = [Uint16Array.of(3, ...names, 3), Uint16Array.of(3, 3, ...choices)];
      assert.equal(overlap(padded, 1, names.length, chosen, 2, choices.length), pairs.length);
      assert.equal(named(padded, 1, names.length), names.filter((name) => name !== NULL_EXPERT).length);
    }),
    { seed: 4 },
  );
});
