// A network as one part of a mixture: its weight is fitted like any other, and it is let go with the mixture.
import { describe, expect, it } from 'vitest';
import { createPredictor, locatedPredictor, parsePredictor, predictionTime } from '../../../src/predict/predictors/create.js';
import { PREDICTORS } from '../../../src/predict/predictors/index.js';
import { Pass, Request } from '../../../src/schedule/door.js';
import { echoModel } from '../../fixtures/onnx/models.js';
import { TOY } from '../../hardware/toy.js';
import { type TestRow, traceOf, uniformModel } from '../../trace/builders.js';
import { recallOf, WHOLE_PATH } from '../running.js';

const model = uniformModel(3, 8, 2);
/** Three tokens of four repeat the path of the token before them: what `history` knows. */
const trace = traceOf(
  Array.from({ length: 600 }, (_, token): TestRow => {
    const path = Math.floor(token / 4);
    return {
      request: 0,
      position: token,
      token: 0,
      experts: [0, 1, 2].map((layer) => [(path * 3 + layer) % 8, (path * 3 + layer + 4) % 8]),
    };
  }),
  8,
);
const file = echoModel('history', model.experts);
const made = (text: string, training = [] as (typeof trace)[]) =>
  createPredictor({ chosen: parsePredictor(text), model, trace, slots: 1, seed: 1, training });

describe('the part onnx', () => {
  it('says what the network says', async () => {
    const [alone, part] = [await made(`onnx:file=${file}`), await made(`ensemble:parts=onnx,file=${file}`)];
    // By chance .25; three of four tokens repeat. The mixture has to find its weights first.
    expect(recallOf(alone!, model, trace, WHOLE_PATH, 2)).toBeGreaterThan(0.7);
    expect(recallOf(part!, model, trace, WHOLE_PATH, 2)).toBeGreaterThan(0.6);
    expect(part!.measured!()['predict.calls']).toBeGreaterThan(100);
    for (const predictor of [alone, part]) predictor!.close!();
  });

  it('is not asked about what is learned from beforehand, which it may know by heart', async () => {
    const part = await made(`path-retrieval:file=${file}`, [trace]);
    expect(part!.measured!()).toEqual({});
    // A file is a part of it without being named among them.
    recallOf(part!, model, trace, WHOLE_PATH, 2);
    expect(part!.measured!()['predict.calls']).toBeGreaterThan(10);
    part!.close!();
  });

  it('takes what the tables take, and a run of the network once a pass, on the host of the machine', () => {
    const time = (text: string, hostClock = 2.45) => predictionTime(parsePredictor(text), model, { ...TOY, hostClock });
    const [both, tables, network] = [`ensemble:parts=history+onnx,file=${file}`, 'ensemble:parts=history', `onnx:file=${file}`];
    expect(time(both).ns(1, -1, 2)).toBe(time(tables).ns(1, -1, 2));
    expect(time(both).networkNs!(3)).toBeCloseTo(time(network).ns(3, -1, 2), 6);
    expect(time(both, 4.9).networkNs!(3)).toBeCloseTo(time(both).networkNs!(3) / 2, 6);
    expect(time(tables).networkNs).toBeUndefined();
  });

  it('is run once a pass however many layers are predicted', async () => {
    const part = await made(`ensemble:parts=onnx,file=${file}`);
    const pass = new Pass(trace, 1);
    const request = new Request({ index: 0, start: 0, prefill: 0, decode: trace.tokens, arrivalNs: 0 });
    const shares = [{ request, tokens: 1 }];
    const scores = new Float32Array(model.experts);
    const runs: number[] = [];
    for (; !request.finished; pass.advance(shares)) {
      pass.fill(shares);
      const before = part!.network!.runs;
      for (let after = -1; after < 2; after++) {
        if (after >= 0) part!.observe(pass, after);
        part!.predict(pass, after, 3, scores);
      }
      part!.observe(pass, 2);
      runs.push(part!.network!.runs - before);
    }
    expect(Math.max(...runs)).toBe(1);
    expect(part!.network!.spoke).toBe(true);
    part!.close!();
  });

  it('is found beside the profile, and refused without a file', async () => {
    expect(locatedPredictor('ensemble:parts=history+onnx,file=p.onnx', '/models')).toBe('ensemble:parts=history+onnx,file=/models/p.onnx');
    await expect(made('ensemble:parts=history+onnx')).rejects.toThrow(
      'predictor: parts: onnx names no file; write file=predictor.onnx beside the parts',
    );
    expect(PREDICTORS.filter(({ parameters }) => 'file' in parameters).map(({ name }) => name)).toEqual([
      'ensemble',
      'adaptive',
      'path-retrieval',
      'onnx',
    ]);
  });
});
