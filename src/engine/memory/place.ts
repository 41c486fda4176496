// The placement of a model's experts on a machine with several GPUs.

import { UserError } from '../../base/errors.js';
import type { ModelSpec } from '../../model/door.js';
import { DEFAULT_RUNTIME } from '../../runtime/index.js';
import { findPlacement, misfit, parsePlacement, type RunSpec } from '../../system/door.js';
import type { Inputs } from '../inputs/inputs.js';
import { popularityFor } from '../inputs/popularity.js';
import { type Shard, shardsOf } from './shard.js';

/** The GPU of every expert. */
export interface ExpertHomes {
  /** By dense id: the GPU that the expert lives on, or EVERYWHERE. */
  readonly homes: Int32Array;
  readonly shards: readonly Shard[];
  /** True where experts were placed by a profile of their popularity. */
  readonly profiled: boolean;
}

/**
 * Places the experts of a model on the GPUs of a machine that has several.
 * @throws UserError where the run needs a part that several GPUs do not support
 */
export async function placeExperts(inputs: Inputs, run: RunSpec): Promise<ExpertHomes> {
  const { hardware, model, system } = inputs;
  const { count } = hardware.gpus!;
  refuse(inputs, run);
  const { name, parameters } = system.placement?.kind ?? parsePlacement('even');
  const placement = findPlacement(name);
  const popularity = placement.needsPopularity ? await popularityFor(inputs, run, system.cache.popularity) : null;
  const homes = new Int32Array(model.experts);
  for (const { experts, offset } of model.layers) {
    const ofLayer = popularity?.subarray(offset, offset + experts) ?? null;
    homes.set(placement.place({ experts, gpus: count, popularity: ofLayer }, parameters), offset);
  }
  return { homes, shards: shardsOf(model, homes, count), profiled: placement.needsPopularity };
}

/** Features that several GPUs do not support. */
function refuse({ hardware, model }: { hardware: Inputs['hardware']; model: ModelSpec }, run: RunSpec): void {
  const { count, others } = hardware.gpus!;
  if (others !== undefined) {
    throw new UserError(
      `${hardware.name}: its GPUs differ, and experts are shared by GPUs that are alike; name a runtime that shares layers (--runtime ${DEFAULT_RUNTIME}), or one kind`,
    );
  }
  const fewest = model.layers.reduce((least, { experts }) => Math.min(least, experts), Number.POSITIVE_INFINITY);
  if (count > fewest) {
    throw new UserError(
      `${hardware.name}: ${count} GPUs for ${fewest} experts a layer; take at most ${fewest}: --set hardware.gpus.count=N`,
    );
  }
  if (run.replay === 'sequential') {
    throw misfit(
      run,
      'replay',
      'sequential compares with classical cache simulators, on one GPU; take a machine with one, or leave it out',
    );
  }
}
