// The outcome of a cell of a study: a result, or the reason why there is none.
import type { Result } from '../../result/result.js';

/** `refused`: it cannot be, and will not be at a second try. `failed`: its process died, or moeprof has a mistake. */
export type Outcome =
  | { readonly status: 'done'; readonly result: Result }
  | { readonly status: 'refused' | 'failed'; readonly reason: string };
