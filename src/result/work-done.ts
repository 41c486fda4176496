// The work of a run. Requests that arrive by themselves read the rows of traces repeatedly, so it is not the length of traces.
import type { Result } from './result.js';

type Counted = Pick<Result, 'inputs' | 'metrics'>;

/** Tokens that were run; those of the traces, if the result is of a version that did not count its own. */
export const tokensRun = ({ inputs, metrics }: Counted): number =>
  metrics['workload.tokens']?.value ?? inputs.traces.reduce((sum, { tokens }) => sum + tokens, 0);

/** Requests that were served; those of the traces, if the result does not count its own. */
export const requestsRun = ({ inputs, metrics }: Counted): number =>
  metrics['workload.requests']?.value ?? inputs.traces.reduce((sum, { requests }) => sum + requests, 0);
