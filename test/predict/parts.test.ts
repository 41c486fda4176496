// The parts that predictors are made of, against arithmetic by hand.
import assert from 'node:assert/strict';
import { describe, expect, it } from 'vitest';
import { fastLog, sigmoid } from '../../src/base/log-odds.js';
import { LogisticFit } from '../../src/base/logistic-fit.js';
import { Random } from '../../src/base/random.js';
import { History } from '../../src/predict/evidence/history.js';
import { LogOddsTable } from '../../src/predict/evidence/log-odds-table.js';
import { DriftDetector } from '../../src/predict/predictors/adaptive.js';
import { NULL_EXPERT } from '../../src/trace/trace.js';
import { modelOf, traceOf } from '../trace/builders.js';
import { passesOf, predictorOf } from './running.js';

describe('fastLog and sigmoid', () => {
  it('are close to the functions they stand for', () => {
    for (let x = 1e-6; x < 1e6; x *= 1.37) expect(Math.abs(fastLog(x) - Math.log(x))).toBeLessThan(2 ** -12);
    for (let x = -20; x < 20; x += 0.173) expect(Math.abs(sigmoid(x) - 1 / (1 + Math.exp(-x)))).toBeLessThan(0.002);
    for (let x = -16; x < 13; x += 0.1) expect(sigmoid(x + 0.1)).toBeGreaterThan(sigmoid(x));
  });
});

describe('LogOddsTable', () => {
  it('adds log P(s | e) / P(s | not e), smoothed by two pseudo-tokens at chance', () => {
    const table = new LogOddsTable(3, 2);
    // Source 0 went with target 1 in 6 of 8 tokens, source 1 with target 0 in the other 2.
    for (let i = 0; i < 8; i++) table.learn(Uint16Array.of(i < 6 ? 0 : 1), 0, Uint16Array.of(i < 6 ? 1 : 0), 0, 1);
    const into = new Float64Array(2);
    table.add(Uint16Array.of(0, NULL_EXPERT), 0, 2, 1, into);
    const chance = (2 * 6) / 8;
    const expected = [
      Math.log((0 + chance) / (2 + 2)) - Math.log((6 - 0 + chance) / (8 - 2 + 2)),
      Math.log((6 + chance) / (6 + 2)) - Math.log((6 - 6 + chance) / (8 - 6 + 2)),
    ];
    // Log-odds are kept in steps of 1 / 64.
    for (let e = 0; e < 2; e++) expect(Math.abs(into[e]! - expected[e]!)).toBeLessThan(1 / 128 + 0.001);
  });

  it('says nothing of a source that was never used, and sums any number of sources', () => {
    const table = new LogOddsTable(9, 4);
    const random = new Random(3, 'table');
    const sources = new Uint16Array(6);
    for (let i = 0; i < 500; i++) {
      for (let k = 0; k < 6; k++) sources[k] = (k + random.below(8)) % 8;
      table.learn(new Uint16Array(new Set(sources)).slice(0, 1), 0, Uint16Array.of(random.below(4)), 0, 1);
    }
    const alone = new Float64Array(4);
    table.add(Uint16Array.of(8), 0, 1, 1, alone);
    expect([...alone]).toEqual([0, 0, 0, 0]);
    const list = Uint16Array.of(0, 1, 2, 3, 4, 5, 6);
    const together = new Float64Array(4);
    table.add(list, 0, list.length, 0.5, together);
    const one = new Float64Array(4);
    for (const source of list) table.add(Uint16Array.of(source), 0, 1, 0.5, one);
    for (let e = 0; e < 4; e++) expect(together[e]).toBeCloseTo(one[e]!, 6);
  });
});

describe('LogisticFit', () => {
  it('finds the weights that made the labels', () => {
    const truth = [-1, 2, -0.5];
    const fit = new LogisticFit([0, 0, 0]);
    const random = new Random(5, 'fit');
    const rows = 64;
    const columns = truth.map((_, i) => new Float64Array(rows).fill(i === 0 ? 1 : 0));
    const labels = new Uint8Array(rows);
    for (let step = 0; step < 600; step++) {
      for (let row = 0; row < rows; row++) {
        columns[1]![row] = random.normal();
        columns[2]![row] = random.normal();
        const logit = truth.reduce((sum, weight, i) => sum + weight * columns[i]![row]!, 0);
        labels[row] = random.next() < 1 / (1 + Math.exp(-logit)) ? 1 : 0;
      }
      fit.step(columns, labels, rows);
    }
    for (const [i, weight] of truth.entries()) expect(Math.abs(fit.weights[i]! - weight)).toBeLessThan(0.12);
  });

  it('keeps the weight of a feature that is always zero', () => {
    const fit = new LogisticFit([0, 0.7]);
    const columns = [new Float64Array(8).fill(1), new Float64Array(8)];
    for (let step = 0; step < 2000; step++) fit.step(columns, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0), 8);
    expect(fit.weights[1]).toBe(0.7);
    expect(1 / (1 + Math.exp(-fit.weights[0]!))).toBeCloseTo(1 / 8, 2);
  });
});

describe('History', () => {
  it('tells an expert of every second token from one that was used once', () => {
    const model = modelOf([{ experts: 6, topK: 1 }]);
    const random = new Random(2, 'history');
    const rows = Array.from({ length: 3000 }, (_, t) => ({ experts: [[t % 2 === 0 ? 0 : 1 + random.below(5)]] }));
    const history = new History(model, 1);
    const into = new Float64Array(6);
    const tokens = [...passesOf(traceOf(rows, 6))].length;
    let at = 0;
    for (const pass of passesOf(traceOf(rows, 6))) {
      if (at === tokens - 2) {
        // Token 2998 uses expert 0 again: the last tokens' bits of expert 0 alternate.
        into.fill(0);
        assert.ok(history.add(pass, 0, -1, 0, 1, into));
        assert.ok(into[0]! > 3);
        for (let e = 1; e < 6; e++) assert.ok(into[e]! < 0);
      }
      history.learn(pass, 0, 0, true);
      at++;
    }
    assert.equal(at, 3000);
  });

  it('keeps requests apart, and is silent about the first token of one', () => {
    const model = modelOf([{ experts: 5, topK: 1 }]);
    const history = new History(model, 1);
    const rows = Array.from({ length: 40 }, (_, t) => ({ request: Math.floor(t / 20), experts: [[t % 5]] }));
    const into = new Float64Array(5);
    let at = 0;
    for (const pass of passesOf(traceOf(rows, 5))) {
      assert.equal(history.add(pass, 0, -1, 0, 1, into), at % 20 !== 0);
      history.learn(pass, 0, 0, true);
      at++;
    }
    assert.equal(at, 40);
  });
});

describe('DriftDetector', () => {
  it('notices a change for the worse soon, and nothing where there is none', () => {
    const random = new Random(9, 'drift');
    const quiet = new DriftDetector();
    for (let i = 0; i < 20_000; i++) assert.equal(quiet.observe(0.4 + 0.05 * random.normal()), false);
    const changed = new DriftDetector();
    for (let i = 0; i < 2000; i++) changed.observe(0.4 + 0.05 * random.normal());
    let noticed = 0;
    while (noticed < 1000 && !changed.observe(0.6 + 0.05 * random.normal())) noticed++;
    expect(noticed).toBeLessThan(40);
  });
});

describe('adaptive', () => {
  it('is corrected by its mistakes and reports the drift', async () => {
    // Layer 1 follows layer 0 by a shift that changes in the middle of the run.
    const model = modelOf([
      { experts: 16, topK: 2 },
      { experts: 16, topK: 2 },
      { experts: 16, topK: 2 },
    ]);
    const random = new Random(4, 'shift');
    const rows = Array.from({ length: 6000 }, (_, t) => {
      const shift = t < 4000 ? 3 : 8;
      const a = random.below(16);
      const first = [a, (a + 1) % 16];
      return { experts: [first, first.map((e) => (e + shift) % 16), first.map((e) => (e + 2 * shift) % 16)] };
    });
    const trace = traceOf(rows, 16);
    const right = async (spec: string) => {
      const predictor = await predictorOf(spec, model, 2);
      const scores = new Float32Array(model.experts);
      let found = 0;
      let at = 0;
      for (const pass of passesOf(trace)) {
        for (let layer = 0; layer < 3; layer++) {
          predictor.observe(pass, layer);
          if (layer === 2 || at < 4000 || at >= 4600) continue;
          predictor.predict(pass, layer, 1, scores);
          for (let i = 2 * layer + 2; i < 2 * layer + 4; i++) found += scores[model.layers[layer + 1]!.offset + pass.choices[i]!]!;
        }
        at++;
      }
      return { found, warnings: predictor.warnings?.() ?? [] };
    };
    const corrected = await right('adaptive:parts=transition');
    const plain = await right('ensemble:parts=transition');
    expect(corrected.found).toBeGreaterThan(1.2 * plain.found);
    expect(corrected.warnings.map(({ code }) => code)).toEqual(['routing-drift']);
    expect(corrected.warnings[0]!.message).toMatch(/first at pass 4,\d{3}/);
  });
});
