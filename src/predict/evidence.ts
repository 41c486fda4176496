// Constants marked "ours" state effects on recall@k, on 2,000 tokens each of qwen3-30b-a3b (code) and gpt-oss-20b.
import type { MoeLayer } from '../model/door.js';
import type { Pass } from '../schedule/door.js';

/** `after` of a prediction before the pass: no observed layer, known token ids. */
export const BEFORE_PASS = -1;

/** `after` of a prediction for the request's next token, before its id is known. */
export const NEXT_TOKEN = -2;

/** A source of log-odds that learns from tokens. */
export interface Evidence {
  /**
   * Adds `weight` times log-odds, relative to a layer's mean use, to `into`. @param token index in `pass`
   * @param after last known layer, {@link BEFORE_PASS} or {@link NEXT_TOKEN} @returns false: no evidence, `into`
   * unchanged
   */
  add(pass: Pass, token: number, after: number, layer: number, weight: number, into: Float64Array): boolean;
  /** Log-odds for {@link add}, a view until the next call; null: no evidence. */
  column?(pass: Pass, token: number, after: number, layer: number): Float32Array | null;
  /**
   * Number that grows when {@link add} changes for a slot's request; NaN: unknown. Absent: changes with every token.
   */
  state?(pass: Pass, token: number): number;
  /** @param counted false: no statistics (sampling) */
  learn(pass: Pass, token: number, layer: number, counted: boolean): void;
  /** Runs of a network so far, at most one a pass. Absent: not a network. */
  runs?(): number;
  measured?(): Readonly<Record<string, number>>;
  close?(): void;
}

/** An evidence and its weight before the first fit. */
export interface WeightedEvidence {
  readonly evidence: Evidence;
  readonly weight: number;
}

/** {@link Evidence.add} from a column of log-odds. */
export function addColumn(column: Float32Array | null, weight: number, into: Float64Array): boolean {
  if (column === null) return false;
  for (let e = 0; e < column.length; e++) into[e]! += weight * column[e]!;
  return true;
}

/** An even share as prior, at most one half so that log-odds are finite. */
export const evenShare = ({ experts, topK }: Pick<MoeLayer, 'experts' | 'topK'>): number => Math.min(0.5, topK / experts);
