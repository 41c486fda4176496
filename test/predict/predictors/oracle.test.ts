// The oracle reaches the recall and precision that it was asked for, and a perfect one with a perfect link leaves no miss.
import assert from 'node:assert/strict';
import { describe, expect, it, vi } from 'vitest';
import { Random } from '../../../src/base/random.js';
import { simulate, simulateRun } from '../../../src/engine/simulate.js';
import { checkRun } from '../../../src/system/load-run.js';
import { toyModel } from '../../cache/fixtures.js';
import { simulateByEngine } from '../../engine/harness.js';
import { wholeLink, wholeMachine } from '../../engine/scenario.js';
import { sum, world } from '../../engine/world.js';
import { create, type Row, traceFrom, walk } from '../toy.js';

// Long enough for a machine that is busy with something else.
vi.setConfig({ testTimeout: 60_000 });

const model = toyModel([16, 16, 16], undefined, 4);
const random = new Random(3, 'test/oracle');
const rows = Array.from({ length: 400 }, (): Row => model.layers.map(() => [0, 4, 8, 12].map((from) => from + random.below(4))));
const trace = traceFrom(model, 4, [rows]);

describe('oracle', () => {
  it.each([
    [1, 1],
    [0.8, 1],
    [0.6, 0.5],
    [1, 0.7],
  ])('reaches recall %d and precision %d', async (recall, precision) => {
    const oracle = await create('oracle', model, 4, { recall, precision });
    const scores = new Float32Array(model.experts);
    let named = 0;
    let right = 0;
    let demanded = 0;
    walk(trace, oracle, (pass, after) => {
      const { offset, experts } = model.layers[after + 1]!;
      oracle.predict(pass, after, 1, scores);
      for (let expert = 0; expert < experts; expert++) {
        const isTrue = pass.choices.subarray((after + 1) * 4, (after + 2) * 4).includes(expert);
        const isNamed = scores[offset + expert]! > 0;
        if (isNamed) assert.ok(Math.abs(scores[offset + expert]! - precision) < 5e-7);
        named += Number(isNamed);
        demanded += Number(isTrue);
        right += Number(isTrue && isNamed);
      }
    });
    // 4,800 demanded experts: three standard deviations are 0.021.
    expect(Math.abs(right / demanded - recall)).toBeLessThan(0.025);
    expect(Math.abs(right / named - precision)).toBeLessThan(0.025);
  });

  it('keeps its word within a pass: correction does not draw again', async () => {
    const oracle = await create('oracle', model, 4, { recall: 0.5, precision: 0.5 });
    const first = new Float32Array(model.experts);
    walk(
      trace,
      oracle,
      (pass, after) => {
        if (after < 0) oracle.predict(pass, -1, 3, first);
        const now = Float32Array.from(first);
        oracle.predict(pass, after, 3, now);
        expect(now).toEqual(first);
      },
      { to: 20 },
    );
  });
});

describe('oracle of the next pass', () => {
  /** Scores of each pass as they were named in the pass before, and in the pass itself; one row a pass. */
  async function named(given: object, streams: number): Promise<{ readonly before: Float32Array[]; readonly during: Float32Array[] }> {
    const oracle = await create('oracle', model, 4, { ...given });
    const found = { before: [] as Float32Array[], during: [] as Float32Array[] };
    const parts = Array.from({ length: streams }, (_, stream) => rows.slice(100 * stream, 100 * (stream + 1)));
    walk(
      traceFrom(model, 4, parts),
      oracle,
      (pass, after) => {
        if (after >= 0) return;
        for (const [list, fill] of [
          [found.during, (scores: Float32Array) => oracle.predict(pass, -1, 3, scores)],
          [found.before, (scores: Float32Array) => model.layers.forEach(({ index }) => void oracle.next!(pass, index, scores))],
        ] as const) {
          const scores = new Float32Array(model.experts);
          fill(scores);
          list.push(scores);
        }
      },
      { streams },
    );
    return found;
  }

  it.each([
    [{ recall: 1, precision: 1 }, 1],
    [{ recall: 0.5, precision: 0.6 }, 1],
    [{ recall: 0.7, precision: 0.8 }, 4],
  ])('names the same as that pass will: %o, %d streams', async (given, streams) => {
    const { before, during } = await named(given, streams);
    expect(before.length).toBe(100);
    expect(before.slice(0, -1)).toEqual(during.slice(1));
    // Nothing comes after the last token.
    expect(before.at(-1)!.every((score) => score === 0)).toBe(true);
    expect(during.some((scores) => scores.some((score) => score > 0))).toBe(true);
  });

  it('puts what more tokens choose first, by no more than a twentieth', async () => {
    const { during } = await named({ recall: 1, precision: 1 }, 4);
    for (const [pass, scores] of during.entries()) {
      for (const { experts, index, offset } of model.layers) {
        for (let expert = 0; expert < experts; expert++) {
          const load = [0, 1, 2, 3].filter((stream) => rows[100 * stream + pass]![index]!.includes(expert)).length;
          expect(scores[offset + expert]).toBeCloseTo(load === 0 ? 0 : 1 - 0.05 * (1 - load / 4), 6);
        }
      }
    }
  });
});

describe('oracle in a run', () => {
  it('with recall 1, precision 1 and an infinite link gives hit rate 1', async () => {
    const h2d = { ...wholeLink('h2d', 1), bandwidth: Number.POSITIVE_INFINITY };
    const scenario = world({
      layers: [
        { experts: 8, denseNs: 1 },
        { experts: 8, denseNs: 1 },
      ],
      capacityBytes: 40,
      passes: rows.slice(0, 100).map((row) => [[row[0]!.slice(0, 2).map((e) => e % 8), row[1]!.slice(2).map((e) => e % 8)]]),
      hardware: wholeMachine([h2d]),
    });
    const truth = scenario.passes;
    const outcome = await simulateByEngine({
      ...scenario,
      script: {
        limits: { horizon: 1, correction: true, minProbability: 0.15, perLayer: 2 },
        costNs: 0,
        score: (pass, _after, id) => Number(truth[pass - 1]![0]![id >= 8 ? 1 : 0]!.includes(id % 8)),
      },
    });
    expect(sum(outcome, 'demanded')).toBe(400);
    expect(sum(outcome, 'hits')).toBe(400);
  });

  it('does so in a whole run too', async () => {
    const given = {
      model: 'mini-finegrained-64x12l',
      system: { name: 'told', predictor: { kind: 'oracle', costNs: 0, horizon: 1, correction: true } },
      // No time of a host between a copy and its use.
      runtime: 'ideal',
      memory: { expertCache: '25%' },
      workload: { tokens: 60, prompt: 0, output: 60 },
    };
    const infinite = [
      { path: ['hardware', 'links', 'h2d', 'bandwidth'], value: '1e12 GB/s', label: '--set' },
      { path: ['hardware', 'links', 'h2d', 'latency'], value: '0ns', label: '--set' },
    ];
    const { metrics } = await simulateRun(checkRun(given, 'test', infinite));
    expect(metrics['cache.hit_rate']!.value).toBe(1);
    expect(metrics['predict.recall_at_k']!.value).toBe(1);
    expect(metrics['prefetch.precision']!.value).toBe(1);
    expect(metrics['transfer.on_demand.count']!.value).toBe(0);
  });

  it('is measured at the recall that it has: an event of which it names nothing counts too', async () => {
    const { metrics } = await simulate({
      model: 'mini-mixtral-8x8l',
      system: { name: 'told', predictor: { kind: 'oracle', recall: 0.5, horizon: 1 } },
      memory: { expertCache: '25%' },
      workload: { tokens: 100, prompt: 0, output: 100 },
    });
    // 1,600 members, two an event, a quarter of the events unnamed: three standard deviations are 0.038; leaving those out gives 0.67.
    expect(Math.abs(metrics['predict.recall_at_k']!.value - 0.5)).toBeLessThan(0.05);
  });
});
