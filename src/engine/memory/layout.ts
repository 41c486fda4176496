import { UserError } from '../../base/errors.js';
import { type DensePlacement, type HardwareSpec, type Interconnect, shareOf } from '../../hardware/door.js';
import type { ExpertSplit, ModelSpec } from '../../model/door.js';
import { DEFAULT_RUNTIME } from '../../runtime/door.js';
import type { Workload } from '../../schedule/door.js';
import { findPlacement, misfit, parsePlacement, type RunSpec } from '../../system/door.js';
import type { Inputs } from '../inputs/inputs.js';
import { popularityFor } from '../inputs/profiling.js';
import type { Serving } from '../inputs/serving.js';
import { activationsOf } from './activations.js';
import { type DenseRooms, densePlacementOf, denseRooms, expertSplitOf } from './dense.js';
import { type MemoryPlan, planMemory } from './plan.js';
import { withQuotas } from './quotas.js';
import { atOnce } from './rooms.js';
import { type Shard, shardsOf } from './shard.js';

/** A GPU of a layout. */
export interface GpuLayout {
  /** Experts at home on the GPU; null: a single GPU with all experts. */
  readonly shard: Shard | null;
  readonly memory: MemoryPlan;
}

interface ExpertHomes {
  /** By dense id: home GPU, or EVERYWHERE. */
  readonly homes: Int32Array;
  readonly shards: readonly Shard[];
  readonly profiled: boolean;
}

/** Experts and memory of each GPU of a run. */
export interface Layout {
  /** A GPU with its part of the host. */
  readonly hardware: HardwareSpec;
  /** Null: the dense part is on every GPU. */
  readonly dense: DensePlacement | null;
  /** Layer with experts on CPU and GPU; null: no split layer. */
  readonly split: ExpertSplit | null;
  readonly gpus: readonly GpuLayout[];
  /** Sum over GPUs, and warnings. */
  readonly total: MemoryPlan;
  /** Interconnect of several GPUs; null: a single GPU. */
  readonly several: (ExpertHomes & { readonly interconnect: Interconnect }) | null;
}

/**
 * Given sizes are per GPU, shares are of its experts. @throws UserError if memory or several GPUs cannot serve the run
 */
export async function planLayout(inputs: Inputs, run: RunSpec, workload: Workload, serving: Serving): Promise<Layout> {
  const { hardware, model, system } = inputs;
  const placed = densePlacementOf(inputs, run);
  const split = expertSplitOf(inputs, run);
  const rooms = (part: ModelSpec): DenseRooms => denseRooms(part, placed, split);
  if (hardware.gpus === undefined) {
    const { longest, sequences } = atOnce(run, workload, serving);
    const activations = activationsOf(inputs, run, sequences, longest);
    const memory = await withQuotas(
      planMemory({ hardware, model, system, rooms: rooms(model), activations }, run, workload, serving),
      inputs,
      run,
    );
    return { hardware, dense: placed, split, gpus: [{ shard: null, memory }], total: memory, several: null };
  }
  const { count, interconnect } = hardware.gpus;
  const homes = await placeExperts(inputs, run);
  const each = shareOf(hardware);
  const perGpu = { ...serving, running: Math.ceil(serving.running / count) };
  const gpus: GpuLayout[] = [];
  for (const shard of homes.shards) {
    const plan = planMemory({ hardware: each, model: shard.model, system, rooms: rooms(shard.model) }, run, workload, perGpu);
    gpus.push({ shard, memory: await withQuotas(plan, inputs, run, shard) });
  }
  return {
    hardware: each,
    dense: null,
    split: null,
    gpus,
    total: totalOf(gpus.map(({ memory }) => memory)),
    several: { ...homes, interconnect },
  };
}

function totalOf(plans: readonly MemoryPlan[]): MemoryPlan {
  const sum = (of: (plan: MemoryPlan) => number): number => plans.reduce((bytes, plan) => bytes + of(plan), 0);
  const [first] = plans as [MemoryPlan];
  const warnings = plans.flatMap((plan) => plan.warnings);
  return {
    ...first,
    denseBytes: sum((plan) => plan.denseBytes),
    kvBytes: sum((plan) => plan.kvBytes),
    stagingBytes: sum((plan) => plan.stagingBytes),
    cacheBytes: sum((plan) => plan.cacheBytes),
    copyBytes: sum((plan) => plan.copyBytes),
    wholeBytes: sum((plan) => plan.wholeBytes),
    leastCacheBytes: sum((plan) => plan.leastCacheBytes),
    sharedBytes: sum((plan) => plan.sharedBytes),
    dramBytes: first.dramBytes === null ? null : sum((plan) => plan.dramBytes ?? 0),
    // Equal GPUs give equal warnings.
    warnings: warnings.filter((warning, at) => warnings.findIndex(({ code }) => code === warning.code) === at),
  };
}

async function placeExperts(inputs: Inputs, run: RunSpec): Promise<ExpertHomes> {
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

/** @throws UserError for features unsupported on several GPUs */
function refuse({ hardware, model }: { hardware: Inputs['hardware']; model: ModelSpec }, run: RunSpec): void {
  const { count, others } = hardware.gpus!;
  if (others !== undefined)
    throw new UserError(
      `${hardware.name}: its GPUs differ, and experts are shared by GPUs that are alike; name a runtime that shares layers (--runtime ${DEFAULT_RUNTIME}), or one kind`,
    );
  const fewest = model.layers.reduce((least, { experts }) => Math.min(least, experts), Number.POSITIVE_INFINITY);
  if (count > fewest)
    throw new UserError(
      `${hardware.name}: ${count} GPUs for ${fewest} experts a layer; take at most ${fewest}: --set hardware.gpus.count=N`,
    );
  if (run.replay === 'sequential') {
    const why = 'sequential compares with classical cache simulators, on one GPU; take a machine with one, or leave it out';
    throw misfit(run, 'replay', why);
  }
}
