import { metricValue } from './catalogue.js';
import type { Result } from './result.js';

type Counted = Pick<Result, 'inputs' | 'metrics'>;

/**
 * Tokens run; for older results, tokens of the traces. Arriving requests read trace rows repeatedly, so the two differ.
 */
export const tokensRun = ({ inputs, metrics }: Counted): number =>
  metricValue({ metrics }, 'workload.tokens') ?? inputs.traces.reduce((sum, { tokens }) => sum + tokens, 0);

/** Requests served; for older results, requests of the traces. */
export const requestsRun = ({ inputs, metrics }: Counted): number =>
  metricValue({ metrics }, 'workload.requests') ?? inputs.traces.reduce((sum, { requests }) => sum + requests, 0);
