// A GRU (Cho et al., arXiv 1406.1078) step by step, for training: every step is ordinary operators, so that gradients follow from the tape.
import type { Graph, Value } from '../graph.js';
import type { GruWeights } from './encoder.js';

/**
 * The states of a GRU over `steps` steps of `streams` sequences beside one another. Equations of ONNX's operator with
 * `linear_before_reset`: z, r = sigmoid(x W + h R + b); n = tanh(x W + b + r (h R + b)); h' = (1 - z) n + z h.
 * @param x [steps x streams, width], step by step
 * @param start state before the first step, [streams, width]
 * @returns states of all rows, and the last
 */
export function unrolledGru(
  graph: Graph,
  x: Value,
  start: Value,
  { input, inputBias, recurrent, recurrentBias }: GruWeights,
): { states: Value; last: Value } {
  const [streams, width] = start.shape as [number, number];
  const steps = (x.shape[0] as number) / streams;
  const [gates, candidates] = graph.split(graph.dense(x, input, inputBias), [2 * width, width], 1);
  const each = new Array<number>(steps).fill(streams);
  const gatesAt = graph.split(gates!, each, 0);
  const candidateAt = graph.split(candidates!, each, 0);
  const states: Value[] = [];
  let state = start;
  for (let step = 0; step < steps; step++) {
    const [passed, kept] = graph.split(graph.dense(state, recurrent, recurrentBias), [2 * width, width], 1);
    const [update, reset] = graph.split(graph.sigmoid(graph.add(gatesAt[step]!, passed!)), [width, width], 1);
    const fresh = graph.tanh(graph.add(candidateAt[step]!, graph.multiply(reset!, kept!)));
    state = graph.add(fresh, graph.multiply(update!, graph.subtract(state, fresh)));
    states.push(state);
  }
  return { states: graph.concat(states, 0), last: state };
}
