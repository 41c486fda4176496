import { remembered } from '../../base/objects.js';
import type { Attribute, Dimension, ElementType, Initializer, NodeSpec, OnnxModel, ValueInfo } from './writer.js';

/** A tensor of a graph. */
export interface Value extends ValueInfo {}

type Backward = (...gradients: Value[]) => readonly (Value | null)[];

interface TapeEntry {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly backward: Backward;
}

type Attributes = Readonly<Record<string, Attribute>>;

/** An ONNX graph under construction; a tape records operators with gradients. */
export class Graph {
  readonly #nodes: NodeSpec[] = [];
  readonly #initializers: Initializer[] = [];
  readonly #inputs: ValueInfo[] = [];
  readonly #outputs: ValueInfo[] = [];
  readonly #tape: TapeEntry[] = [];
  readonly #trainable = new Set<string>();
  readonly #constants = new Map<string, Value>();
  #count = 0;

  model(name: string, metadata: Readonly<Record<string, string>> = {}): OnnxModel {
    return { name, nodes: this.#nodes, initializers: this.#initializers, inputs: this.#inputs, outputs: this.#outputs, metadata };
  }

  /** A graph input. @param trainable true: {@link gradients} are possible */
  input(name: string, type: ElementType, shape: readonly Dimension[], trainable = false): Value {
    const value = { name, type, shape };
    this.#inputs.push(value);
    if (trainable) this.#trainable.add(name);
    return value;
  }

  output(value: Value, name: string): void {
    this.#node('Identity', [value], [name]);
    this.#outputs.push({ ...value, name });
  }

  initializer(name: string, shape: readonly number[], data: Float32Array | BigInt64Array): Value {
    this.#initializers.push({ name, shape, data });
    return { name, type: data instanceof Float32Array ? 'float32' : 'int64', shape };
  }

  /** A float scalar, shared by equal values. */
  scalar(value: number): Value {
    return this.#constant(`f${value}`, [], Float32Array.of(value));
  }

  /** `x . w + b`, x [N, k], w [k, m], b [m]. */
  dense(x: Value, w: Value, b: Value | null = null): Value {
    const out = this.#op('Gemm', b === null ? [x, w] : [x, w, b], [x.shape[0]!, w.shape[1]!]);
    return this.#record([x, w, ...(b === null ? [] : [b])], out, (gradient) => [
      this.#wanted(x, () => this.#op('Gemm', [gradient, w], x.shape, { transB: { int: 1 } })),
      this.#wanted(w, () => this.#op('Gemm', [x, gradient], w.shape, { transA: { int: 1 } })),
      ...(b === null ? [] : [this.#wanted(b, () => this.#reduceTo(gradient, b.shape))]),
    ]);
  }

  add(a: Value, b: Value): Value {
    const out = this.#op('Add', [a, b], broadcast(a.shape, b.shape));
    return this.#record([a, b], out, (gradient) => [
      this.#wanted(a, () => this.#reduceTo(gradient, a.shape)),
      this.#wanted(b, () => this.#reduceTo(gradient, b.shape)),
    ]);
  }

  subtract(a: Value, b: Value): Value {
    const out = this.#op('Sub', [a, b], broadcast(a.shape, b.shape));
    return this.#record([a, b], out, (gradient) => [
      this.#wanted(a, () => this.#reduceTo(gradient, a.shape)),
      this.#wanted(b, () => this.#op('Neg', [this.#reduceTo(gradient, b.shape)], b.shape)),
    ]);
  }

  multiply(a: Value, b: Value): Value {
    const out = this.#op('Mul', [a, b], broadcast(a.shape, b.shape));
    return this.#record([a, b], out, (gradient) => [
      this.#wanted(a, () => this.#reduceTo(this.#op('Mul', [gradient, b], out.shape), a.shape)),
      this.#wanted(b, () => this.#reduceTo(this.#op('Mul', [gradient, a], out.shape), b.shape)),
    ]);
  }

  relu(x: Value): Value {
    return this.#unary('Relu', x, (out) => this.#op('Sign', [out], x.shape));
  }

  /** 1 / (1 + e^-x). */
  sigmoid(x: Value): Value {
    return this.#unary('Sigmoid', x, (out) => this.#op('Mul', [out, this.#op('Sub', [this.scalar(1), out], x.shape)], x.shape));
  }

  tanh(x: Value): Value {
    return this.#unary('Tanh', x, (out) => this.#op('Sub', [this.scalar(1), this.#op('Mul', [out, out], x.shape)], x.shape));
  }

  /** x / sqrt(mean(x^2) + epsilon) by row, x [N, d] (Zhang and Sennrich, arXiv 1910.07467). */
  rmsNorm(x: Value, epsilon: number): Value {
    const column = x.shape.with(1, 1);
    const mean = (value: Value): Value => this.#op('ReduceMean', [value], column, { axes: { ints: [1] }, keepdims: { int: 1 } });
    const size = this.#op('Sqrt', [this.#op('Add', [mean(this.#op('Mul', [x, x], x.shape)), this.scalar(epsilon)], column)], column);
    const out = this.#op('Div', [x, size], x.shape);
    return this.#record([x], out, (gradient) => {
      const along = this.#op('Mul', [out, mean(this.#op('Mul', [gradient, out], x.shape))], x.shape);
      return [this.#op('Div', [this.#op('Sub', [gradient, along], x.shape), size], x.shape)];
    });
  }

  /** Natural logarithm, without gradient. */
  log(x: Value): Value {
    return this.#op('Log', [this.#fixed(x)], x.shape);
  }

  /** 1 if x >= limit, else 0; without gradient. */
  atLeast(x: Value, limit: number): Value {
    const test = this.#op('GreaterOrEqual', [this.#fixed(x), this.scalar(limit)], x.shape, {}, 'bool');
    return this.#op('Cast', [test], x.shape, { to: { int: 1 } });
  }

  /** x mod n of integers. */
  modulo(x: Value, n: number): Value {
    return this.#op('Mod', [x, this.#constant(`i${n}`, [], BigInt64Array.of(BigInt(n)))], x.shape, {}, 'int64');
  }

  /** Rows of a table [V, d] by index [N]. */
  rows(table: Value, index: Value): Value {
    const width = table.shape[1]!;
    const out = this.#op('Gather', [table, index], [index.shape[0]!, width], { axis: { int: 0 } });
    return this.#record([table, index], out, (gradient) => [
      this.#wanted(table, () => {
        const zeros = this.#op('Mul', [table, this.scalar(0)], table.shape);
        const column = this.#op('Unsqueeze', [index, this.#integers([1])], [index.shape[0]!, 1], {}, 'int64');
        const spread = this.#op('Expand', [column, this.#integers([1, width as number])], out.shape, {}, 'int64');
        const attributes = { axis: { int: 0 }, reduction: { string: 'add' } };
        return this.#op('ScatterElements', [zeros, spread, gradient], table.shape, attributes);
      }),
      null,
    ]);
  }

  /** Same elements, new shape; at most one size is a name, `N`. */
  reshape(x: Value, shape: readonly Dimension[]): Value {
    const out = this.#op('Reshape', [x, this.#integers(shape.map((size) => (typeof size === 'number' ? size : -1)))], shape, {}, x.type);
    return this.#record([x], out, (gradient) => [this.reshape(gradient, x.shape)]);
  }

  /** Reorders axes, without gradient. */
  transpose(x: Value, order: readonly number[]): Value {
    const shape = order.map((axis) => x.shape[axis]!);
    return this.#op('Transpose', [this.#fixed(x)], shape, { perm: { ints: order } }, x.type);
  }

  /** Lays rows [N, d] out as [A, B, d], axes of `like` [A, B]; without gradient. */
  unflatten(x: Value, like: Value): Value {
    const width = x.shape[1]!;
    const sizes = this.#op('Shape', [like], [2], {}, 'int64');
    const shape = this.#op('Concat', [sizes, this.#integers([width as number])], [3], { axis: { int: 0 } }, 'int64');
    return this.#op('Reshape', [this.#fixed(x), shape], [...like.shape, width]);
  }

  /**
   * ONNX's GRU with `linear_before_reset`, over x [steps, streams, width], without gradient.
   * @param start [streams, units]
   * @param weights input [width, 3 units], recurrent [units, 3 units], biases [3 units]; gates update, reset, candidate
   * @returns states [steps, 1, streams, units], and the last [streams, units]
   */
  gru(
    x: Value,
    start: Value,
    weights: { readonly input: Value; readonly inputBias: Value; readonly recurrent: Value; readonly recurrentBias: Value },
  ): { states: Value; last: Value } {
    const [streams, units] = start.shape as [Dimension, number];
    const front = (value: Value): Value =>
      this.#op('Unsqueeze', [this.#fixed(value), this.#integers([0])], [1, ...value.shape], {}, value.type);
    const turned = (matrix: Value): Value => front(this.transpose(matrix, [1, 0]));
    const bias = front(this.concat([weights.inputBias, weights.recurrentBias], 0));
    const states = this.#fresh('GRU', 'float32', [x.shape[0]!, 1, streams, units]);
    const last = this.#fresh('GRU', 'float32', [1, streams, units]);
    const inputs = [x, turned(weights.input), turned(weights.recurrent), bias];
    this.#nodes.push({
      op: 'GRU',
      inputs: [...inputs.map(({ name }) => name), '', front(start).name],
      outputs: [states.name, last.name],
      attributes: { hidden_size: { int: units }, linear_before_reset: { int: 1 } },
    });
    return { states, last: this.#op('Squeeze', [last, this.#integers([0])], [streams, units]) };
  }

  concat(parts: readonly Value[], axis: number): Value {
    const sizes = parts.map((part) => part.shape[axis] as number);
    const shape = parts[0]!.shape.with(
      axis,
      sizes.reduce((sum, size) => sum + size, 0),
    );
    const out = this.#op('Concat', parts, shape, { axis: { int: axis } });
    return this.#record(parts, out, (gradient) => this.split(gradient, sizes, axis));
  }

  /** Cuts a value into parts of the given sizes along an axis. */
  split(x: Value, sizes: readonly number[], axis: number): Value[] {
    const outs = sizes.map((size) => this.#fresh('Split', 'float32', x.shape.with(axis, size)));
    const names = outs.map((out) => out.name);
    this.#node('Split', [x, this.#integers(sizes)], names, { axis: { int: axis } });
    this.#tapeEntry([x], outs, (...gradients) => [this.concat(gradients, axis)]);
    return outs;
  }

  /**
   * Masked binary cross-entropy, sum of mask . (softplus(z) - z . y) / scale; gradient mask . (sigmoid(z) - y) / scale.
   */
  crossEntropy(z: Value, y: Value, mask: Value, scale: Value): Value {
    const each = this.#op('Sub', [this.#op('Softplus', [z], z.shape), this.#op('Mul', [z, y], z.shape)], z.shape);
    const masked = this.#op('Mul', [each, mask], z.shape);
    const out = this.#op('Div', [this.#op('ReduceSum', [masked], [], { keepdims: { int: 0 } }), scale], []);
    return this.#record([z], out, (gradient) => {
      const error = this.#op('Sub', [this.#op('Sigmoid', [z], z.shape), y], z.shape);
      const factor = this.#op('Div', [gradient, scale], []);
      return [this.#op('Mul', [this.#op('Mul', [error, mask], z.shape), factor], z.shape)];
    });
  }

  /** An operator without gradient, for use after {@link gradients}. */
  apply(op: 'Add' | 'Sub' | 'Mul' | 'Div' | 'Sqrt', inputs: readonly Value[]): Value {
    return this.#op(
      op,
      inputs,
      inputs.reduce<readonly Dimension[]>((shape, value) => broadcast(shape, value.shape), []),
    );
  }

  /** Gradients of a scalar for values. @throws Error if a value does not lead to the scalar */
  gradients(of: Value, values: readonly Value[]): Value[] {
    const sums = new Map<string, Value>([[of.name, this.scalar(1)]]);
    // A copy: backward functions add to the tape.
    for (const { backward, inputs, outputs } of this.#tape.slice().reverse()) {
      if (!outputs.some((output) => sums.has(output.name))) continue;
      const gradients = outputs.map((output) => sums.get(output.name) ?? this.#op('Mul', [output, this.scalar(0)], output.shape));
      backward(...gradients).forEach((part, index) => {
        const { name } = inputs[index]!;
        if (part === null || !this.#trainable.has(name)) return;
        const sum = sums.get(name);
        sums.set(name, sum === undefined ? part : this.#op('Add', [sum, part], part.shape));
      });
    }
    return values.map((value) => {
      const gradient = sums.get(value.name);
      if (gradient === undefined) throw new Error(`${value.name} does not lead to ${of.name}`);
      return gradient;
    });
  }

  #record(inputs: readonly Value[], output: Value, backward: (gradient: Value) => readonly (Value | null)[]): Value {
    this.#tapeEntry(inputs, [output], (...[gradient]) => backward(gradient!));
    return output;
  }

  #unary(op: string, x: Value, slope: (out: Value) => Value): Value {
    const out = this.#op(op, [x], x.shape);
    return this.#record([x], out, (gradient) => [this.#op('Mul', [gradient, slope(out)], x.shape)]);
  }

  #tapeEntry(inputs: readonly Value[], outputs: readonly Value[], backward: Backward): void {
    if (!inputs.some(({ name }) => this.#trainable.has(name))) return;
    for (const { name } of outputs) this.#trainable.add(name);
    this.#tape.push({ inputs, outputs, backward });
  }

  #wanted(value: Value, gradient: () => Value): Value | null {
    return this.#trainable.has(value.name) ? gradient() : null;
  }

  #fixed(x: Value): Value {
    if (this.#trainable.has(x.name)) throw new Error(`${x.name} is trained, but this operator has no gradient`);
    return x;
  }

  #reduceTo(gradient: Value, shape: readonly Dimension[]): Value {
    const lead = gradient.shape.length - shape.length;
    const axes = gradient.shape.flatMap((size, axis) => (axis < lead || (shape[axis - lead] === 1 && size !== 1) ? [axis] : []));
    if (axes.length === 0) return gradient;
    const kept = gradient.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
    const sum = this.#op('ReduceSum', [gradient, this.#integers(axes)], kept, { keepdims: { int: 1 } });
    return lead === 0 ? sum : this.#op('Reshape', [sum, this.#integers(shape as readonly number[])], shape);
  }

  #integers(values: readonly number[]): Value {
    return this.#constant(`i[${values.join(',')}]`, [values.length], BigInt64Array.from(values, BigInt));
  }

  #constant(name: string, shape: readonly number[], data: Float32Array | BigInt64Array): Value {
    return remembered(this.#constants, name, () => this.initializer(name, shape, data));
  }

  #fresh(op: string, type: ElementType, shape: readonly Dimension[]): Value {
    return { name: `${op}_${this.#count++}`, type, shape };
  }

  #op(
    op: string,
    inputs: readonly Value[],
    shape: readonly Dimension[],
    attributes: Attributes = {},
    type: ElementType = 'float32',
  ): Value {
    const out = this.#fresh(op, type, shape);
    this.#node(op, inputs, [out.name], attributes);
    return out;
  }

  #node(op: string, inputs: readonly Value[], outputs: readonly string[], attributes: Attributes = {}): void {
    this.#nodes.push({ op, inputs: inputs.map(({ name }) => name), outputs, attributes });
  }
}

/** Shape of an element-wise operation, by numpy's rules. */
function broadcast(a: readonly Dimension[], b: readonly Dimension[]): readonly Dimension[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left === right || right === 1) return left;
    if (left === 1) return right;
    throw new Error(`shapes [${a.join(', ')}] and [${b.join(', ')}] do not fit each other`);
  });
}
