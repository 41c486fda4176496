// The same run on a prefix of its routing: of its tokens, or of its requests where those arrive by themselves.
import { SYNTHETIC_TOKENS } from '../../engine/inputs.js';
import type { RunSpec } from '../../system/run.js';

/** A run on the first part of its routing; null: it replays a whole file of unknown length. */
export function shorterRun(run: RunSpec, share: number): RunSpec | null {
  const { workload } = run;
  const part = (whole: number): number => Math.max(1, Math.round(share * whole));
  if (workload.arrivals !== undefined || workload.rate !== undefined) {
    return workload.requests === undefined ? null : { ...run, workload: { ...workload, requests: part(workload.requests) } };
  }
  const tokens = workload.tokens ?? (run.trace.includes('synthetic') ? SYNTHETIC_TOKENS : undefined);
  return tokens === undefined ? null : { ...run, workload: { ...workload, tokens: part(tokens) } };
}
