// One policy at several capacities: the unit of work of a capacity curve. A job receives the rows of the trace block by block, in this thread
// or in one of its own, and returns its counts at the end.

import type { Parameters } from '../base/parameters.js';
import type { CapacityCounts } from '../cache/curves/lru-curve.js';
import type { PolicyChoice } from '../cache/policies/index.js';
import type { PolicyDefinition } from '../cache/policy.js';
import type { Scope, SplitCapacity } from '../cache/scope.js';
import type { ModelSpec } from '../model/door.js';

/** How rows are replayed: the same for all policies and capacities. */
export interface ReplayOptions {
  readonly model: ModelSpec;
  /** Folder that policy modules of the user's own are relative to. */
  readonly folder: string;
  readonly scope: Scope;
  /** Tokens at the start that fill the caches and are not counted. */
  readonly warmup: number;
  readonly seed: number;
}

/** A job of runs. It can be sent to a thread. */
export interface JobSpec extends ReplayOptions {
  /** Width of a row per layer. */
  readonly topK: number;
  /** As the user wrote it. */
  readonly policy: PolicyChoice;
  readonly capacities: readonly SplitCapacity[];
  /** Each activation is judged on its own (L7). */
  readonly sequential: boolean;
  /** Activations by dense id, for policies that need the popularity. */
  readonly popularity: Float64Array | null;
}

/** A running job. */
export interface Job {
  /** Takes rows `[0, tokens)` of a block, which is overwritten afterwards. */
  rows(experts: Uint16Array, tokens: number): void;
  /**
   * Ends the replay.
   * @param progress called with tokens replayed, where that is still to be done
   * @returns counts in the order of the capacities
   */
  finish(progress: (tokens: number) => void): CapacityCounts[];
  /** Drops the recording; absent: there is none. */
  close?(): void;
}

/** A job with its policy found. */
export interface ResolvedJob extends JobSpec {
  readonly definition: PolicyDefinition;
  readonly parameters: Parameters;
}

/** Splits a block of rows at the end of the warm-up: `part(from, to, counted)`. */
export function splitAtWarmup(
  done: number,
  tokens: number,
  warmup: number,
  part: (from: number, to: number, counted: boolean) => void,
): void {
  const cut = Math.min(Math.max(warmup - done, 0), tokens);
  if (cut > 0) part(0, cut, false);
  if (cut < tokens) part(cut, tokens, true);
}
