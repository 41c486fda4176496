import { BeladyBound } from '../../cache/bounds/belady-bound.js';
import { isLossy, isWord } from '../../system/door.js';
import { KnowledgeBounds, type KnownGpu } from '../foresight/knowledge-bounds.js';
import { Link } from '../transfer/link.js';
import { isPageCache, memoryChanges, type RunPlan } from './plan.js';
import type { SimulatedGpu } from './simulation.js';

/** True: the CPU may compute experts that a GPU misses. */
export const computesOnCpu = ({ layout }: Pick<RunPlan, 'layout'>, { onMiss }: Pick<SimulatedGpu, 'onMiss'>): boolean =>
  onMiss.some((rule) => rule.do !== 'load') && layout.hardware.cpu !== null;

/** The clocks of LRU, Belady, foresight and the floor (L19); null if bounds are off, nothing is loaded, or with copies or a split layer. */
export function knowledgeOf(plan: RunPlan, gpus: readonly SimulatedGpu[]): KnowledgeBounds | null {
  const { inputs, layout, run } = plan;
  if (!run.bounds || !run.foresight || layout.hardware.links.length === 0) return null;
  if (isLossy(inputs.system.onMiss) || layout.split !== null) return null;
  return new KnowledgeBounds(
    gpus.map((gpu) => knownGpu(plan, gpu)),
    isLruOnDemand(plan, gpus),
  );
}

/** True if the run itself is what bounds call LRU: on demand, over all layers, on one GPU that nothing changes. */
function isLruOnDemand(plan: RunPlan, gpus: readonly SimulatedGpu[]): boolean {
  const { inputs, layout, run } = plan;
  const { cache, onMiss, predictor } = inputs.system;
  const [{ dram, overlaps, writeBack }] = gpus as [SimulatedGpu];
  const plain =
    cache.policy.name === 'lru' &&
    cache.warm === undefined &&
    cache.scope === 'global' &&
    isWord(onMiss, 'load') &&
    predictor.kind.name === 'none';
  const still = run.faults === undefined && !memoryChanges(plan) && layout.several === null;
  return plain && still && dram === null && writeBack === null && overlaps && !isPageCache(plan);
}

function knownGpu(plan: RunPlan, gpu: SimulatedGpu): KnownGpu {
  const { system } = plan.inputs;
  const { cost, memory, model, sizes } = gpu;
  const { preloaded } = gpu.gpu;
  const [link, ssd] = plan.layout.hardware.links;
  const { cacheBytes, dramBytes } = memory;
  const smallest = sizes.reduce((least, bytes) => Math.min(least, bytes), Number.POSITIVE_INFINITY);
  // The run's own bound is the one over all layers if it has one cache.
  const bound = system.cache.scope === 'global' && !memoryChanges(plan) ? gpu.belady : null;
  return {
    machine: {
      sizes,
      capacityBytes: cacheBytes,
      link: link!,
      dram: gpu.dram === null ? null : { capacityBytes: dramBytes!, link: ssd! },
      preloaded,
      cpu: computesOnCpu(plan, gpu),
      handoverNs: cost.handoverNs,
    },
    belady: bound ?? new BeladyBound(model, 'global', cacheBytes, null, preloaded),
    own: bound === null,
    slots: Math.floor(cacheBytes / smallest),
    transferNs: new Link(link!, new Float64Array(0)).transferNs(smallest) / link!.lanes,
  };
}
