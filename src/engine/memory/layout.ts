// The layout of a run over the GPUs of its machine: the experts of each, and the division of its memory.
import { type DensePlacement, type HardwareSpec, type Interconnect, shareOf } from '../../hardware/door.js';
import type { ExpertSplit, ModelSpec } from '../../model/door.js';
import type { Warning } from '../../result/result.js';
import type { Workload } from '../../schedule/door.js';
import type { RunSpec } from '../../system/door.js';
import type { Inputs } from '../inputs/inputs.js';
import type { Serving } from '../inputs/serving.js';
import { activationsOf } from './activations.js';
import { type DenseRooms, densePlacementOf, denseRooms } from './dense.js';
import { atOnce } from './need.js';
import { type ExpertHomes, placeExperts } from './place.js';
import { type MemoryPlan, planMemory } from './plan.js';
import { withQuotas } from './quotas.js';
import type { Shard } from './shard.js';
import { expertSplitOf } from './split.js';

/** One GPU of a layout. */
export interface GpuLayout {
  /** The experts that live on it; null: there is one GPU, and all do. */
  readonly shard: Shard | null;
  readonly memory: MemoryPlan;
}

/** A run over the GPUs of its machine. */
export interface Layout {
  /** One GPU with its part of the host. */
  readonly hardware: HardwareSpec;
  /** Where the dense part of the model lives; null: on the GPU, or on each. */
  readonly dense: DensePlacement | null;
  /** The layer whose experts lie on the CPU and on the GPU; null: none. */
  readonly split: ExpertSplit | null;
  /** At least one. */
  readonly gpus: readonly GpuLayout[];
  /** Bytes of all GPUs together, and warnings. */
  readonly total: MemoryPlan;
  /** The interconnect of several GPUs; null: there is one GPU. */
  readonly several: (ExpertHomes & { readonly interconnect: Interconnect }) | null;
}

/**
 * Lays a run out. Sizes that the run gives are those of each GPU, shares are those of the experts that live on it.
 * @throws UserError where the memory cannot be divided, or something cannot be had on several GPUs
 */
export async function planLayout(inputs: Inputs, run: RunSpec, workload: Workload, serving: Serving): Promise<Layout> {
  const { hardware, model, system } = inputs;
  const placed = densePlacementOf(inputs, run);
  const split = expertSplitOf(inputs, run);
  const rooms = (own: ModelSpec): DenseRooms => denseRooms(own, placed, split);
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
  // A request begins on the GPU with the fewest.
  const own = { ...serving, running: Math.ceil(serving.running / count) };
  const gpus: GpuLayout[] = [];
  for (const shard of homes.shards) {
    const plan = planMemory({ hardware: each, model: shard.model, system, rooms: rooms(shard.model) }, run, workload, own);
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
    warnings: eachOnce(plans.flatMap(({ warnings }) => warnings)),
  };
}

/** Equal GPUs give equal warnings: each is kept once. */
function eachOnce(warnings: readonly Warning[]): Warning[] {
  return warnings.filter((one, at) => warnings.findIndex(({ code }) => code === one.code) === at);
}
