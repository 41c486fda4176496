// Where the experts of a model live on a machine of several GPUs.
import { UserError } from '../../base/errors.js';
import { resolveParameters, splitSpec } from '../../base/parameters.js';
import type { ModelSpec } from '../../model/spec.js';
import type { RunSpec } from '../../system/run.js';
import type { Inputs } from '../inputs.js';
import { popularityFor } from '../popularity.js';
import { findPlacement } from './placement/index.js';
import { type Shard, shardsOf } from './shard.js';

/** Where every expert lives. */
export interface ExpertHomes {
  /** By dense id: the GPU that the expert lives on, or EVERYWHERE. */
  readonly homes: Int32Array;
  readonly shards: readonly Shard[];
  /** True where experts were placed by a profile of their popularity. */
  readonly profiled: boolean;
}

/**
 * Places the experts of a model on the GPUs of a machine that has several.
 * @throws UserError where the placement is unknown, or something cannot be had on several GPUs
 */
export async function placeExperts(inputs: Inputs, run: RunSpec): Promise<ExpertHomes> {
  const { hardware, model, system, trace } = inputs;
  const { count } = hardware.gpus!;
  refuse(inputs, run);
  const { kind, parameters: written } = system.placement ?? { kind: 'even', parameters: {} };
  const { name, given } = splitSpec(kind);
  const placement = findPlacement(name);
  const parameters = resolveParameters(`placement ${name}`, placement.parameters, { ...written, ...given });
  const popularity = placement.needsPopularity ? await popularityFor(model, trace, system.cache.popularity, run) : null;
  const homes = new Int32Array(model.experts);
  for (const { experts, offset } of model.layers) {
    const ofLayer = popularity?.subarray(offset, offset + experts) ?? null;
    homes.set(placement.place({ experts, gpus: count, popularity: ofLayer }, parameters), offset);
  }
  return { homes, shards: shardsOf(model, homes, count), profiled: placement.needsPopularity };
}

/** What several GPUs cannot do. */
function refuse({ hardware, model }: { hardware: Inputs['hardware']; model: ModelSpec }, run: RunSpec): void {
  const { count } = hardware.gpus!;
  const fewest = model.layers.reduce((least, { experts }) => Math.min(least, experts), Number.POSITIVE_INFINITY);
  if (count > fewest) {
    throw new UserError(
      `${hardware.name}: ${count} GPUs for ${fewest} experts a layer; take at most ${fewest}: --set hardware.gpus.count=N`,
    );
  }
  if (run.replay === 'sequential') {
    throw new UserError(
      'replay: sequential compares with classical cache simulators, on one GPU; take a machine with one, or leave it out',
    );
  }
}
