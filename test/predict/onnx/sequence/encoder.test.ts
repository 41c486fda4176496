// The encoder as a file, against the same network written plainly: one token after another, loops and no tensors.
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../../../src/base/random.js';
import type { ParameterSpec } from '../../../../src/predict/onnx/network.js';
import { loadOnnxRuntime, type Ort, SESSION_OPTIONS } from '../../../../src/predict/onnx/runtime.js';
import type { EncoderOptions } from '../../../../src/predict/onnx/sequence/encoder.js';
import { encoderGraphs, exportEncoder } from '../../../../src/predict/onnx/sequence/graphs.js';
import { modelOf } from '../../../trace/builders.js';
import { plainEncoder } from './plain-encoder.js';

const ort = await loadOnnxRuntime();
const model = modelOf([
  { experts: 4, topK: 2 },
  { experts: 3, topK: 1 },
]);
const EXPERTS = 7;
const options: EncoderOptions = { table: 3, width: 4, inside: 6, blocks: 2, head: 5, history: true, tokenRows: 9 };
const shape = { layers: model.layers, experts: EXPERTS, frequency: Float64Array.of(0.5, 0.25, 0.75, 0.5, 0.25, 0.25, 0.5) };
const STREAMS = 2;
const WINDOW = 3;

const random = new Random(5, 'test/encoder');
/** Parameters, all away from where they begin, so that nothing is 0 or 1 by itself. */
function weightsOf(parameters: readonly ParameterSpec[]): Map<string, Float32Array> {
  return new Map(
    parameters.map((parameter) => [parameter.name, parameter.initial(random).map((value) => value + 0.3 * random.normal())] as const),
  );
}

const graphs = encoderGraphs(options, shape, STREAMS, WINDOW);
const weights = weightsOf(graphs.parameters);
let session: Ort.InferenceSession;
beforeAll(async () => {
  session = await ort.InferenceSession.create(exportEncoder(options, shape, weights, {}), SESSION_OPTIONS);
});

/** Histories of so many tokens: halves and ones where a path was, as the contract has them. */
function draws(tokens: number): { fast: Float32Array; slow: Float32Array } {
  const fast = Float32Array.from({ length: tokens * EXPERTS }, () => random.below(8) / 4);
  return { fast, slow: fast.map((value) => value * 3) };
}

/** Runs the file on one sequence. */
async function run(
  ids: readonly number[],
  known: readonly number[],
  past: { fast: Float32Array; slow: Float32Array },
  state: Float32Array,
) {
  const tokens = ids.length;
  const tensor = (data: Float32Array, dims: number[]): Ort.Tensor => new ort.Tensor('float32', data, dims);
  const { logits, next_state: next } = await session.run({
    sequence: new ort.Tensor('int64', BigInt64Array.from(ids, BigInt), [1, tokens]),
    state: tensor(state, [1, options.blocks * options.width]),
    history: tensor(past.fast, [1, tokens, EXPERTS]),
    history_slow: tensor(past.slow, [1, tokens, EXPERTS]),
    known: tensor(Float32Array.from(known), [1, tokens]),
  });
  return { logits: logits!.data as Float32Array, state: next!.data as Float32Array };
}

const START = new Float32Array(options.blocks * options.width);
const IDS = [3, 1, 8, 0, 12, 3];
const KNOWN = [1, 0, 0, 1, 0, 1];
const past = draws(IDS.length);

function closeTo(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 2e-5): void {
  expect(found.length).toBe(expected.length);
  for (let i = 0; i < found.length; i++) expect(Math.abs(found[i]! - expected[i]!), `[${i}]`).toBeLessThan(tolerance);
}

describe('the encoder as a file', () => {
  it('gives the logits and the state of the network written plainly', async () => {
    const found = await run(IDS, KNOWN, past, START);
    const expected = plainEncoder(weights, options, model.layers, IDS, KNOWN, past, START);
    closeTo(found.logits, expected.logits.flat());
    closeTo(found.state, expected.state);
    // Ids are taken modulo the rows of the table: 12 reads as 3.
    expect(expected.logits[4]).not.toEqual(expected.logits[5]);
  });

  it('is causal: other tokens and histories later on leave what is said before them as it was, to the bit', async () => {
    const whole = await run(IDS, KNOWN, past, START);
    for (let from = 1; from < IDS.length; from++) {
      const ids = IDS.map((id, i) => (i < from ? id : (id + 4) % 9));
      const other = draws(IDS.length);
      const mixed = {
        fast: past.fast.map((value, i) => (i < from * EXPERTS ? value : other.fast[i]!)),
        slow: past.slow.map((value, i) => (i < from * EXPERTS ? value : other.slow[i]!)),
      };
      const changed = await run(ids, KNOWN, mixed, START);
      expect(changed.logits.subarray(0, from * EXPERTS)).toEqual(whole.logits.subarray(0, from * EXPERTS));
      expect(changed.logits.subarray(from * EXPERTS)).not.toEqual(whole.logits.subarray(from * EXPERTS));
    }
  });

  it('goes on from a kept state as if the whole sequence went through at once', async () => {
    const whole = await run(IDS, KNOWN, past, START);
    for (let cut = 1; cut < IDS.length; cut++) {
      const part = (from: number, to: number) => ({
        fast: past.fast.slice(from * EXPERTS, to * EXPERTS),
        slow: past.slow.slice(from * EXPERTS, to * EXPERTS),
      });
      const first = await run(IDS.slice(0, cut), KNOWN.slice(0, cut), part(0, cut), START);
      const second = await run(IDS.slice(cut), KNOWN.slice(cut), part(cut, IDS.length), first.state);
      closeTo([...first.logits, ...second.logits], whole.logits);
      closeTo(second.state, whole.state);
    }
  });

  it('what is not known of earlier tokens says nothing', async () => {
    const none = new Array<number>(IDS.length).fill(0);
    const found = await run(IDS, none, past, START);
    expect((await run(IDS, none, draws(IDS.length), START)).logits).toEqual(found.logits);
  });
});

it('training measures the loss of the same network, streams beside one another', async () => {
  const loss = await ort.InferenceSession.create(graphs.loss, SESSION_OPTIONS);
  const sequences = [
    [3, 1, 8],
    [0, 5, 7],
  ];
  const rows = STREAMS * WINDOW;
  const histories = draws(rows);
  const known = [1, 0, 0, 1, 1, 1];
  const states = Float32Array.from({ length: STREAMS * START.length }, () => 0.5 * random.normal());
  const target = Float32Array.from({ length: rows * EXPERTS }, () => random.below(2));
  const mask = Float32Array.of(1, 1, 1, 0, 1, 1);
  const tensor = (data: Float32Array, dims: number[]): Ort.Tensor => new ort.Tensor('float32', data, dims);
  const feeds: Record<string, Ort.Tensor> = {
    token_id: new ort.Tensor(
      'int64',
      BigInt64Array.from({ length: rows }, (_, i) => BigInt(sequences[i % 2]![i >> 1]!)),
      [rows],
    ),
    state: tensor(states, [STREAMS, START.length]),
    history: tensor(histories.fast, [rows, EXPERTS]),
    history_slow: tensor(histories.slow, [rows, EXPERTS]),
    known: tensor(Float32Array.from(known), [rows, 1]),
    target: tensor(target, [rows, EXPERTS]),
    mask: tensor(mask, [rows, 1]),
    scale: tensor(Float32Array.of(5 * EXPERTS), []),
  };
  for (const { name, shape: size } of graphs.parameters) feeds[name] = tensor(weights.get(name)!, [...size]);
  const found = await loss.run(feeds);
  await loss.release();

  let sum = 0;
  const next: number[] = [];
  for (let stream = 0; stream < STREAMS; stream++) {
    const steps = [0, 1, 2].map((step) => step * STREAMS + stream);
    const rowsOf = (data: Float32Array) => Float32Array.from(steps.flatMap((row) => [...data.slice(row * EXPERTS, (row + 1) * EXPERTS)]));
    const { logits, state } = plainEncoder(
      weights,
      options,
      model.layers,
      sequences[stream]!,
      steps.map((row) => known[row]!),
      { fast: rowsOf(histories.fast), slow: rowsOf(histories.slow) },
      states.slice(stream * START.length, (stream + 1) * START.length),
    );
    next.push(...state);
    for (const [step, row] of steps.entries()) {
      for (let e = 0; e < EXPERTS; e++) {
        const z = logits[step]![e]!;
        sum += mask[row]! * (Math.log1p(Math.exp(z)) - z * target[row * EXPERTS + e]!);
      }
    }
  }
  closeTo(found.loss!.data as Float32Array, [sum / (5 * EXPERTS)]);
  closeTo(found.next_state!.data as Float32Array, next);
});
