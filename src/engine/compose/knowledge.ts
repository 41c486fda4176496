import { BeladyBound } from '../../cache/bounds/belady-bound.js';
import { CostModel } from '../../hardware/door.js';
import type { ModelSpec } from '../../model/door.js';
import { isLossy, isWord } from '../../system/door.js';
import type { Limits } from '../foresight/clocks.js';
import { type FewestLoads, Floor, type FlooredGpu } from '../foresight/floor.js';
import { FoundSchedules } from '../foresight/found.js';
import type { KnowingMachine } from '../foresight/knowing-clock.js';
import { prefetchBytes } from '../memory/plan.js';
import { isPageCache, memoryChanges, type RunPlan } from '../plan/run-plan.js';
import { Link } from '../transfer/link.js';
import type { SimulatedGpu } from './simulation.js';

/** True: the CPU may compute experts missed by a GPU. */
export const computesOnCpu = ({ layout }: Pick<RunPlan, 'layout'>, { onMiss }: Pick<SimulatedGpu, 'onMiss'>): boolean =>
  onMiss.some((rule) => rule.do !== 'load') && layout.hardware.cpu !== null;

/** Why a run has no floor and no best found (no proof applies); null: both exist. */
export function unprovenOf({ inputs: { system }, layout }: Pick<RunPlan, 'inputs' | 'layout'>): string | null {
  if (layout.split !== null) return 'a layer is split between GPU and CPU';
  return isLossy(system.onMiss) ? 'misses are skipped, deferred, or served by smaller copies or other experts' : null;
}

/** Floor and known schedules (L19); absent if bounds are off, no loads occur, or no proof applies. */
export function knownOf(plan: RunPlan, gpus: readonly SimulatedGpu[]): Limits {
  const { layout, run } = plan;
  if (!run.bounds || layout.hardware.links.length === 0 || unprovenOf(plan) !== null) return { floor: null, found: null };
  const floored = gpus.map((gpu) => flooredGpu(plan, gpu));
  const machines = gpus.map((gpu, g) => ({ machine: machineOf(plan, gpu), belady: floored[g]!.loads.belady }));
  return {
    floor: new Floor(floored),
    found: run.found === 'none' ? null : new FoundSchedules(machines, isLruOnDemand(plan, gpus), run.found === 'all'),
  };
}

/** True if the run is the bounds' LRU: on demand, over all layers, on a single unchanged GPU. */
function isLruOnDemand(plan: RunPlan, gpus: readonly SimulatedGpu[]): boolean {
  const { inputs, layout, run } = plan;
  const { cache, onMiss, predictor } = inputs.system;
  const [{ dram, overlaps }] = gpus as [SimulatedGpu];
  const plain =
    cache.policy.name === 'lru' &&
    cache.warm === undefined &&
    cache.scope === 'global' &&
    isWord(onMiss, 'load') &&
    predictor.kind.name === 'none';
  const still = run.faults === undefined && !memoryChanges(plan) && layout.several === null;
  return plain && still && dram === null && !cache.exclusive && overlaps && !isPageCache(plan);
}

/** The run's own Belady bound if equal to MIN; else null. */
function globalOf(plan: RunPlan, { belady }: SimulatedGpu): BeladyBound | null {
  return belady?.exact === true && plan.inputs.system.cache.scope === 'global' && !memoryChanges(plan) ? belady : null;
}

function flooredGpu(plan: RunPlan, gpu: SimulatedGpu): FlooredGpu {
  const { inputs, layout } = plan;
  const { memory, model, sizes } = gpu;
  const [link, ssd] = layout.hardware.links;
  const smallest = sizes.reduce((least, bytes) => Math.min(least, bytes), Number.POSITIVE_INFINITY);
  const alike: ModelSpec = { ...model, layers: model.layers.map((layer) => ({ ...layer, expertBytes: smallest })) };
  const buffers = prefetchBytes(model, inputs.system);
  // Windows need exact MIN: experts of different sizes all count as the smallest.
  const fewest = (belady: BeladyBound | null, bytes: number, roomBytes: number, preloaded: boolean, of: typeof link): FewestLoads => ({
    belady: belady ?? new BeladyBound(alike, 'global', bytes, null, preloaded),
    own: belady === null,
    transferNs: holdingNs(new Link(of!, new Float64Array(0)), smallest),
    slots: Math.floor(roomBytes / smallest),
  });
  const { preloaded } = gpu.gpu;
  const both = memory.cacheBytes + buffers + (memory.dramBytes ?? 0);
  return {
    model,
    cost: new CostModel(model, layout.hardware, layout.dense, layout.split),
    onCpu: layout.hardware.cpu !== null && Number.isFinite(gpu.cost.handoverNs),
    loads: fewest(globalOf(plan, gpu), memory.cacheBytes, memory.cacheBytes + buffers, preloaded, link),
    reads: gpu.dram === null ? null : fewest(null, both, both, preloaded || gpu.dram.preloaded, ssd),
  };
}

/** Time of a transfer of `bytes` on a whole link, ns: lanes work in parallel, a divided transfer takes all. */
function holdingNs(link: Link, bytes: number): number {
  if (link.divides) return link.transferNs(bytes);
  let perNs = 0;
  for (let lane = 0; lane < link.lanes; lane++) perNs += 1 / link.laneNs(lane, bytes);
  return 1 / perNs;
}

function machineOf(plan: RunPlan, gpu: SimulatedGpu): KnowingMachine {
  const { cost, memory, sizes } = gpu;
  const [link, ssd] = plan.layout.hardware.links;
  return {
    sizes,
    capacityBytes: memory.cacheBytes,
    link: link!,
    dram: gpu.dram === null ? null : { capacityBytes: memory.dramBytes!, link: ssd! },
    preloaded: gpu.gpu.preloaded,
    cpu: computesOnCpu(plan, gpu),
    handoverNs: cost.handoverNs,
  };
}
