// The contract of one source of evidence: log-odds of a token's experts at a coming layer, which mixtures turn into a probability.
// Constants of ours state the effect of other values on recall@k on 2,000 tokens each of qwen3-30b-a3b (code) and gpt-oss-20b.
import type { MoeLayer } from '../model/door.js';
import type { Pass } from '../schedule/door.js';

/** `after` of a prediction that is made before the pass: nothing of it has been observed, its token ids are known. */
export const BEFORE_PASS = -1;

/** `after` of a prediction for the request's next token, of which not even the token id is known. */
export const NEXT_TOKEN = -2;

/** A source of evidence: it learns from tokens, and predicts the next ones. */
export interface Evidence {
  /**
   * Adds `weight` times log-odds, relative to a layer's mean use, to `into[e]` for each expert e. @param token index in `pass`
   * @param after last known layer, or {@link BEFORE_PASS}, {@link NEXT_TOKEN} @returns false: no evidence, `into` is unchanged
   */
  add(pass: Pass, token: number, after: number, layer: number, weight: number, into: Float64Array): boolean;
  /** The log-odds that {@link add} weighs, a view until the next call; null: no evidence here. Absent: there is no such column. */
  column?(pass: Pass, token: number, after: number, layer: number): Float32Array | null;
  /** A number that grows whenever {@link add} changes for the request of a token's slot; NaN: unknown. Absent: with every token. */
  state?(pass: Pass, token: number): number;
  /** Learns a token's experts at `layer`, tokens of a pass in order. @param counted false: statistics, a sample of the tokens, leave it out */
  learn(pass: Pass, token: number, layer: number, counted: boolean): void;
  /** It is a network: how often it has been run, once a pass at most. A mixture weighs it together with all other evidence. Absent: it is none. */
  runs?(): number;
  /** Figures measured on this machine, as predictors give them. */
  measured?(): Readonly<Record<string, number>>;
  /** Releases memory outside of JavaScript. */
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

/** The prior of an unknown expert: choices spread evenly over a layer, at most one half, so that log-odds are finite. */
export const evenShare = ({ experts, topK }: Pick<MoeLayer, 'experts' | 'topK'>): number => Math.min(0.5, topK / experts);
