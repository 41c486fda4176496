// Predictors of the user's own: the example of docs/extend.md does what the page says, and each breach of the contract is told.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { simulate } from '../../../src/engine/simulate.js';
import type { Predictor } from '../../../src/predict/predictor.js';
import { createPredictor, parsePredictor } from '../../../src/predict/predictors/create.js';
import { toyModel } from '../../cache/fixtures.js';
import { exampleOf, ownFolder, refusal, withoutTrials } from '../../support/own-parts.js';
import { traceFrom, walk } from '../toy.js';

const folder = ownFolder();
const example = exampleOf('recent.mjs', folder);

const model = toyModel([4, 4]);
const trace = traceFrom(model, 1, [
  [
    [[0], [3]],
    [[1], [3]],
    [[1], [2]],
  ],
]);
const created = (text: string): Promise<Predictor | null> =>
  createPredictor({ chosen: parsePredictor(text), model, trace, slots: 1, seed: 1, training: [], folder });

describe('docs/extend.md, a predictor', () => {
  it('scores by decayed use', async () => {
    const predictor = (await created('./recent.mjs:memory=0.5'))!;
    const scores = new Float32Array(8);
    const seen: number[][] = [];
    walk(trace, predictor, (pass, after) => {
      if (after >= 0) return;
      predictor.predict(pass, after, 2, scores);
      seen.push([...scores]);
    });
    expect(seen).toEqual([
      [0, 0, 0, 0, 0, 0, 0, 0],
      [0.5, 0, 0, 0, 0, 0, 0, 0.5],
      [0.25, 0.5, 0, 0, 0, 0, 0, 0.75],
    ]);
  });

  it('predicts in a run, with parameters beside it', async () => {
    const run = {
      model: 'mini-mixtral-8x8l',
      trace: 'mini-mixtral-8x8l',
      memory: { expertCache: '25%' },
      workload: { tokens: 60 },
      bounds: false,
    } as const;
    const { config, metrics } = await simulate({ ...run, system: { name: 'own', predictor: { kind: example, memory: 0.5, horizon: 2 } } });
    expect(metrics['transfer.prefetch.count']).toBeDefined();
    expect(JSON.stringify(config)).toContain('recent.mjs');
  });

  it('checks its parameters, and costs what is said', async () => {
    expect(await refusal(() => created('./recent.mjs:memory=2'))).toMatch(/^UserError: predictor .*recent\.mjs: memory: 2 is out of range/);
    expect(await refusal(() => created('./recent.mjs:memry=1'))).toMatch(/unknown parameter "memry"; did you mean "memory"/);
    expect(await refusal(() => created('./recent.mjs:costNs=100'))).toBe('nothing');
  });
});

describe('what it knows', () => {
  it('is nothing unless it says so, and is told in results', async () => {
    const run = {
      model: 'mini-mixtral-8x8l',
      trace: 'mini-mixtral-8x8l',
      memory: { expertCache: '25%' },
      workload: { tokens: 20 },
      bounds: false,
    } as const;
    const knowledge = async (text: string) => {
      const path = join(folder, `knows-${text.length}.mjs`);
      writeFileSync(
        path,
        `export default { name: 'own', ${text} create: () => ({ observe() {}, predict: (p, a, h, s) => { for (let i = 8 * (a + 1); i < Math.min(64, 8 * (a + 1 + h)); i++) s[i] = 0; } }) };`,
      );
      return (await simulate({ ...run, system: { name: 'own', predictor: path } })).knowledge;
    };
    expect(await knowledge('')).toEqual({ most: 'nothing', parts: [] });
    expect(await knowledge("knows: () => ({ knows: 'future' }),")).toMatchObject({
      most: 'future',
      parts: [{ part: 'predictor', name: 'own' }],
    });
    expect(await refusal(() => knowledge("knows: () => ({ knows: 'all' }),"))).toMatch(/"knows" must return \{ knows: nothing \| recorded/);
  });
});

describe('a breach of the contract is one line', () => {
  withoutTrials();
  const predictor = (members: string) => `export default { name: 'own', create: () => ({ observe() {}, predict() {}, ${members} }) };`;
  it.each([
    ['a score left out', 'predict() {}', /predict left out, or made NaN, the score of expert 0 of layer 0; write a probability/],
    [
      'a score above 1',
      'predict: (pass, after, horizon, scores) => scores.fill(1.5, 0, 4)',
      /predict gave 1\.5 as the score of expert 0 of/,
    ],
    [
      'another layer',
      'predict: (pass, after, horizon, scores) => scores.fill(0.5)',
      /wrote the score of expert 0 of layer 1, and layer 0 was asked/,
    ],
    ['a throw', 'predict() { null.x; }', /own\.mjs:1:\d+: predict threw TypeError: Cannot read properties of null/],
    ['versions of another length', 'versions: new Uint32Array(1)', /"versions" must be a Uint32Array with a number for each layer/],
  ])('%s', async (what, members, message) => {
    const path = `./${what.replaceAll(' ', '-')}-own.mjs`;
    writeFileSync(join(folder, path), predictor(members));
    const said = await refusal(async () => {
      const own = (await created(path))!;
      const scores = new Float32Array(8);
      walk(trace, own, (pass, after) => own.predict(pass, after, 1, scores));
    });
    expect(said).toMatch(/^UserError: /);
    expect(said).toMatch(message);
  });
});
