// What a placement or a split is profiled on: tokens that the run does not replay, wherever there are any. A placement that has seen its
// test looks better than it will be on other text.
import { formatCount } from '../base/units.js';
import type { RunSpec } from '../system/run.js';
import type { RoutingTrace } from '../trace/trace.js';
import { type Inputs, replayedRows } from './inputs.js';

/** Most tokens that are drawn to profile on. Ours: counts of more rank experts alike, and a profile is drawn before every run. */
const MOST_APART = 65_536;

/** Rows of a trace to profile on. */
export interface ProfiledRows {
  readonly trace: RoutingTrace;
  readonly from: number;
  readonly to: number;
}

/** Where rows to profile on are found. */
export interface ProfiledPart {
  /** `apart`: drawn for the purpose; `behind`: of the trace, behind what is replayed; `replayed`: the first ones, for want of others. */
  readonly kind: 'apart' | 'behind' | 'replayed';
  readonly from: number;
  readonly to: number;
  /** In words: what is counted. */
  readonly words: string;
}

/** Says where `tokens` tokens to profile on are found. A trace that has fewer behind the replayed ones gives its first ones. */
export function profiledPart(inputs: Pick<Inputs, 'apart' | 'trace' | 'traces'>, run: RunSpec, tokens: number): ProfiledPart {
  const { apart, trace } = inputs;
  if (apart !== null) {
    const to = Math.min(tokens, MOST_APART);
    return { kind: 'apart', from: 0, to, words: `${formatCount(to)} tokens drawn apart from those that are replayed` };
  }
  const replayed = replayedRows(inputs, run);
  if (trace.tokens - replayed >= tokens) {
    return { kind: 'behind', from: replayed, to: replayed + tokens, words: `${formatCount(tokens)} tokens behind those that are replayed` };
  }
  const to = Math.min(tokens, trace.tokens);
  return { kind: 'replayed', from: 0, to, words: `the first ${formatCount(to)} tokens of the trace that is replayed` };
}

/** Finds the rows. */
export async function profiledRows(
  inputs: Pick<Inputs, 'apart' | 'trace' | 'traces'>,
  run: RunSpec,
  tokens: number,
): Promise<ProfiledRows> {
  const { kind, from, to } = profiledPart(inputs, run, tokens);
  return { trace: kind === 'apart' ? await inputs.apart!(to) : inputs.trace, from, to };
}
