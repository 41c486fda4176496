// The graph builder against the runtime: every gradient is compared with differences of the loss, so that no rule of differentiation is
// taken on trust.
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.js';
import { Graph, type Value } from '../../../src/predict/onnx/graph.js';
import { loadOnnxRuntime, SESSION_OPTIONS } from '../../../src/predict/onnx/runtime.js';
import { encodeModel } from '../../../src/predict/onnx/writer.js';

const ort = await loadOnnxRuntime();

/** Runs a graph whose inputs are all float tensors; @returns the outputs by name. */
async function run(graph: Graph, feeds: Readonly<Record<string, { shape: number[]; data: Float32Array | BigInt64Array }>>) {
  const session = await ort.InferenceSession.create(encodeModel(graph.model('test')), SESSION_OPTIONS);
  const tensors = Object.entries(feeds).map(([name, { data, shape }]) => {
    const tensor = data instanceof Float32Array ? new ort.Tensor('float32', data, shape) : new ort.Tensor('int64', data, shape);
    return [name, tensor] as const;
  });
  const outputs = await session.run(Object.fromEntries(tensors));
  await session.release();
  return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, Array.from(tensor.data as Float32Array)]));
}

/** Compares the gradients of sum(build(parameters) . weights) with central differences. */
async function checkGradients(
  shapes: Readonly<Record<string, number[]>>,
  build: (graph: Graph, values: Readonly<Record<string, Value>>) => Value,
  extra: Readonly<Record<string, { shape: number[]; data: BigInt64Array }>> = {},
): Promise<void> {
  const random = new Random(7, 'test/gradients');
  const graph = new Graph();
  const values: Record<string, Value> = {};
  const feeds: Record<string, { shape: number[]; data: Float32Array | BigInt64Array }> = { ...extra };
  for (const [name, shape] of Object.entries(shapes)) {
    values[name] = graph.input(name, 'float32', shape, true);
    // Away from 0, where the kink of relu would spoil a difference.
    const draw = (): number => (random.next() < 0.5 ? -1 : 1) * (0.2 + random.next());
    feeds[name] = { shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, draw) };
  }
  for (const [name, { shape }] of Object.entries(extra)) values[name] = graph.input(name, 'int64', shape);
  const out = build(graph, values);
  const size = out.shape.reduce<number>((product, dimension) => product * (dimension as number), 1);
  const target = graph.initializer(
    'target',
    out.shape as number[],
    new Float32Array(size).map(() => (random.next() < 0.5 ? 1 : 0)),
  );
  const mask = graph.initializer(
    'mask',
    out.shape as number[],
    new Float32Array(size).map(() => 0.5 + random.next()),
  );
  const loss = graph.crossEntropy(out, target, mask, graph.scalar(3));
  const names = Object.keys(shapes);
  const gradients = graph.gradients(
    loss,
    names.map((name) => values[name]!),
  );
  for (const [index, gradient] of gradients.entries()) graph.output(gradient, `gradient.${names[index]}`);
  graph.output(loss, 'loss');
  const analytic = await run(graph, feeds);
  const step = 1e-2;
  for (const name of names) {
    const data = feeds[name]!.data as Float32Array;
    const found = analytic[`gradient.${name}`]!;
    expect(found.length).toBe(data.length);
    for (let i = 0; i < data.length; i++) {
      const kept = data[i]!;
      data[i] = kept + step;
      const above = (await run(graph, feeds)).loss![0]!;
      data[i] = kept - step;
      const below = (await run(graph, feeds)).loss![0]!;
      data[i] = kept;
      expect(Math.abs(found[i]! - (above - below) / (2 * step)), `${name}[${i}]`).toBeLessThan(2e-3);
    }
  }
}

describe('gradients', () => {
  it('of a dense layer with relu, and a second one', () =>
    checkGradients({ x: [2, 3], w: [3, 4], b: [4], v: [4, 2] }, (g, { x, w, b, v }) => g.dense(g.relu(g.dense(x!, w!, b!)), v!)));

  it('of sums, differences and products that broadcast', () =>
    checkGradients({ x: [2, 3], row: [3], column: [2, 1] }, (g, { x, row, column }) =>
      g.subtract(g.multiply(g.add(x!, row!), column!), row!),
    ));

  it('of sigmoid and tanh', () => checkGradients({ x: [2, 2], y: [2, 2] }, (g, { x, y }) => g.multiply(g.sigmoid(x!), g.tanh(y!))));

  it('of rows over their root mean square', () =>
    checkGradients({ x: [3, 4], scale: [4] }, (g, { x, scale }) => g.multiply(g.rmsNorm(x!, 1e-6), scale!)));

  it('of parts and joins, where a part is not used', () =>
    checkGradients({ x: [2, 5] }, (g, { x }) => {
      const [first, , last] = g.split(x!, [2, 1, 2], 1);
      return g.concat([last!, g.multiply(first!, first!)], 1);
    }));

  it('of a value that is used twice', () => checkGradients({ x: [2, 2] }, (g, { x }) => g.add(g.multiply(x!, x!), x!)));

  it('of table rows, one of them looked up twice', () =>
    checkGradients({ table: [4, 2] }, (g, { table, index }) => g.rows(table!, index!), {
      index: { shape: [3], data: BigInt64Array.of(1n, 3n, 1n) },
    }));
});

describe('graph', () => {
  it('computes what its operators say', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', ['N', 2]);
    graph.output(graph.atLeast(x, 1), 'mark');
    graph.output(graph.log(x), 'log');
    graph.output(
      graph.rows(graph.initializer('table', [2, 1], Float32Array.of(10, 20)), graph.modulo(graph.input('id', 'int64', ['N']), 2)),
      'row',
    );
    const { log, mark, row } = await run(graph, {
      x: { shape: [2, 2], data: Float32Array.of(0.5, 1, 2, 0.999) },
      id: { shape: [2], data: BigInt64Array.of(5n, 4n) },
    });
    expect(mark).toEqual([0, 1, 1, 0]);
    expect(log![2]).toBeCloseTo(Math.log(2), 6);
    expect(row).toEqual([20, 10]);
  });

  it('refuses shapes that do not fit, and gradients that would be lost', () => {
    const graph = new Graph();
    const a = graph.input('a', 'float32', [2, 3], true);
    expect(() => graph.add(a, graph.input('b', 'float32', [2, 4]))).toThrow('[2, 3] and [2, 4]');
    expect(() => graph.log(a)).toThrow('no gradient');
    const loss = graph.crossEntropy(a, a, a, graph.scalar(1));
    expect(() => graph.gradients(loss, [graph.input('c', 'float32', [1], true)])).toThrow('c does not lead to');
  });
});
