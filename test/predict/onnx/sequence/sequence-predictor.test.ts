// Files of the contract of sequences in passes: what they are asked for prompts, batches, decoding and rejected tokens, and what is refused.
import { beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../../../src/base/errors.js';
import { Random } from '../../../../src/base/random.js';
import { openOnnx } from '../../../../src/predict/onnx/predictor/onnx.js';
import { encoderGraphs, exportEncoder } from '../../../../src/predict/onnx/sequence/graphs.js';
import type { Predictor } from '../../../../src/predict/predictor.js';
import { parsePredictor, predictionTime } from '../../../../src/predict/predictors/create.js';
import { Pass } from '../../../../src/schedule/pass.js';
import { Request } from '../../../../src/schedule/request.js';
import type { RoutingTrace } from '../../../../src/trace/trace.js';
import { modelFile, node, temporaryModel } from '../../../fixtures/onnx/models.js';
import { TOY } from '../../../hardware/toy.js';
import { traceOf } from '../../../trace/builders.js';
import { model, pairTrace } from './routing.js';

const EXPERTS = model.experts;
const LENGTH = 300;
const trace = pairTrace(3, LENGTH, 1);

/** A file of random weights. */
function encoderFile(history: boolean): string {
  const options = { table: 4, width: 4, inside: 8, blocks: 2, head: 6, history, tokenRows: 4 };
  const shape = { layers: model.layers, experts: EXPERTS, frequency: new Float64Array(EXPERTS).fill(0.125) };
  const random = new Random(2, 'test/sequence');
  const { parameters } = encoderGraphs(options, shape, 1, 2);
  const weights = new Map(
    parameters.map((parameter) => [parameter.name, parameter.initial(random).map((value) => value + 0.3 * random.normal())]),
  );
  return temporaryModel(exportEncoder(options, shape, weights, {}));
}

let plain: string;
let knowing: string;
beforeAll(() => {
  plain = encoderFile(false);
  knowing = encoderFile(true);
});

const open = (path: string, slots = 1): Promise<Predictor> =>
  openOnnx(path, { model, topK: 1, slots, random: new Random(1, 'test'), training: [] });

function requestOf(index: number): Request {
  return new Request({ index, start: index * LENGTH, prefill: LENGTH / 2, decode: LENGTH / 2, arrivalNs: 0 });
}

/** Scores of the whole path before a pass; the predictor is shown the pass then. */
function ask(predictor: Predictor, pass: Pass): Float32Array {
  const scores = new Float32Array(EXPERTS);
  predictor.predict(pass, -1, 2, scores);
  for (let layer = 0; layer < 2; layer++) predictor.observe(pass, layer);
  return scores;
}

/** Scores of the first `passes` passes of requests, each with so many tokens of every one of them. */
async function walk(
  path: string,
  indices: readonly number[],
  tokens: readonly number[],
  of: RoutingTrace = trace,
): Promise<Float32Array[]> {
  const predictor = await open(path, indices.length);
  const pass = new Pass(of, indices.length);
  const requests = indices.map(requestOf);
  const said = tokens.map((count) => {
    const shares = requests.map((request) => ({ request, tokens: count }));
    pass.fill(shares);
    const scores = ask(predictor, pass);
    pass.advance(shares);
    return scores;
  });
  predictor.close?.();
  return said;
}

/** 1 - product of (1 - p) of scores, one pass a token. */
const either = (said: readonly Float32Array[]): Float32Array =>
  said.reduce((union, scores) => union.map((p, i) => p + scores[i]! - p * scores[i]!), new Float32Array(EXPERTS));

function close(found: Float32Array, expected: Float32Array): void {
  for (let i = 0; i < EXPERTS; i++) expect(Math.abs(found[i]! - expected[i]!), `[${i}]`).toBeLessThan(2e-5);
}

describe('a model of sequences in passes', () => {
  it('a prompt in one pass says of its tokens what they say one by one, each with its own context', async () => {
    const one = await walk(plain, [0], new Array<number>(6).fill(1));
    const [prompt] = await walk(plain, [0], [6]);
    close(prompt!, either(one));
    // The same id in another context says something else.
    expect(one.slice(1).some((scores) => scores[0] !== one[0]![0])).toBe(true);
  });

  it('a long prompt in parts, chunks of a prompt and decoding after them go on from the state that is kept', async () => {
    const one = await walk(plain, [0], new Array<number>(LENGTH - 1).fill(1));
    const [long, chunk, decode] = await walk(plain, [0], [290, 8, 1]);
    close(chunk!, either(one.slice(290, 298)));
    close(decode!, one[298]!);
    // 290 tokens make every expert probable: the last bits say nothing, the state of the next ones does.
    expect(Math.min(...long!)).toBeGreaterThan(0.9);
  });

  it('requests of a pass have states of their own', async () => {
    const [first, second] = [await walk(plain, [0], [3, 1, 1]), await walk(plain, [2], [3, 1, 1])];
    const both = await walk(plain, [0, 2], [3, 1, 1]);
    for (const [i, scores] of both.entries()) close(scores, either([first[i]!, second[i]!]));
  });

  it('histories are given before the first token of a request in a pass, and to no other', async () => {
    const [, alone] = await walk(knowing, [0], [1, 1]);
    const [, again] = await walk(knowing, [0], [1, 3]);
    const predictor = await open(knowing);
    const pass = new Pass(trace, 1);
    const request = requestOf(0);
    pass.fill([{ request, tokens: 1 }]);
    const scores = new Float32Array(EXPERTS);
    predictor.predict(pass, -1, 2, scores);
    // Nothing was observed: the next token knows less than after its predecessor had been.
    pass.advance([{ request, tokens: 1 }]);
    pass.fill([{ request, tokens: 1 }]);
    predictor.predict(pass, -1, 2, scores);
    predictor.close?.();
    expect(scores).not.toEqual(alone);
    for (let i = 0; i < EXPERTS; i++) expect(again![i]!).toBeGreaterThanOrEqual(alone![i]!);
  });
});

describe('the state of a model of sequences', () => {
  it('drafted tokens that are rejected leave no trace in the state', async () => {
    const straight = await walk(plain, [0], [160, 1, 1, 1, 1]);
    const predictor = await open(plain);
    const pass = new Pass(trace, 1);
    const request = requestOf(0);
    const step = (tokens: number, rejected: number): Float32Array => {
      const shares = [{ request, tokens, rejected }];
      pass.fill(shares);
      const scores = ask(predictor, pass);
      pass.advance(shares);
      return scores;
    };
    step(160, 0);
    step(4, 2); // two stand
    close(step(1, 0), straight[3]!);
    close(step(1, 0), straight[4]!);
    predictor.close?.();
  });

  it('is asked once per pass, and counts its calls', async () => {
    const predictor = await open(plain);
    const pass = new Pass(trace, 1);
    pass.fill([{ request: requestOf(0), tokens: 4 }]);
    expect(predictor.measured!()).toEqual({});
    const scores = new Float32Array(EXPERTS);
    predictor.predict(pass, -1, 1, scores);
    const first = scores.slice(0, 8);
    expect(scores.subarray(8).every((score) => score === 0)).toBe(true);
    predictor.observe(pass, 0);
    predictor.predict(pass, 0, 1, scores);
    expect(scores.slice(0, 8)).toEqual(first);
    expect(scores[8]).toBeGreaterThan(0);
    expect(predictor.calls).toBe(1);
    expect(predictor.measured!()['predict.wall_ns_per_token']).toBeGreaterThan(0);
    predictor.close?.();
  });
});

it('takes as long as it multiplies weights: those of the table are only looked up', () => {
  // token.in 16, two blocks of 124 + 76, heads 4 + 96 + 12, outputs 2 x 48 + 8 x 16 + 16.
  const products = 16 + 2 * (124 + 76) + 112 + 240;
  const time = predictionTime(parsePredictor(plain), model, { ...TOY, hostClock: 2.45 });
  expect(time.ns(1, -1, 1)).toBeCloseTo(125e3 + products * (0.3 + 0.038), 6);
  expect(time.ns(10, -1, 1)).toBeCloseTo(125e3 + products * (0.3 + 10 * 0.038), 6);
});

const file = (inputs: readonly (readonly [string, 'int64' | 'float32', (string | number)[]])[], outputs: readonly string[] = []) =>
  modelFile({
    nodes: outputs.map((name) => node('Identity', ['state'], [name])),
    inputs: inputs.map(([name, type, shape]) => ({ name, type, shape })),
    outputs: outputs.map((name) => ({ name, type: 'float32' as const, shape: ['B', 2] })),
  });

describe('what is refused, in one line', () => {
  it('a trace without token ids', async () => {
    const bare = pairTrace(1, LENGTH, 1, { tokenIds: false });
    await expect(walk(plain, [0], [1], bare)).rejects.toThrow(
      /predictor\.onnx: reads token ids, and the trace carries none; take a predictor that does without/,
    );
  });

  it('a file for another model', async () => {
    const other = traceOf([{ experts: [[0], [0], [0]] }], 4);
    const context = { topK: 1, slots: 1, random: new Random(1, 'test'), training: [] };
    const three = { ...model, experts: 24 };
    await expect(openOnnx(plain, { ...context, model: three })).rejects.toThrow(
      /output "logits" must be float32 \[B, S, 24\], found float32 \[B, S, 16\]; was it made for another model\?/,
    );
    other.close();
  });

  it.each([
    [
      'a state of no fixed width',
      file(
        [
          ['sequence', 'int64', ['B', 'S']],
          ['state', 'float32', ['B', 'W']],
        ],
        ['next_state'],
      ),
      /reads "sequence" and has no input "state" \[B, n\] of a fixed width n/,
    ],
    [
      'an unknown input',
      file(
        [
          ['sequence', 'int64', ['B', 'S']],
          ['state', 'float32', ['B', 2]],
          ['histroy', 'float32', ['B', 'S', EXPERTS]],
        ],
        ['next_state'],
      ),
      /asks for an input "histroy", which moeprof does not give beside "sequence"; did you mean "history"\?/,
    ],
    [
      'a fixed batch',
      file(
        [
          ['sequence', 'int64', [1, 'S']],
          ['state', 'float32', ['B', 2]],
        ],
        ['next_state'],
      ),
      /input "sequence" must be int64 \[B, S\], found int64 \[1, S\]; export it with a dynamic first axis/,
    ],
    [
      'no logits',
      file(
        [
          ['sequence', 'int64', ['B', 'S']],
          ['state', 'float32', ['B', 2]],
        ],
        ['next_state'],
      ),
      /reads "sequence" and has no output "logits" \(found "next_state"\); name one so/,
    ],
  ])('%s', async (_, path, message) => {
    await expect(open(path)).rejects.toThrow(UserError);
    await expect(open(path)).rejects.toThrow(message);
  });
});
