// Progress of runs, as callers hear of it. Types only.
import type { UserError } from '../base/errors.js';
import type { Result } from '../result/result.js';

/** The outcome of a run. `refused`: the input is impossible; `failed`: moeprof has a mistake, or the thread ended. */
export type Settled =
  | { readonly status: 'done'; readonly result: Result }
  | { readonly status: 'refused'; readonly error: UserError }
  | { readonly status: 'failed'; readonly error: Error };

/** Is told what became of a run, by its place among all; true: nothing more is wanted. */
export type Settle = (index: number, outcome: Settled) => boolean;

/** Is told how far a run is, by its place among all. */
export type Update = (index: number, done: number, total: number) => void;
