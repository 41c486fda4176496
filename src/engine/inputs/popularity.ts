// Activations by expert, for placements and policies by popularity.

import { UserError } from '../../base/errors.js';
import { resolve } from '../../base/host/paths.js';
import { findProfile, isPath } from '../../base/profiles.js';
import type { RunSpec } from '../../system/door.js';
import { openPopularity } from '../../trace/open/open.js';
import { type Popularity, popularityOf } from '../../trace/popularity.js';
import type { Inputs } from './inputs.js';
import { profiledRows } from './profiling.js';

/**
 * Activations by dense id, counted on a number of tokens (see `profiling.ts`) or read from a file.
 * @throws UserError where the file cannot be read or does not fit the model
 */
export async function popularityFor(inputs: Inputs, run: RunSpec, source: number | string): Promise<Float64Array> {
  const { model } = inputs;
  let popularity: Popularity;
  if (typeof source === 'number') {
    const { trace, from, to } = await profiledRows(inputs, source);
    popularity = popularityOf(trace, from, to);
  } else popularity = await openPopularity(isPath(source) ? resolve(run.folder, source) : findProfile('traces', source), { model });
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
