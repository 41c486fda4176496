// How a model is laid out over several GPUs: where each expert lives, and how the memory of each GPU is divided.
import { UserError } from '../../base/errors.js';
import { resolveParameters, splitSpec } from '../../base/parameters.js';
import { shareOf } from '../../hardware/share.js';
import type { HardwareSpec, Interconnect } from '../../hardware/spec.js';
import type { ModelSpec } from '../../model/spec.js';
import type { Warning } from '../../result/result.js';
import type { Workload } from '../../schedule/workload.js';
import type { RunSpec } from '../../system/run.js';
import type { Inputs } from '../inputs.js';
import { type MemoryPlan, planMemory } from '../memory/plan.js';
import { withQuotas } from '../memory/quotas.js';
import { popularityFor } from '../parts.js';
import type { Serving } from '../serving.js';
import { findPlacement } from './placement/index.js';
import { type Shard, shardsOf } from './shard.js';

/** Where everything is. */
export interface ParallelPlan {
  /** By dense id: the GPU that the expert lives on, or EVERYWHERE. */
  readonly homes: Int32Array;
  readonly shards: readonly Shard[];
  /** True where experts were placed by a profile of their popularity. */
  readonly profiled: boolean;
  /** One GPU with its part of the host. */
  readonly hardware: HardwareSpec;
  readonly interconnect: Interconnect;
  /** How each GPU's memory is divided. */
  readonly memory: readonly MemoryPlan[];
}

/**
 * Lays a model out over the GPUs of a machine that has several. Sizes that the run gives are those of each GPU, shares are those of the
 * experts that live on it; the plan's own figures are those of all GPUs together.
 * @throws UserError where the placement is unknown, or something cannot be had on several GPUs
 */
export async function planParallel(inputs: Inputs, run: RunSpec, workload: Workload, serving: Serving): Promise<MemoryPlan> {
  const { model } = inputs;
  const { count, interconnect } = inputs.hardware.gpus!;
  refuse(inputs, run);
  const hardware = shareOf(inputs.hardware);
  const { homes, profiled } = await place(inputs, run, count);
  const shards = shardsOf(model, homes, count);
  // A request begins on the GPU with the fewest.
  const own = { ...serving, running: Math.ceil(serving.running / count) };
  const memory: MemoryPlan[] = [];
  for (const shard of shards) {
    const plan = planMemory({ ...inputs, hardware, model: shard.model }, run, workload, own);
    memory.push(await withQuotas(plan, inputs, run, shard));
  }
  const sum = (of: (plan: MemoryPlan) => number): number => memory.reduce((bytes, plan) => bytes + of(plan), 0);
  const [first] = memory as [MemoryPlan];
  return {
    ...first,
    denseBytes: sum((plan) => plan.denseBytes),
    kvBytes: sum((plan) => plan.kvBytes),
    stagingBytes: sum((plan) => plan.stagingBytes),
    cacheBytes: sum((plan) => plan.cacheBytes),
    leastCacheBytes: sum((plan) => plan.leastCacheBytes),
    sharedBytes: sum((plan) => plan.sharedBytes),
    dramBytes: first.dramBytes === null ? null : sum((plan) => plan.dramBytes ?? 0),
    warnings: eachOnce(memory.flatMap(({ warnings }) => warnings)),
    parallel: { homes, shards, profiled, hardware, interconnect, memory },
  };
}

/** What several GPUs cannot do. */
function refuse({ hardware, model }: Inputs, run: RunSpec): void {
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

async function place({ model, system, trace }: Inputs, run: RunSpec, gpus: number): Promise<Pick<ParallelPlan, 'homes' | 'profiled'>> {
  const { kind, parameters: written } = system.placement ?? { kind: 'even', parameters: {} };
  const { name, given } = splitSpec(kind);
  const placement = findPlacement(name);
  const parameters = resolveParameters(`placement ${name}`, placement.parameters, { ...written, ...given });
  const popularity = placement.needsPopularity ? await popularityFor(model, trace, system.cache.popularity, run) : null;
  const homes = new Int32Array(model.experts);
  for (const { experts, offset } of model.layers) {
    homes.set(placement.place({ experts, gpus, popularity: ofLayer(popularity, { experts, offset }) }, parameters), offset);
  }
  return { homes, profiled: placement.needsPopularity };
}

function ofLayer(values: Float64Array | null, { experts, offset }: Pick<ModelSpec['layers'][number], 'experts' | 'offset'>) {
  return values?.subarray(offset, offset + experts) ?? null;
}

/** GPUs that are alike say the same. */
function eachOnce(warnings: readonly Warning[]): Warning[] {
  return warnings.filter((one, at) => warnings.findIndex(({ code }) => code === one.code) === at);
}
