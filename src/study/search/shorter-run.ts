// The same run on a prefix of its routing: of its tokens, or of its requests where those arrive by themselves.
import type { Override } from '../../base/yaml.js';
import { SYNTHETIC_TOKENS } from '../../engine/inputs/inputs.js';
import type { RunSpec } from '../../system/door.js';

/** A run on the first part of its routing; null: it replays a whole file of unknown length. */
export function shorterRun(run: RunSpec, share: number): RunSpec | null {
  const { workload } = run;
  const part = (whole: number): number => Math.max(1, Math.round(share * whole));
  if (arrivesByItself(run))
    return workload.requests === undefined ? null : { ...run, workload: { ...workload, requests: part(workload.requests) } };
  const tokens = workload.tokens ?? (run.trace.includes('synthetic') ? SYNTHETIC_TOKENS : undefined);
  return tokens === undefined ? null : { ...run, workload: { ...workload, tokens: part(tokens) } };
}

/** The length that {@link shorterRun} has given a run, as a flag says it. */
export function lengthOf(short: RunSpec): Override {
  const field = arrivesByItself(short) ? 'requests' : 'tokens';
  return { path: ['workload', field], value: short.workload[field], label: 'a short run' };
}

/** True where requests arrive by themselves, so that a part of a run is some of them. */
const arrivesByItself = ({ workload }: RunSpec): boolean => workload.arrivals !== undefined || workload.rate !== undefined;
