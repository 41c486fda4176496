import { OUTPUT_NAME } from './contract.js';
import { Graph, type Value } from './graph.js';
import { buildNetwork, type NetworkOptions, type ParameterSource, type ParameterSpec, type PathShape } from './network.js';
import { type Dimension, encodeModel } from './writer.js';

/** Adam's constants, as recommended in arXiv 1412.6980. */
export const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

/** Name endings of Adam's first and second moment. */
export const MOMENTS = ['.m', '.v'] as const;

interface NetworkOutputs {
  readonly logits: Value;
  /** Shape of the loss's mask; absent: shape of the logits. */
  readonly mask?: readonly Dimension[];
  readonly outputs?: Readonly<Record<string, Value>>;
}

/** @param learning true: add regularisation such as dropout */
type NetworkBuilder = (graph: Graph, parameter: ParameterSource, learning: boolean) => NetworkOutputs;

/** ONNX graphs for training; the caller keeps the weights. */
export interface TrainingGraphs {
  readonly parameters: readonly ParameterSpec[];
  /**
   * Step of Adam. Inputs: the network's, `target` and `mask` [N, experts], `scale` (number of averaged elements),
   * `rate` (with Adam's corrections), parameters `p`, moments `p.m`, `p.v`. Outputs: `loss`, `p.next`, `p.m.next`,
   * `p.v.next`.
   */
  readonly step: Uint8Array;
  /** Loss alone: inputs without `rate` and moments. */
  readonly loss: Uint8Array;
}

/** Training graphs of the network of paths. */
export const buildTrainingGraphs = (options: NetworkOptions, shape: PathShape): TrainingGraphs =>
  trainingGraphsOf((graph, parameter) => ({ logits: buildNetwork(graph, parameter, options, shape) }));

/** Training graphs of any network. */
export function trainingGraphsOf(build: NetworkBuilder): TrainingGraphs {
  const measured = withLoss(build, false);
  const { graph, loss, parameters, values } = withLoss(build, true);
  const rate = graph.input('rate', 'float32', []);
  const gradients = graph.gradients(loss, values);
  for (const [index, value] of values.entries()) addAdam(graph, value, gradients[index]!, rate);
  return {
    parameters,
    step: encodeModel(graph.model('moeprof path predictor, one training step')),
    loss: encodeModel(measured.graph.model('moeprof path predictor, loss')),
  };
}

/** The predictor with weights, as an ONNX file. */
export function exportPredictor(
  options: NetworkOptions,
  shape: PathShape,
  weights: ReadonlyMap<string, Float32Array>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const graph = new Graph();
  const logits = buildNetwork(
    graph,
    (parameter) => graph.initializer(parameter.name, parameter.shape, weights.get(parameter.name)!),
    options,
    shape,
  );
  graph.output(logits, OUTPUT_NAME);
  return encodeModel(graph.model('moeprof path predictor', metadata));
}

function withLoss(build: NetworkBuilder, learning: boolean) {
  const graph = new Graph();
  const parameters: ParameterSpec[] = [];
  const values: Value[] = [];
  const { logits, mask, outputs } = build(
    graph,
    (parameter) => {
      const value = graph.input(parameter.name, 'float32', parameter.shape, true);
      parameters.push(parameter);
      values.push(value);
      return value;
    },
    learning,
  );
  const target = graph.input('target', 'float32', logits.shape);
  const weight = graph.input('mask', 'float32', mask ?? logits.shape);
  const loss = graph.crossEntropy(logits, target, weight, graph.input('scale', 'float32', []));
  graph.output(loss, 'loss');
  for (const [name, value] of Object.entries(outputs ?? {})) graph.output(value, name);
  return { graph, loss, parameters, values };
}

/** m' = b1 m + (1 - b1) g; v' = b2 v + (1 - b2) g^2; p' = p - rate m' / (sqrt v' + epsilon). */
function addAdam(graph: Graph, value: Value, gradient: Value, rate: Value): void {
  const shape = value.shape;
  const [m, v] = MOMENTS.map((ending) => graph.input(value.name + ending, 'float32', shape)) as [Value, Value];
  const blend = (old: Value, fresh: Value, beta: number): Value =>
    graph.apply('Add', [graph.apply('Mul', [old, graph.scalar(beta)]), graph.apply('Mul', [fresh, graph.scalar(1 - beta)])]);
  const first = blend(m, gradient, ADAM.beta1);
  const second = blend(v, graph.apply('Mul', [gradient, gradient]), ADAM.beta2);
  const size = graph.apply('Add', [graph.apply('Sqrt', [second]), graph.scalar(ADAM.epsilon)]);
  const change = graph.apply('Div', [graph.apply('Mul', [first, rate]), size]);
  graph.output(graph.apply('Sub', [value, change]), `${value.name}.next`);
  graph.output(first, `${value.name}${MOMENTS[0]}.next`);
  graph.output(second, `${value.name}${MOMENTS[1]}.next`);
}
