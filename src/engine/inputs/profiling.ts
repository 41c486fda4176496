// The tokens that a placement or a split is profiled on: tokens that the run does not replay. A placement profiled on its own test looks better
// than it is on other text.
import { UserError } from '../../base/errors.js';
import { findProfile } from '../../base/profiles.js';
import { formatCount, formatCounted } from '../../base/units.js';
import type { ModelSpec } from '../../model/door.js';
import type { RunSpec } from '../../system/door.js';
import { openPopularity } from '../../trace/open/open.js';
import { type Popularity, popularityOf } from '../../trace/popularity.js';
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

/**
 * Activations by dense id, counted on a number of tokens or read from a file.
 * @throws UserError where the file cannot be read or does not fit the model
 */
export async function popularityFor(inputs: Inputs, run: RunSpec, source: number | string): Promise<Float64Array> {
  const { model } = inputs;
  if (typeof source === 'string') return countsById(await openPopularity(findProfile('traces', source, run.folder), { model }), model);
  const { trace, from, to } = await profiledRows(inputs, source);
  return countsById(popularityOf(trace, from, to), model);
}

/** Activations by dense id. @throws UserError where they are not of this model */
export function countsById({ counts, path }: Popularity, model: ModelSpec): Float64Array {
  const wrong = (what: string): UserError => new UserError(`${path}: ${what}; take counts of this model`);
  if (counts.length !== model.layers.length)
    throw wrong(`counts ${counts.length} layers, ${model.name} has ${model.layers.length} MoE layers`);
  const byId = new Float64Array(model.experts);
  for (const { index, offset, experts } of model.layers) {
    const own = counts[index]!;
    if (own.length > experts) throw wrong(`layer ${index}: counts ${own.length} experts, ${model.name} has ${experts}`);
    byId.set(own, offset);
  }
  return byId;
}
