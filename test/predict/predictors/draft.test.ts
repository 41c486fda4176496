// What drafts chose: heard token by token as they are drafted, as right as was published, and of nothing that no drafter has run.
import { describe, expect, it, vi } from 'vitest';
import { Random } from '../../../src/base/random.js';
import { simulate } from '../../../src/engine/simulate.js';
import { Pass } from '../../../src/schedule/pass.js';
import { Request } from '../../../src/schedule/request.js';
import { toyModel } from '../../cache/fixtures.js';
import { simulateByEngine } from '../../engine/harness.js';
import { wholeLink, wholeMachine } from '../../engine/scenario.js';
import { world } from '../../engine/world.js';
import { create, type Row, traceFrom } from '../toy.js';

vi.setConfig({ testTimeout: 60_000 });

const LAYERS = 3;
const EXPERTS = 16;
const TOP_K = 4;
const model = toyModel(new Array<number>(LAYERS).fill(EXPERTS), undefined, TOP_K);

/** Token number t chooses 4 experts of its own at every layer, of four tokens those of each quarter. */
const quarters = Array.from({ length: 4 }, (_, token): Row => Array.from({ length: LAYERS }, () => [0, 1, 2, 3].map((k) => 4 * token + k)));

function passOf(rows: readonly Row[], prefill = 0): Pass {
  const trace = traceFrom(model, TOP_K, [rows]);
  const pass = new Pass(trace, 1);
  const request = new Request({ index: 0, start: 0, prefill, decode: rows.length - prefill, arrivalNs: 0 });
  pass.fill([{ request, tokens: rows.length }]);
  return pass;
}

describe('draft', () => {
  it('names the experts of a token when the drafter has run it, and never those of the last', async () => {
    const predictor = await create('draft', model, TOP_K, { recall: 1 });
    const pass = passOf(quarters);
    expect([pass.draftSteps, [...pass.draftStep.subarray(0, 4)]]).toEqual([3, [1, 2, 3, 0]]);
    const scores = new Float32Array(model.experts);
    for (const drafted of [1, 2, 3]) {
      pass.drafted = drafted;
      predictor.predict(pass, -1, LAYERS, scores);
      const named = model.layers.map(({ offset }) => [...scores.subarray(offset, offset + EXPERTS)].filter((score) => score === 1).length);
      expect(named).toEqual([4 * drafted, 4 * drafted, 4 * drafted]);
      expect(scores.subarray(12, 16).some((score) => score > 0)).toBe(false);
    }
  });

  it('says nothing of a prompt, nor of a token without a draft', async () => {
    const predictor = await create('draft', model, TOP_K, { recall: 1 });
    for (const pass of [passOf(quarters, 4), passOf(quarters.slice(0, 1))]) {
      pass.drafted = pass.draftSteps;
      const scores = new Float32Array(model.experts).fill(7);
      predictor.predict(pass, -1, LAYERS, scores);
      expect([pass.draftSteps, Math.max(...scores)]).toEqual([0, 0]);
    }
  });

  it('is as right as it is told, and names as many as a token chooses', async () => {
    const predictor = await create('draft', model, TOP_K, { recall: 0.8 });
    const random = new Random(3, 'test/draft');
    let right = 0;
    let named = 0;
    const passes = 300;
    const trace = traceFrom(model, TOP_K, [
      Array.from({ length: 2 * passes }, (): Row => model.layers.map(() => [0, 4, 8, 12].map((from) => from + random.below(4)))),
    ]);
    const pass = new Pass(trace, 1);
    const request = new Request({ index: 0, start: 0, prefill: 0, decode: 2 * passes, arrivalNs: 0 });
    const shares = [{ request, tokens: 2 }];
    const scores = new Float32Array(model.experts);
    for (let i = 0; i < passes; i++) {
      pass.fill(shares);
      pass.drafted = 1;
      predictor.predict(pass, -1, LAYERS, scores);
      for (const { index, offset } of model.layers) {
        const chosen = [...pass.choices.subarray(index * TOP_K, (index + 1) * TOP_K)];
        right += chosen.filter((expert) => scores[offset + expert]! > 0).length;
        named += scores.subarray(offset, offset + EXPERTS).reduce((sum, score) => sum + Number(score > 0), 0);
      }
      pass.advance(shares);
    }
    // 3,600 choices: three standard deviations are 0.02. Two wrong names of a token may be one expert: 4 are named at most.
    expect(Math.abs(right / (passes * LAYERS * TOP_K) - 0.8)).toBeLessThan(0.02);
    expect(named / (passes * LAYERS)).toBeGreaterThan(3.95);
    expect(named / (passes * LAYERS)).toBeLessThanOrEqual(4);
  });
});

describe('draft in a run', () => {
  it('prefetches while further tokens are drafted, by hand', async () => {
    // One layer of 10-byte experts, 4 ns a byte: a transfer takes 40 ns, as a step of drafting does. Two drafts, all right, of experts 0, 1, 2.
    const scenario = world({
      layers: [{ experts: 4, bytes: 10, activationNs: 0, denseNs: 5 }],
      topK: 1,
      passes: [[[[0]]], [[[1]]], [[[2]]]],
      hardware: wholeMachine([wholeLink('h2d', 4)]),
      capacityBytes: 40,
      script: {
        limits: { horizon: 1, correction: false, minProbability: 0.5, perLayer: 4 },
        costNs: 0,
        drafts: true,
        score: (_pass: number, _after: number, id: number, drafted: number) => Number(id < drafted),
      },
      speculation: { draft: 2, acceptances: [1, 1], drafterNs: 40, rollback: 'free' },
    });
    const { passes, useful, late } = await simulateByEngine(scenario);
    // Expert 0 comes from 40 to 80, in time; 1 from 80 to 120, late; 2 is missed and follows, to 160. The routing is known at 85.
    expect([passes.length, useful, late]).toEqual([1, 1, 1]);
    expect(passes[0]!.layers[0]).toMatchObject({ startNs: 85, hits: 1, late: 1, misses: 1, stallNs: 25 + 30 });
  });

  it('is refused where nothing is drafted', async () => {
    const run = (workload: object) =>
      simulate({
        trace: 'mini-mixtral-8x8l',
        hardware: 't4',
        system: { name: 'x', predictor: 'draft' },
        workload,
        bounds: false,
        audit: 'off',
      });
    await expect(run({ tokens: 8 })).rejects.toThrow(
      'predictor draft: speaks of drafted tokens alone, and nothing is drafted; say workload.speculation, e.g. { draft: 4, acceptance: 0.7 }',
    );
    expect((await run({ tokens: 8, speculation: {} })).metrics['prefetch.started']?.value ?? 0).toBe(0);
  });
});
