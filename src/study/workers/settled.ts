// Progress of runs, as callers hear of it. Types only.
import type { UserError } from '../../base/errors.js';
import type { Result } from '../../result/result.js';

/** The outcome of a run. `refused`: the input is impossible; `failed`: moeprof has a mistake, or the thread ended. */
export type Settled =
  | { readonly status: 'done'; readonly result: Result }
  | { readonly status: 'refused'; readonly error: UserError }
  | { readonly status: 'failed'; readonly error: Error };

/** Receives the outcome of a run, by its index; true: stop. */
export type Settle = (index: number, outcome: Settled) => boolean;

/** Receives the progress of a run, by its index. */
export type Update = (index: number, done: number, total: number) => void;
