// Work of a run. Arriving requests read trace rows repeatedly, so the work differs from the length of traces.
import type { Result } from './result.js';

type Counted = Pick<Result, 'inputs' | 'metrics'>;

/** Tokens run; for older results without a count, tokens of the traces. */
export const tokensRun = ({ inputs, metrics }: Counted): number =>
  metrics['workload.tokens']?.value ?? inputs.traces.reduce((sum, { tokens }) => sum + tokens, 0);

/** Requests served; without a count, requests of the traces. */
export const requestsRun = ({ inputs, metrics }: Counted): number =>
  metrics['workload.requests']?.value ?? inputs.traces.reduce((sum, { requests }) => sum + requests, 0);
