// How often each expert was chosen, for what is placed or ranked by popularity.
import { resolve } from 'node:path';
import { UserError } from '../base/errors.js';
import { findProfile, isPath } from '../base/profiles.js';
import type { ModelSpec } from '../model/spec.js';
import type { RunSpec } from '../system/run.js';
import { openPopularity } from '../trace/open.js';
import { type Popularity, popularityOf } from '../trace/popularity.js';
import type { RoutingTrace } from '../trace/trace.js';

/**
 * Activations by dense id, from the first tokens of the trace itself or from a file.
 * @throws UserError where the file cannot be read or does not fit the model
 */
export async function popularityFor(model: ModelSpec, trace: RoutingTrace, from: number | string, run: RunSpec): Promise<Float64Array> {
  let popularity: Popularity;
  if (typeof from === 'number') popularity = popularityOf(trace, 0, Math.min(from, trace.tokens));
  else popularity = await openPopularity(isPath(from) ? resolve(run.folder, from) : findProfile('traces', from), { model });
  const byId = new Float64Array(model.experts);
  if (popularity.counts.length !== model.layers.length) {
    throw new UserError(
      `${popularity.path}: counts ${popularity.counts.length} layers, ${model.name} has ${model.layers.length} MoE layers`,
    );
  }
  for (const { index, offset, experts } of model.layers) {
    const counts = popularity.counts[index]!;
    if (counts.length > experts)
      throw new UserError(`${popularity.path}: layer ${index}: counts ${counts.length} experts, ${model.name} has ${experts}`);
    byId.set(counts, offset);
  }
  return byId;
}
