// The contract of one source of evidence: what it says, as log-odds, about a token's experts at a coming layer. A mixture weighs
// several and turns them into a probability; each predictor that counts is one kind of evidence under a mixture.
//
// Constants of evidence that are ours say what other values do: in points of recall@k, before the pass and one layer ahead, on the two
// bundled traces, 2,000 tokens of qwen3-30b-a3b on code and 2,000 of gpt-oss-20b, nothing learned beforehand.
import type { Pass } from '../schedule/pass.js';

/** `after` of a prediction that is made before the pass: nothing of it has been observed, its token ids are known. */
export const BEFORE_PASS = -1;

/** `after` of a prediction for the request's next token, of which not even the token id is known. */
export const NEXT_TOKEN = -2;

/** Learns from tokens, and speaks about the next ones. */
export interface Evidence {
  /**
   * Adds `weight` times a log-odds, relative to how often an expert of the layer is used, to `into[e]` for every expert e of `layer`.
   * @param token index of the token in `pass`
   * @param after last layer of this token whose experts are known; {@link BEFORE_PASS}, {@link NEXT_TOKEN}
   * @param into `[experts of the layer]`
   * @returns false: it knows nothing here, and `into` is as it was
   */
  add(pass: Pass, token: number, after: number, layer: number, weight: number, into: Float64Array): boolean;
  /**
   * The log-odds that {@link add} weighs, where they are at hand as such: a view of `[experts of the layer]` that the next call may fill; null: it
   * knows nothing here. Absent: they are not, or not for each expert.
   */
  column?(pass: Pass, token: number, after: number, layer: number): Float32Array | null;
  /**
   * A number that grows whenever what {@link add} says for the requests of a token's slot changes, whatever the layer; NaN: it cannot
   * tell. Absent: that changes with every token.
   */
  state?(pass: Pass, token: number): number;
  /**
   * The token's experts at `layer` are known. Called once per token and layer, tokens of a pass in order.
   * @param counted false: only remember what the request has done; statistics are drawn from a sample of the tokens
   */
  learn(pass: Pass, token: number, layer: number, counted: boolean): void;
  /** Figures measured on this machine, as predictors give them. */
  measured?(): Readonly<Record<string, number>>;
  /** Gives back what it holds outside of JavaScript's memory. */
  close?(): void;
}

/** An evidence, and its weight before anything has been fitted. */
export interface WeightedEvidence {
  readonly evidence: Evidence;
  readonly weight: number;
}

/** {@link Evidence.add} of an evidence that has its log-odds as a column. */
export function addColumn(column: Float32Array | null, weight: number, into: Float64Array): boolean {
  if (column === null) return false;
  for (let e = 0; e < column.length; e++) into[e]! += weight * column[e]!;
  return true;
}
