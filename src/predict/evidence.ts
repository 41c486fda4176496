// Contract of a source of evidence: log-odds of a token's experts at a coming layer, combined by mixtures.
// Constants marked "ours" state the effect on recall@k, on 2,000 tokens each of qwen3-30b-a3b (code) and gpt-oss-20b.
import type { MoeLayer } from '../model/door.js';
import type { Pass } from '../schedule/door.js';

/** `after` of a prediction before the pass: no layer is observed yet, token ids are known. */
export const BEFORE_PASS = -1;

/** `after` of a prediction for the request's next token, before its token id is known. */
export const NEXT_TOKEN = -2;

/** A source of evidence: learns from tokens, predicts the next tokens. */
export interface Evidence {
  /**
   * Adds `weight` times log-odds, relative to a layer's mean use, to `into[e]` for each expert e. @param token index in
   * `pass`
   * @param after last known layer, or {@link BEFORE_PASS}, {@link NEXT_TOKEN} @returns false: no evidence, `into`
   * unchanged
   */
  add(pass: Pass, token: number, after: number, layer: number, weight: number, into: Float64Array): boolean;
  /** Log-odds weighed by {@link add}, a view until the next call; null: no evidence. Absent: no column form. */
  column?(pass: Pass, token: number, after: number, layer: number): Float32Array | null;
  /**
   * Number that grows when {@link add} changes for the request of a token's slot; NaN: unknown. Absent: every token
   * changes `add`.
   */
  state?(pass: Pass, token: number): number;
  /**
   * Learns a token's experts at `layer`, tokens of a pass in order. @param counted false: statistics skip the token
   * (sampling)
   */
  learn(pass: Pass, token: number, layer: number, counted: boolean): void;
  /**
   * Runs of a network so far, at most one a pass; a mixture weighs a network together with all tables. Absent: not a
   * network.
   */
  runs?(): number;
  /** Figures measured on this machine, in the format of predictors. */
  measured?(): Readonly<Record<string, number>>;
  /** Releases memory outside of JavaScript. */
  close?(): void;
}

/** An evidence, and its weight before the first fit. */
export interface WeightedEvidence {
  readonly evidence: Evidence;
  readonly weight: number;
}

/** {@link Evidence.add} for evidence with a column of log-odds. */
export function addColumn(column: Float32Array | null, weight: number, into: Float64Array): boolean {
  if (column === null) return false;
  for (let e = 0; e < column.length; e++) into[e]! += weight * column[e]!;
  return true;
}

/** Prior of an unknown expert: choices spread evenly over a layer, at most one half so that log-odds are finite. */
export const evenShare = ({ experts, topK }: Pick<MoeLayer, 'experts' | 'topK'>): number => Math.min(0.5, topK / experts);
