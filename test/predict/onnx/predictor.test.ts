// ONNX files made by hand, under the documented contract, as predictors: what they are given, and what becomes of what they say.
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/base/errors.js';
import { Random } from '../../../src/base/random.js';
import type { ModelSpec } from '../../../src/model/spec.js';
import { openOnnx } from '../../../src/predict/onnx/predictor/onnx.js';
import type { Predictor } from '../../../src/predict/predictor.js';
import { Pass } from '../../../src/schedule/pass.js';
import { Request } from '../../../src/schedule/request.js';
import { NULL_EXPERT, type RoutingTrace } from '../../../src/trace/trace.js';
import { echoModel, modelFile, node, rows, scalar } from '../../fixtures/onnx/models.js';
import { type TestRow, traceOf, uniformModel } from '../../trace/builders.js';
import { passesOf } from '../running.js';

const model = uniformModel(2, 4, 2);
const EXPERTS = 8;

/** Three tokens of one request, then one of another. */
const TOKENS: TestRow[] = [
  {
    request: 0,
    position: 0,
    token: 7,
    experts: [
      [0, 1],
      [2, 3],
    ],
  },
  {
    request: 0,
    position: 1,
    token: 8,
    experts: [
      [1, 2],
      [3, 0],
    ],
  },
  {
    request: 0,
    position: 2,
    token: 9,
    experts: [
      [1, 3],
      [NULL_EXPERT, 0],
    ],
  },
  {
    request: 1,
    position: 0,
    token: 7,
    experts: [
      [3, 0],
      [1, 2],
    ],
  },
];
const trace = traceOf(TOKENS, 4);

function open(path: string, { on = model, slots = 1, training = [] as RoutingTrace[] } = {}): ReturnType<typeof openOnnx> {
  return openOnnx(path, { model: on, topK: 2, slots, random: new Random(1, 'test'), training });
}

/** logits = the named input itself: what a probability hides, its logit shows. */
function mirrorOf(input: string, type: 'float32' | 'int64' = 'float32', shape: (string | number)[] = ['N', EXPERTS]): string {
  const value = type === 'int64' ? [{ ...node('Cast', [input], ['number']), attributes: { to: { int: 1 } } }] : [];
  const source = type === 'int64' ? 'number' : input;
  const column = type === 'int64' ? [node('Unsqueeze', [source, 'last'], ['column'])] : [];
  return modelFile({
    nodes: [
      ...value,
      ...column,
      node('Add', [type === 'int64' ? 'column' : source, 'zeros'], ['sum']),
      node('Mul', ['sum', 'tenth'], ['logits']),
    ],
    initializers: [
      { name: 'zeros', shape: [1, EXPERTS], data: new Float32Array(EXPERTS) },
      { name: 'last', shape: [1], data: BigInt64Array.of(1n) },
      scalar('tenth', 0.1),
    ],
    inputs: [{ name: input, type, shape }],
    outputs: [rows('logits', EXPERTS)],
  });
}

/** What a {@link mirrorOf} model was given, found back from the scores of a pass of one token. */
function given(scores: Float32Array): number[] {
  return Array.from(scores, (p) => Math.round(Math.log(p / (1 - p)) * 10 * 1000) / 1000);
}

/** Scores before each pass, each pass observed afterwards. */
async function walk(predictor: Predictor, visit: (token: number, scores: Float32Array) => void, over = trace): Promise<void> {
  const scores = new Float32Array(EXPERTS);
  let token = 0;
  for (const pass of passesOf(over)) {
    predictor.predict(pass, -1, 2, scores);
    visit(token++, scores);
    for (let layer = 0; layer < 2; layer++) predictor.observe(pass, layer);
  }
  predictor.close?.();
}

describe('what a model is given', () => {
  it('history: the paths of its request, halved with every token, so that 1 or more marks the last one', async () => {
    const seen: number[][] = [];
    await walk(await open(mirrorOf('history')), (_, scores) => seen.push(given(scores)));
    expect(seen).toEqual([
      [0, 0, 0, 0, 0, 0, 0, 0],
      [1, 1, 0, 0, 0, 0, 1, 1],
      [0.5, 1.5, 1, 0, 1, 0, 0.5, 1.5],
      [0, 0, 0, 0, 0, 0, 0, 0],
    ]);
  });

  it('history_slow: the same with a decay of 0.98', async () => {
    const seen: number[][] = [];
    await walk(await open(mirrorOf('history_slow')), (_, scores) => seen.push(given(scores)));
    expect(seen[2]).toEqual([0.98, 1.98, 1, 0, 1, 0, 0.98, 1.98]);
  });

  it('observed: the running path up to the layer that is known', async () => {
    const predictor = await open(mirrorOf('observed'));
    const scores = new Float32Array(EXPERTS);
    const pass = passesOf(trace).next().value as Pass;
    predictor.predict(pass, -1, 2, scores);
    expect(given(scores)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    predictor.observe(pass, 0);
    predictor.predict(pass, 0, 1, scores.fill(0.5));
    // Layer 0 is known: its scores are left alone, the model is told 1 for experts 0 and 1 of it, and nothing of layer 1.
    expect(given(scores)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    predictor.close();
    const echo = await open(
      modelFile({
        // Rolls the observed layer 0 over layer 1, where it can be seen.
        nodes: [
          { ...node('Split', ['observed'], ['first', 'second']), attributes: { axis: { int: 1 } } },
          { ...node('Concat', ['second', 'first'], ['swapped']), attributes: { axis: { int: 1 } } },
          node('Mul', ['swapped', 'tenth'], ['logits']),
        ],
        initializers: [scalar('tenth', 0.1)],
        inputs: [rows('observed', EXPERTS)],
        outputs: [rows('logits', EXPERTS)],
      }),
    );
    const again = passesOf(trace).next().value as Pass;
    echo.observe(again, 0);
    echo.predict(again, 0, 1, scores);
    expect(given(scores).slice(4)).toEqual([1, 1, 0, 0]);
    echo.close();
  });
});

describe('what a model is given beside paths', () => {
  it('token_id and position', async () => {
    const seen: number[][] = [];
    await walk(await open(mirrorOf('token_id', 'int64', ['N'])), (_, scores) => seen.push([given(scores)[0]!]));
    await walk(await open(mirrorOf('position', 'int64', ['N'])), (token, scores) => seen[token]!.push(given(scores)[7]!));
    expect(seen).toEqual([
      [7, 0],
      [8, 1],
      [9, 2],
      [7, 0],
    ]);
  });

  it('popularity: the share of all tokens so far, those of training traces included', async () => {
    // N comes from another input: popularity is one row for all tokens.
    const path = modelFile({
      nodes: [
        node('Mul', ['history', 'zero'], ['zeros']),
        node('Add', ['zeros', 'popularity'], ['sum']),
        node('Mul', ['sum', 'tenth'], ['logits']),
      ],
      initializers: [scalar('zero', 0), scalar('tenth', 0.1)],
      inputs: [rows('history', EXPERTS), { name: 'popularity', type: 'float32', shape: [EXPERTS] }],
      outputs: [rows('logits', EXPERTS)],
    });
    const seen: number[][] = [];
    await walk(await open(path), (_, scores) => seen.push(given(scores)));
    expect(seen[0]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect(seen[2]).toEqual([0.5, 1, 0.5, 0, 0.5, 0, 0.5, 1]);
    let first: number[] | null = null;
    await walk(await open(path, { training: [trace] }), (_, scores) => {
      first ??= given(scores);
    });
    expect(first).toEqual([0.5, 0.75, 0.25, 0.5, 0.5, 0.25, 0.5, 0.5]);
  });

  it('refuses at the first pass where the trace has no token ids', async () => {
    const bare = traceOf(
      TOKENS.map(({ token: _, ...row }) => row),
      4,
    );
    const predictor = await open(mirrorOf('token_id', 'int64', ['N']));
    const pass = passesOf(bare).next().value as Pass;
    const ask = (): void => predictor.predict(pass, -1, 2, new Float32Array(EXPERTS));
    expect(ask).toThrow(UserError);
    expect(ask).toThrow('asks for token_id, and the trace carries no token ids');
    predictor.close();
  });
});

/** Two requests, two tokens of the first and one of the second, in one pass. */
function batchPass(): Pass {
  const pass = new Pass(trace, 2);
  const first = new Request({ index: 0, start: 0, prefill: 3, decode: 0, arrivalNs: 0 });
  const second = new Request({ index: 1, start: 3, prefill: 0, decode: 1, arrivalNs: 0 });
  pass.fill([
    { request: first, tokens: 2 },
    { request: second, tokens: 1 },
  ]);
  return pass;
}

describe('what becomes of what it says', () => {
  it('a pass demands what any of its tokens uses: 1 - product of (1 - sigmoid(logit)), rounded to 2^-20 per token', async () => {
    const predictor = await open(echoModel('observed', EXPERTS), { slots: 2 });
    const pass = batchPass();
    predictor.observe(pass, 0);
    const scores = new Float32Array(EXPERTS);
    predictor.predict(pass, -1, 2, scores);
    const rounded = (p: number): number => Math.round(p * 2 ** 20) / 2 ** 20;
    const low = rounded(1 / (1 + Math.exp(4)));
    expect(scores[0]).toBeCloseTo(1 - (1 - low) ** 3, 7);
    predictor.close();
  });

  it('tokens of one chunk of a prompt share the history before it, and become history in their order', async () => {
    const predictor = await open(mirrorOf('history'), { slots: 2 });
    const scores = new Float32Array(EXPERTS);
    const pass = batchPass();
    predictor.predict(pass, -1, 2, scores);
    expect(Array.from(scores)).toEqual(new Array(EXPERTS).fill(1 - 0.5 ** 3));
    predictor.observe(pass, 0);
    predictor.observe(pass, 1);
    // Replayed activation by activation, a layer is observed again and again; the pass becomes history once.
    predictor.observe(pass, 1);
    const next = new Pass(trace, 1);
    const rest = new Request({ index: 0, start: 0, prefill: 3, decode: 0, arrivalNs: 0 });
    rest.done = 2;
    rest.slot = 0;
    next.fill([{ request: rest, tokens: 1 }]);
    next.number = 2;
    predictor.predict(next, -1, 2, scores);
    expect(given(scores)).toEqual([0.5, 1.5, 1, 0, 1, 0, 0.5, 1.5]);
    predictor.close();
  });

  it('only the layers asked for are scored', async () => {
    const predictor = await open(echoModel('history', EXPERTS));
    const scores = new Float32Array(EXPERTS).fill(0.25);
    const pass = passesOf(trace).next().value as Pass;
    predictor.predict(pass, -1, 1, scores);
    expect(Array.from(scores.subarray(4))).toEqual([0.25, 0.25, 0.25, 0.25]);
    expect(scores[0]).toBeLessThan(0.1);
    predictor.close();
  });
});

describe('the session of a model', () => {
  it('a model that does not look at the running pass is asked once per pass; what it took is measured', async () => {
    for (const [input, calls] of [
      ['history', 1],
      ['observed', 2],
    ] as const) {
      const predictor = await open(echoModel(input, EXPERTS));
      expect(predictor.measured()).toEqual({});
      const scores = new Float32Array(EXPERTS);
      const pass = passesOf(trace).next().value as Pass;
      predictor.predict(pass, -1, 2, scores);
      predictor.observe(pass, 0);
      predictor.predict(pass, 0, 1, scores);
      const measured = predictor.measured();
      expect(measured['predict.calls']).toBe(calls);
      expect(measured['predict.wall_ns_per_call']).toBeGreaterThan(0);
      expect(measured['predict.wall_ns_per_token']).toBeGreaterThan(0);
      expect(predictor.calls).toBe(calls);
      predictor.close();
    }
  });

  it('refuses a file that was made for another model, and ends its session', async () => {
    const other: ModelSpec = uniformModel(3, 4, 2);
    await expect(open(echoModel('history', EXPERTS), { on: other })).rejects.toThrow(
      /predictor\.onnx: input "history" must be float32 \[N, 12\], found float32 \[N, 8\]/,
    );
  });
});
