// The tokens that a placement or a split is profiled on: tokens that the run does not replay. A placement profiled on its own test looks better
// than it is on other text.
import { UserError } from '../../base/errors.js';
import { formatCount, formatCounted } from '../../base/units.js';
import type { RoutingTrace } from '../../trace/trace.js';
import { type Inputs, replayedRows } from './inputs.js';

/** Limit of the tokens drawn for a profile. Ours: more tokens rank experts alike, and a profile is drawn before every run. */
const MOST_APART = 65_536;

/** The traces that rows for profiling are taken from. */
type Profiled = Pick<Inputs, 'apart' | 'heads' | 'trace' | 'traces'>;

/** Rows of a trace to profile on. */
export interface ProfiledRows {
  readonly trace: RoutingTrace;
  readonly from: number;
  readonly to: number;
}

/** The place of the rows to profile on. */
interface ProfiledPart {
  /** `apart`: drawn for the purpose; `behind`: of the trace, behind what is replayed. */
  readonly kind: 'apart' | 'behind';
  readonly from: number;
  readonly to: number;
  /** The counted tokens in words. */
  readonly words: string;
}

/**
 * Chooses the place of `tokens` tokens to profile on; a trace with fewer behind the replayed ones gives those.
 * @throws UserError where it has none
 */
export function profiledPart(inputs: Profiled, tokens: number): ProfiledPart {
  const { apart, trace } = inputs;
  if (apart !== null) {
    const to = Math.min(tokens, MOST_APART);
    return { kind: 'apart', from: 0, to, words: `${formatCount(to)} tokens drawn apart from those that are replayed` };
  }
  const from = replayedRows(inputs);
  const to = Math.min(from + tokens, trace.tokens);
  if (to === from) {
    throw new UserError(
      `${trace.path}: no token is left to count popularity on; give a longer trace, or counts: --set system.cache.popularity=FILE`,
    );
  }
  return { kind: 'behind', from, to, words: `${formatCounted(to - from, 'token')} behind those that are replayed` };
}

/** Finds the rows. @throws UserError as {@link profiledPart} */
export async function profiledRows(inputs: Profiled, tokens: number): Promise<ProfiledRows> {
  const { kind, from, to } = profiledPart(inputs, tokens);
  return { trace: kind === 'apart' ? await inputs.apart!(to) : inputs.trace, from, to };
}
