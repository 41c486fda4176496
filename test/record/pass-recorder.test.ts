// Rows of routing from tensors, computed by hand: views with a stride, pruned rows of the last layer, candidates, logits.
import { describe, expect, it } from 'vitest';
import { PassRecorder } from '../../src/record/pass-recorder.js';
import { NULL_EXPERT } from '../../src/trace/trace.js';

/** A tensor: rows of numbers, and how many values stand from one row to the next in memory. */
interface Tensor {
  readonly name: string;
  readonly rows: readonly (readonly number[])[];
  readonly apart?: number;
}

const isFloat = (name: string): boolean => !/topk|argsort/.test(name);

/** The engine's functions over tensors, whose address is their place in the list. */
class Tensors {
  list: readonly Tensor[] = [];

  call<T>(name: string, at: unknown, into?: unknown): T {
    return this.#answer(name, this.list[Number(at)]!, into as Uint8Array) as T;
  }

  #answer(name: string, tensor: Tensor, into: Uint8Array): unknown {
    const width = tensor.rows[0]?.length ?? 0;
    const apart = tensor.apart ?? width;
    if (name === 'ggml_get_name') return tensor.name;
    if (name === 'ggml_nelements') return BigInt(tensor.rows.length * width);
    if (name === 'ggml_nbytes') return 4 * ((tensor.rows.length - 1) * apart + width);
    expect(name).toBe('ggml_backend_tensor_get');
    const view = new DataView(into.buffer);
    // What stands between rows is no id.
    for (let i = 0; i < into.length; i += 4) view.setInt32(i, 77, true);
    tensor.rows.forEach((row, r) => {
      row.forEach((value, i) => {
        const place = 4 * (r * apart + i);
        if (isFloat(tensor.name)) view.setFloat32(place, value, true);
        else view.setInt32(place, value, true);
      });
    });
    return undefined;
  }
}

/** A pass: every tensor is asked for, and shown where it is wanted. @returns names of those wanted */
function pass(recorder: PassRecorder, tensors: Tensors, list: readonly Tensor[]): string[] {
  tensors.list = list;
  return list.flatMap(({ name }, at) => {
    const wanted = recorder.observe(BigInt(at), true);
    if (wanted) recorder.observe(BigInt(at), false);
    return wanted ? [name] : [];
  });
}

/** Tensors of a layer: gates of all experts by token, whose order its ids have. */
function layer(number: number, gates: readonly (readonly number[])[], choices: number): Tensor[] {
  const order = gates.map((row) => row.map((_, expert) => expert).sort((a, b) => row[b]! - row[a]!));
  const experts = gates[0]?.length ?? 0;
  return [
    { name: `attn_norm-${number}`, rows: gates },
    { name: `ffn_moe_probs-${number}`, rows: gates },
    { name: `ffn_moe_argsort-${number}`, rows: order },
    { name: `ffn_moe_topk-${number}`, rows: order.map((row) => row.slice(0, choices)), apart: experts },
    { name: `ffn_moe_weights_norm-${number}`, rows: gates.map((row) => row.slice(0, choices)) },
  ];
}

const EVEN = [[0.25, 0.25, 0.25, 0.25]];
const first = [...layer(3, EVEN, 2), ...layer(11, EVEN, 2)];

/** A recorder that knows two layers of four experts, two of which are chosen. */
function recorder(gates: number, shown: readonly Tensor[] = first): [PassRecorder, Tensors] {
  const tensors = new Tensors();
  const made = new PassRecorder(tensors as never);
  expect(pass(made, tensors, shown)).toEqual([]);
  made.layout(gates);
  return [made, tensors];
}

const GATES = [
  [0.1, 0.2, 0.4, 0.3],
  [0.5, 0.1, 0.15, 0.25],
  [0.05, 0.6, 0.05, 0.3],
];

describe('a pass', () => {
  it('is read by the stride of its views, with gate probabilities, layers in the order of their numbers', () => {
    const [made, tensors] = recorder(0);
    expect(made).toMatchObject({ width: 2, layers: [{ experts: 4, choices: 2 }, { experts: 4 }] });
    const swapped = GATES.map((row) => row.toReversed());
    expect(pass(made, tensors, [...layer(11, swapped, 2), ...layer(3, GATES, 2)])).toEqual([
      'ffn_moe_probs-11',
      'ffn_moe_topk-11',
      'ffn_moe_probs-3',
      'ffn_moe_topk-3',
    ]);
    const { ids, weights } = made.finish(3);
    expect([...ids]).toEqual([2, 3, 1, 0, 0, 3, 3, 0, 1, 3, 2, 0]);
    expect([...weights]).toEqual([0.4, 0.3, 0.4, 0.3, 0.5, 0.25, 0.5, 0.25, 0.6, 0.3, 0.6, 0.3].map(Math.fround));
  });

  it('has candidates behind the choices, at most as many as experts', () => {
    const [made, tensors] = recorder(1);
    expect(made.width).toBe(3);
    pass(made, tensors, [...layer(3, GATES, 2), ...layer(11, GATES, 2)]);
    expect([...made.finish(3).ids.subarray(0, 6)]).toEqual([2, 3, 1, 2, 3, 1]);
    expect(recorder(9)[0].width).toBe(4);
  });

  it('has no candidates at a layer that sorts no gates', () => {
    const unsorted = first.filter(({ name }) => name !== 'ffn_moe_argsort-3');
    const [made, tensors] = recorder(1, unsorted);
    pass(made, tensors, [...layer(3, GATES, 2), ...layer(11, GATES, 2)]);
    expect([...made.finish(3).ids.subarray(0, 6)]).toEqual([2, 3, NULL_EXPERT, 2, 3, 1]);
  });

  it('takes the softmax of logits', () => {
    const logits: Tensor = { name: 'ffn_moe_weights_softmax-3', rows: [[0.5, 0.5]] };
    const [made, tensors] = recorder(0, [...first, logits]);
    pass(made, tensors, [...layer(3, [[Math.log(1), Math.log(2), Math.log(5), Math.log(2.5)]], 2), ...layer(11, EVEN, 2)]);
    const { weights } = made.finish(1);
    expect(weights[0]).toBeCloseTo(5 / 10.5, 6);
    expect(weights[1]).toBeCloseTo(2.5 / 10.5, 6);
    expect(weights[2]).toBe(0.25);
  });

  it('is empty in the last layer where the engine left tokens out, and holds the last one', () => {
    const [made, tensors] = recorder(0);
    pass(made, tensors, [...layer(3, GATES, 2), ...layer(11, GATES.slice(2), 2)]);
    const none = NULL_EXPERT;
    expect([...made.finish(3).ids]).toEqual([2, 3, none, none, 0, 3, none, none, 1, 3, 1, 3]);
    // No token of a part of a prompt is needed there: no row, or no tensor at all.
    pass(made, tensors, [...layer(3, GATES, 2), ...layer(11, [], 2)]);
    expect([...made.finish(3).ids.subarray(8)]).toEqual([1, 3, none, none]);
    pass(made, tensors, layer(3, GATES, 2));
    expect([...made.finish(3).ids.subarray(8)]).toEqual([1, 3, none, none]);
  });
});

describe('what is not understood', () => {
  it.each([
    ['a layer before the last with other rows', [...layer(3, GATES.slice(1), 2), ...layer(11, GATES, 2)], 'ffn_moe_topk-3 has 2 rows'],
    ['a last layer with some rows', [...layer(3, GATES, 2), ...layer(11, GATES.slice(1), 2)], 'ffn_moe_topk-11 has 2 rows'],
    ['a layer that was not heard', layer(11, GATES, 2), 'ffn_moe_topk-3 has 0 rows in a pass of 3 tokens'],
    [
      'ids without gates',
      [...layer(3, GATES, 2).filter(({ name }) => !name.includes('probs')), ...layer(11, GATES, 2)],
      'ffn_moe_topk-3 has 3',
    ],
  ])('%s is refused', (_, list, message) => {
    const [made, tensors] = recorder(0);
    pass(made, tensors, list);
    expect(() => made.finish(3)).toThrow(message);
  });

  it.each([
    ['a model without experts', [{ name: 'ffn_out-0', rows: EVEN }], 0, 'it has no experts; name a Mixture-of-Experts model'],
    ['a layer with two routers', [...first, ...layer(3, EVEN, 2)], 0, 'a layer has two routers (ffn_moe_topk-3)'],
    ['gates of another name', first.filter(({ name }) => !name.includes('probs')), 0, 'layer 3 has no gate probabilities'],
    ['candidates of groups', [...first, { name: 'ffn_moe_probs_masked-3', rows: EVEN }], 1, 'record it without --gates'],
  ])('%s is refused', (_, list, gates, message) => {
    expect(() => recorder(gates, list)).toThrow(message);
  });

  it('an error while the engine calls waits for the end of the pass', () => {
    const [made, tensors] = recorder(0);
    tensors.list = [];
    expect(made.observe(5n, true)).toBe(false);
    expect(() => made.finish(1)).toThrow(TypeError);
  });
});
