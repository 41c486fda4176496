// ExpertFlow's path predictor as a causal encoder of token ids.
import { HISTORY_SLOW_DECAY } from '../contract.js';
import type { Graph, Value } from '../graph.js';
import { constant, logHistories, normal, type ParameterSource, type PathShape, PRIOR_WEIGHT, prior } from '../network.js';

/** Shape of an encoder. */
export interface EncoderOptions {
  /** Width of the token embeddings, also read by the heads. */
  readonly table: number;
  /** Width of the encoder, and of a block's state. */
  readonly width: number;
  /** Units of a block's feed-forward part. */
  readonly inside: number;
  /** Blocks of a recurrence and a feed-forward part. */
  readonly blocks: number;
  readonly head: number;
  /** True: known experts of earlier tokens are an input. */
  readonly history: boolean;
  /** Rows of the token table; ids are taken modulo `tokenRows`. */
  readonly tokenRows: number;
}

interface EncoderParts {
  readonly tokenId: Value;
  /** Features of earlier tokens; null: no input. */
  readonly past: PastInputs | null;
  /**
   * GRU states over x [N, width]. @param weights input and recurrent [width, 3 width], biases [3 width]; update, reset,
   * candidate
   */
  recur(x: Value, block: number, weights: GruWeights): Value;
  /** Adds dropout in training; identity in a file. */
  spoil(x: Value, place: string): Value;
}

/** Histories before each token, [N, experts]; `known` [N, 1] is 0 if unknown. */
interface PastInputs {
  readonly history: Value;
  readonly historySlow: Value;
  readonly known: Value;
}

/** GRU weights, gates in a row: update, reset, candidate. */
export interface GruWeights {
  readonly input: Value;
  readonly inputBias: Value;
  readonly recurrent: Value;
  readonly recurrentBias: Value;
}

/** Name of the token table, looked up instead of multiplied. */
export const TOKEN_TABLE = 'token';
/** Added to a row's mean square, as in T5. */
const EPSILON = 1e-6;
/** Stored embeddings are small, as in ../network.ts. */
const TOKEN_SCALE = 16;

/**
 * Adds encoder and heads. Blocks are residual and normalised as in T5 (arXiv 1910.10683): x += GRU(norm x); x += W2
 * relu(W1 norm x). Heads by layer: W4 relu(W3 y) + W5 y + b, y = [x | token | last path]. Histories enter at the heads.
 * @returns logits, [N, experts]
 */
export function buildEncoder(
  graph: Graph,
  parameter: ParameterSource,
  options: EncoderOptions,
  { experts, frequency, layers }: PathShape,
  { past, recur, spoil, tokenId }: EncoderParts,
): Value {
  const { blocks, head, inside, table, tokenRows, width } = options;
  const near = (name: string, from: number, to: number, gain = 1): Value => parameter(normal(name, [from, to], gain / Math.sqrt(from)));
  const bias = (name: string, size: number, value = 0): Value => parameter(constant(name, [size], value));
  const norm = (x: Value, name: string): Value => graph.multiply(graph.rmsNorm(x, EPSILON), bias(name, width, 1));

  const rows = parameter(normal(TOKEN_TABLE, [tokenRows, table], 0.05 / TOKEN_SCALE));
  const token = spoil(graph.multiply(graph.rows(rows, graph.modulo(tokenId, tokenRows)), graph.scalar(TOKEN_SCALE)), 'token');
  let x = graph.dense(token, near('token.in', table, width));
  for (let block = 0; block < blocks; block++) {
    const name = `block.${block}`;
    const states = recur(norm(x, `${name}.gru.norm`), block, {
      input: near(`${name}.gru.input`, width, 3 * width),
      inputBias: bias(`${name}.gru.input_bias`, 3 * width),
      recurrent: near(`${name}.gru.recurrent`, width, 3 * width),
      recurrentBias: bias(`${name}.gru.recurrent_bias`, 3 * width),
    });
    x = graph.add(x, spoil(states, `${name}.gru`));
    const wide = graph.relu(
      graph.dense(norm(x, `${name}.inside.norm`), near(`${name}.inside`, width, inside), bias(`${name}.inside_bias`, inside)),
    );
    x = graph.add(x, spoil(graph.dense(wide, near(`${name}.outside`, inside, width, 0.5)), `${name}.outside`));
  }
  const read = [norm(x, 'heads.norm'), token];
  if (past !== null) {
    const last = graph.multiply(graph.atLeast(past.history, 1), past.known);
    const choices = layers.reduce((sum, layer) => sum + layer.topK, 0);
    read.push(spoil(graph.dense(last, parameter(normal('last', [experts, table], 1 / Math.sqrt(choices)))), 'last'));
  }
  const all = graph.concat(read, 1);
  const units = layers.length * head;
  const heads = graph.relu(graph.dense(all, near('heads', all.shape[1] as number, units), bias('heads.bias', units)));
  const parts = graph.split(
    heads,
    layers.map(() => head),
    1,
  );
  const logits = layers.map(({ experts: count, index }) => graph.dense(parts[index]!, near(`output.${index}`, head, count)));
  const priorBias = parameter(prior('output.bias', frequency, 1));
  const direct = graph.dense(all, near('output.direct', all.shape[1] as number, experts, 0.3));
  const logitSum = graph.add(graph.add(graph.concat(logits, 1), direct), priorBias);
  if (past === null) return logitSum;
  const lately = logHistories(graph, parameter, past.history, graph.multiply(past.historySlow, graph.scalar(1 - HISTORY_SLOW_DECAY)));
  const less = parameter(prior('output.known', frequency, PRIOR_WEIGHT - 1));
  return graph.add(logitSum, graph.multiply(graph.add(lately, less), past.known));
}
