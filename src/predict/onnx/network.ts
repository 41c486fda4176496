import type { Random } from '../../base/random.js';
import type { ModelSpec } from '../../model/door.js';
import { HISTORY_SLOW_DECAY, type InputName, tensorOf } from './contract.js';
import type { Graph, Value } from './graph.js';

/** Shape of a network. */
export interface NetworkOptions {
  readonly hidden: number;
  /** Width of low-rank encodings. */
  readonly rank: number;
  /** True: the running token's observed layers are an input, for correction. */
  readonly observed: boolean;
  /** Rows of the token table; ids are taken modulo `tokenRows`. null: no token ids. */
  readonly tokenRows: number | null;
}

/** A trained tensor. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  initial(random: Random): Float32Array;
}

/** An input in training, a constant afterwards. */
export type ParameterSource = (parameter: ParameterSpec) => Value;

/** Shape of a model for networks. */
export interface PathShape {
  readonly layers: ModelSpec['layers'];
  readonly experts: number;
  /** Share of training tokens that used each expert, by dense id. */
  readonly frequency: Float64Array;
}

/** Floor of the fast history under the logarithm: about 1 use in 6 tokens. Ours. */
const FAST_FLOOR = 0.02;
/** Floor of the slow history under the logarithm: about 1 use in 200 tokens. Ours. */
const SLOW_FLOOR = 0.005;
/** Initial weight of the fast log-history. Recall is flat around the value on real traces. */
const FAST_WEIGHT = 0.3;
/** Initial weight of the slow log-history, chosen likewise. */
const SLOW_WEIGHT = 0.6;
/** Initial weight of the log-frequency, chosen likewise. */
export const PRIOR_WEIGHT = 0.3;
/** Stored embeddings are small: most ids are rare, and Adam moves by the learning rate at most. Ours. */
const TOKEN_SCALE = 16;

/**
 * Path predictor: logits = W2 relu(W1 [E1 last path | E2 observed | token]) + b + a_f log fast + a_s log slow + W3
 * token, low-rank E. Histories and token are residuals too. @returns logits, [N, experts]
 */
export function buildNetwork(graph: Graph, parameter: ParameterSource, options: NetworkOptions, shape: PathShape): Value {
  const { experts, layers } = shape;
  const input = (name: InputName): Value => {
    const { type, shape: size } = tensorOf(name, experts);
    return graph.input(name, type, size);
  };
  const history = input('history');
  const slow = graph.multiply(input('history_slow'), graph.scalar(1 - HISTORY_SLOW_DECAY));
  const lastPath = graph.atLeast(history, 1);
  const observed = options.observed ? input('observed') : null;
  const choices = layers.reduce((sum, layer) => sum + layer.topK, 0);
  const encoded = [graph.dense(lastPath, parameter(normal('encode.last', [experts, options.rank], 1 / Math.sqrt(choices))))];
  if (observed !== null)
    encoded.push(graph.dense(observed, parameter(normal('encode.observed', [experts, options.rank], 1 / Math.sqrt(choices)))));
  const token = options.tokenRows === null ? null : embedding(graph, parameter, input('token_id'), options.tokenRows, options.rank);
  if (token !== null) encoded.push(token);
  const width = encoded.length * options.rank;
  const hidden = graph.relu(
    graph.dense(
      graph.concat(encoded, 1),
      parameter(normal('hidden.weight', [width, options.hidden], 1 / Math.sqrt(width))),
      parameter(constant('hidden.bias', [options.hidden], 0)),
    ),
  );
  const bias = parameter(prior('output.bias', shape.frequency, PRIOR_WEIGHT));
  const outputScale = 0.5 / Math.sqrt(options.hidden);
  const histories = logHistories(graph, parameter, history, slow);
  const spread = (name: string, x: Value): Value => graph.dense(x, parameter(normal(name, [x.shape[1] as number, experts], outputScale)));
  const residuals = token === null ? histories : graph.add(histories, spread('output.token', token));
  return graph.add(graph.add(spread('output.weight', hidden), bias), residuals);
}

function embedding(graph: Graph, parameter: ParameterSource, tokenId: Value, rows: number, rank: number): Value {
  const table = parameter(normal('encode.token', [rows, rank], 0.05 / TOKEN_SCALE));
  return graph.multiply(graph.rows(table, graph.modulo(tokenId, rows)), graph.scalar(TOKEN_SCALE));
}

/** a_f log fast + a_s log slow, of decayed histories [N, experts]: recent uses of each expert. */
export function logHistories(graph: Graph, parameter: ParameterSource, fast: Value, slow: Value): Value {
  const part = (x: Value, floor: number, name: string, weight: number): Value =>
    graph.multiply(graph.log(graph.add(x, graph.scalar(floor))), parameter(constant(name, [x.shape[1] as number], weight)));
  return graph.add(part(fast, FAST_FLOOR, 'output.fast', FAST_WEIGHT), part(slow, SLOW_FLOOR, 'output.slow', SLOW_WEIGHT));
}

/** A parameter that starts at `weight` times the log-odds of training use. */
export function prior(name: string, frequency: Float64Array, weight: number): ParameterSpec {
  const logOdds = (share: number): number => weight * Math.log((share + 1e-4) / (1 - share + 1e-4));
  return { name, shape: [frequency.length], initial: () => Float32Array.from(frequency, logOdds) };
}

/** A normally distributed parameter. */
export const normal = (name: string, shape: readonly number[], deviation: number): ParameterSpec => ({
  name,
  shape,
  initial: (random) => Float32Array.from({ length: sizeOf(shape) }, () => random.normal() * deviation),
});

/** A parameter with a constant initial value. */
export function constant(name: string, shape: readonly number[], value: number): ParameterSpec {
  return { name, shape, initial: () => new Float32Array(sizeOf(shape)).fill(value) };
}

/** Elements of a tensor. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
