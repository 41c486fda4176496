// What predictions take: by tokens and experts scored, on the host of the machine, as the runtime charges it.
import { describe, expect, it } from 'vitest';
import { simulate } from '../../src/index.js';
import { costBeside, gateTime, hostTime } from '../../src/predict/cost.js';
import { parsePredictor, predictionTime } from '../../src/predict/predictors/create.js';
import { PREDICTORS } from '../../src/predict/predictors/index.js';
import { toyModel } from '../cache/fixtures.js';
import { echoModel } from '../fixtures/onnx/models.js';
import { TOY } from '../hardware/toy.js';

const model = toyModel([4, 8, 16], undefined, 2);
/** The host that costs were measured on. */
const measuredOn = { hostClock: 2.45 };
const timeOf = (text: string, beside: Omit<Parameters<typeof predictionTime>[2], 'gpu'> = measuredOn) =>
  predictionTime(parsePredictor(text), model, { gpu: TOY.gpu, ...beside });

describe('hostTime', () => {
  it('is call + tokens x (token + experts scored x expert), of as many tokens as are worked out', () => {
    const time = hostTime({ callNs: 100, tokenNs: 10, expertNs: 2, mostTokens: 4 }, model);
    expect(time.ns(1, -1, 0)).toBe(100 + 10 + 4 * 2);
    expect(time.ns(3, 0, 2)).toBe(100 + 3 * (10 + (8 + 16) * 2));
    expect(time.ns(64, 1, 2)).toBe(100 + 4 * (10 + 16 * 2));
  });
});

describe('gateTime', () => {
  // The GPU reads a byte and computes 10 operations a ns, and launches an expert in 3 ns.
  const wide = { ...model, hidden: 100 };
  const time = gateTime(wide, TOY.gpu);

  it('is a launch for each layer, and reading the routers where tokens are few', () => {
    // 8 experts x 100 x 2 bytes; 8 + 16 experts and two launches.
    expect(time.ns(1, 0, 1)).toBeCloseTo(3 + 1600);
    expect(time.ns(1, 0, 2)).toBeCloseTo(2 * 3 + 4800);
  });

  it('is their arithmetic where tokens are many', () => {
    // 50 tokens x 2 x 8 x 100 operations; 10 tokens are where both are alike.
    expect(time.ns(50, 0, 1)).toBeCloseTo(3 + 8000);
    expect(time.ns(10, 0, 1)).toBeCloseTo(time.ns(1, 0, 1));
  });

  it('is nothing before the pass, and launches alone where nothing says how wide the hidden state is', () => {
    expect(time.ns(1, -1, 2)).toBe(0);
    expect(gateTime({ ...wide, hidden: 0 }, TOY.gpu).ns(1, 0, 2)).toBe(6);
  });

  it('is charged as often as the runtime says, and is what the predictor gate takes', () => {
    const software = { runtime: 'x', several: 'layers', offloadFrom: null, offloadCounts: 'pass', overlaps: true } as const;
    const of = (prediction: number) =>
      predictionTime(parsePredictor('gate'), wide, { gpu: TOY.gpu, software: { ...software, prediction } }).ns(1, 0, 2);
    expect(of(1)).toBe(time.ns(1, 0, 2));
    expect(of(3)).toBeCloseTo(3 * time.ns(1, 0, 2));
    expect(of(0)).toBe(0);
    expect(timeOf('gate:costNs=5').ns(1, 0, 2)).toBe(5);
  });
});

describe('a measured cost', () => {
  it('goes with the clock of the host, where that is known, and as often as the runtime says', () => {
    const cost = { callNs: 100, tokenNs: 20, expertNs: 4, mostTokens: 8 };
    expect(costBeside(cost, measuredOn)).toEqual(cost);
    expect(costBeside(cost, {})).toEqual(cost);
    expect(costBeside(cost, { hostClock: 4.9 })).toEqual({ callNs: 50, tokenNs: 10, expertNs: 2, mostTokens: 8 });
    const software = { runtime: 'x', several: 'layers', offloadFrom: null, offloadCounts: 'pass', overlaps: true, prediction: 3 } as const;
    expect(costBeside(cost, { hostClock: 4.9, software })).toMatchObject({ callNs: 150, expertNs: 6 });
    expect(costBeside(cost, { ...measuredOn, software: { ...software, prediction: 0 } })).toMatchObject({
      callNs: 0,
      tokenNs: 0,
      expertNs: 0,
    });
  });

  it('adds up the kinds of evidence that a mixture reads', () => {
    // One token, the 16 experts of the last layer: docs/predictors.md.
    expect(timeOf('popularity').ns(1, 1, 2)).toBe(800 + 16 * 3);
    expect(timeOf('transition').ns(1, 1, 2)).toBe(800 + 16 * (3 + 6));
    expect(timeOf('ensemble').ns(1, 1, 2)).toBe(800 + 16 * (3 + 6 + 7 + 10));
    expect(timeOf('ensemble:parts=history+expert-map').ns(1, 1, 2)).toBe(800 + 16 * (3 + 7 + 14));
    expect(timeOf('adaptive').ns(1, 1, 2)).toBe(800 + 16 * (3 + 6 + 7 + 10 + 1.5));
    expect(timeOf('last-token').ns(10, 1, 2)).toBeCloseTo(350 + 10 * 16 * 0.2);
  });

  it('of a network goes with the weights of its file and the tokens, however many layers are asked for', () => {
    const file = echoModel('history', 28);
    const time = timeOf(`onnx:file=${file}`);
    expect(time.ns(1, -1, 2)).toBeGreaterThan(33_000);
    expect(time.ns(1, -1, 2)).toBe(time.ns(1, 1, 2));
    expect(time.ns(2, -1, 2)).toBeGreaterThan(time.ns(1, -1, 2));
  });

  it('is nothing where the prediction is made elsewhere, or stands for one that is', () => {
    const free = PREDICTORS.filter(({ cost, runsGates }) => cost === undefined && runsGates !== true).map(({ name }) => name);
    expect(free).toEqual(['supplied', 'draft', 'pre-gated', 'whole-layer', 'oracle']);
    for (const name of [...free, 'none']) expect(timeOf(name).ns(64, -1, 2), name).toBe(0);
  });
});

describe('costNs', () => {
  it('is taken as it is given, on every host and with every runtime', () => {
    expect(timeOf('ensemble:costNs=5000', { hostClock: 5 }).ns(64, -1, 2)).toBe(5000);
    expect(timeOf('oracle:costNs=7').ns(1, -1, 0)).toBe(7);
    expect(timeOf('transition:costNs=measured').ns(1, 1, 2)).toBe(timeOf('transition').ns(1, 1, 2));
  });

  it.each([
    ['transition:costNs=soon', "predictor transition: costNs: expected a number or measured, found 'soon'"],
    ['transition:costNs=-1', 'predictor transition: costNs: -1 is out of range, use 0 or more'],
  ])('refuses %s', (text, message) => {
    expect(() => parsePredictor(text)).toThrow(message);
  });
});

describe('a run', () => {
  const predicting = (more: object) =>
    simulate({
      model: 'olmoe-1b-7b',
      hardware: 'rtx-3060+ryzen-9-7950x',
      workload: { tokens: 24 },
      memory: { expertCache: '25%' },
      bounds: false,
      system: { name: 'test', predictor: { kind: 'transition' } },
      ...more,
    });

  it('L22 is charged for its predictions by default, and not at all by the runtime ideal', async () => {
    const [usual, ideal] = [await predicting({}), await predicting({ runtime: 'ideal' })];
    // One layer of 64 experts ahead; 4.5 GHz.
    expect(usual.metrics['predict.time']!.value).toBeGreaterThan(((800 + 64 * 9) * 2.45) / 4.5 - 1);
    expect(ideal.metrics['predict.time']!.value).toBe(0);
  });
});
