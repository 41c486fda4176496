import { UserError } from '../../base/errors.js';
import { findProfile } from '../../base/profiles.js';
import { formatCounted } from '../../base/units.js';
import type { ModelSpec } from '../../model/door.js';
import type { RunSpec } from '../../system/door.js';
import { openPopularity } from '../../trace/open/open.js';
import { type Popularity, popularityOf } from '../../trace/popularity.js';
import type { RoutingTrace } from '../../trace/trace.js';
import type { Inputs } from './inputs.js';

/** Number of tokens to profile on, and their origin in words. @throws UserError if no tokens exist */
export function profiledPart({ apart, trace }: Pick<Inputs, 'apart' | 'trace'>, wanted: number): { tokens: number; words: string } {
  if (apart === null)
    throw new UserError(
      `${trace.path}: no token is left to count popularity on; give a longer trace, or counts: --set system.cache.popularity=FILE`,
    );
  const tokens = Math.min(wanted, apart.tokens);
  return { tokens, words: `${formatCounted(tokens, 'token')} ${apart.place}` };
}

/** Rows to profile on. @throws UserError as {@link profiledPart} */
export async function profiledRows(inputs: Pick<Inputs, 'apart' | 'trace'>, wanted: number): Promise<RoutingTrace> {
  const { tokens } = profiledPart(inputs, wanted);
  return inputs.apart!.take(tokens);
}

/** Counted on a number of tokens or read from a file. @throws UserError if the file is unreadable or does not fit */
export async function popularityFor(inputs: Inputs, run: RunSpec, source: number | string): Promise<Float64Array> {
  const { counted, model } = inputs;
  if (counted !== undefined) return countsById(counted, model);
  if (typeof source === 'string') return countsById(await openPopularity(findProfile('traces', source, run.folder), { model }), model);
  return countsById(popularityOf(await profiledRows(inputs, source)), model);
}

/** Activations by dense id. @throws UserError if the counts belong to a different model */
export function countsById({ counts, path }: Popularity, model: ModelSpec): Float64Array {
  const wrong = (what: string): UserError => new UserError(`${path}: ${what}; take counts of this model`);
  if (counts.length !== model.layers.length)
    throw wrong(`counts ${counts.length} layers, ${model.name} has ${model.layers.length} MoE layers`);
  const byId = new Float64Array(model.experts);
  for (const { index, offset, experts } of model.layers) {
    const counted = counts[index]!;
    if (counted.length > experts) throw wrong(`layer ${index}: counts ${counted.length} experts, ${model.name} has ${experts}`);
    byId.set(counted, offset);
  }
  return byId;
}
