import { OUTPUT_NAME } from '../contract.js';
import { Graph, type Value } from '../graph.js';
import { type PathShape, sizeOf } from '../network.js';
import { type TrainingGraphs, trainingGraphsOf } from '../training-graph.js';
import { encodeModel } from '../writer.js';
import { KNOWN, NEXT_STATE, PRODUCTS, SEQUENCE, STATE } from './contract.js';
import { buildEncoder, type EncoderOptions, type GruWeights, TOKEN_TABLE } from './encoder.js';

/** Widths of tensors with training noise, by name, token embeddings first. */
export function noisePlaces({ blocks, history, table, width }: EncoderOptions): ReadonlyMap<string, number> {
  const places = new Map([['noise.token', table]]);
  for (let block = 0; block < blocks; block++) for (const part of ['gru', 'outside']) places.set(`noise.block.${block}.${part}`, width);
  if (history) places.set('noise.last', table);
  return places;
}

/** Training graphs over windows of sequences: inputs `token_id` and `state`, output `next_state`. */
export function encoderGraphs(options: EncoderOptions, shape: PathShape, streams: number, window: number): TrainingGraphs {
  const { blocks, history, width } = options;
  const rows = streams * window;
  return trainingGraphsOf((graph, parameter, learning) => {
    const tokenId = graph.input('token_id', 'int64', [rows]);
    const starts = graph.split(graph.input(STATE, 'float32', [streams, blocks * width]), new Array<number>(blocks).fill(width), 1);
    const input = (name: string, columns: number): Value => graph.input(name, 'float32', [rows, columns]);
    const lasts: Value[] = [];
    const logits = buildEncoder(graph, parameter, options, shape, {
      tokenId,
      past: history
        ? { history: input('history', shape.experts), historySlow: input('history_slow', shape.experts), known: input(KNOWN, 1) }
        : null,
      recur: (x, block, weights) => {
        const { last, states } = unrolledGru(graph, x, starts[block]!, weights);
        lasts.push(last);
        return states;
      },
      spoil: (x, place) => (learning ? graph.multiply(x, graph.input(`noise.${place}`, 'float32', x.shape)) : x),
    });
    return { logits, mask: [rows, 1], outputs: { [NEXT_STATE]: graph.concat(lasts, 1) } };
  });
}

/** The encoder with weights, as a sequence model's file. */
export function exportEncoder(
  options: EncoderOptions,
  shape: PathShape,
  weights: ReadonlyMap<string, Float32Array>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const { blocks, history, width } = options;
  const graph = new Graph();
  const inSteps = graph.transpose(graph.input(SEQUENCE, 'int64', ['B', 'S']), [1, 0]);
  const starts = graph.split(graph.input(STATE, 'float32', ['B', blocks * width]), new Array<number>(blocks).fill(width), 1);
  const rowsOf = (name: string): Value =>
    graph.reshape(graph.transpose(graph.input(name, 'float32', ['B', 'S', shape.experts]), [1, 0, 2]), ['N', shape.experts]);
  const lasts: Value[] = [];
  let products = 0;
  const logits = buildEncoder(
    graph,
    (parameter) => {
      if (parameter.name !== TOKEN_TABLE) products += sizeOf(parameter.shape);
      return graph.initializer(parameter.name, parameter.shape, weights.get(parameter.name)!);
    },
    options,
    shape,
    {
      tokenId: graph.reshape(inSteps, ['N']),
      past: history
        ? {
            history: rowsOf('history'),
            historySlow: rowsOf('history_slow'),
            known: graph.reshape(graph.transpose(graph.input(KNOWN, 'float32', ['B', 'S']), [1, 0]), ['N', 1]),
          }
        : null,
      recur: (x, block, gru) => {
        const { last, states } = graph.gru(graph.unflatten(x, inSteps), starts[block]!, gru);
        lasts.push(last);
        return graph.reshape(states, ['N', width]);
      },
      spoil: (x) => x,
    },
  );
  graph.output(graph.transpose(graph.unflatten(logits, inSteps), [1, 0, 2]), OUTPUT_NAME);
  graph.output(graph.concat(lasts, 1), NEXT_STATE);
  return encodeModel(graph.model('moeprof routing path predictor', { ...metadata, [PRODUCTS]: String(products) }));
}

/**
 * GRU states (Cho et al., arXiv 1406.1078) from operators with gradients. As ONNX with `linear_before_reset`: z, r =
 * sigmoid(x W + h R + b); n = tanh(x W + b + r (h R + b)); h' = (1 - z) n + z h.
 * @param x [steps x streams, width] @param start [streams, width] @returns all states, and the last
 */
function unrolledGru(
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
