// GPU memory whose division changes during a run, on all GPUs together. Each GPU loses its own share, and a pass begins only when every GPU
// has freed its part.

import { policyNeeds } from '../../cache/policy.js';
import type { Passes } from '../../schedule/door.js';
import { misfit } from '../../system/door.js';
import { memoryChanges, type RunPlan } from '../compose/plan.js';
import type { Simulation } from '../compose/simulation.js';
import { GpuMemory } from './gpu-memory.js';

/**
 * The memory of a run's GPUs, where its division changes; null: it stays as planned.
 * @throws UserError where that cannot be had: see {@link GpuMemory}, and with a policy that knows the future
 */
export function changingMemoryOf(plan: RunPlan, passes: Passes, simulation: Simulation): ChangingMemory | null {
  if (!memoryChanges(plan)) return null;
  const { layout, run, workload } = plan;
  const { kvGrowth } = layout.total;
  const faults = run.faults ?? [];
  const { gpus, policy } = simulation;
  const loses = faults.some(({ gpuMemory }) => gpuMemory !== undefined);
  const { definition, parameters } = policy;
  if (kvGrowth !== 'static' && loses && policyNeeds(definition, parameters).includes('future')) {
    throw misfit(
      run,
      'system.cache.policy',
      `${definition.name} knows the future, and with KV caches that grow a loss of GPU memory changes who runs when; take lru, or memory.kvGrowth=static`,
    );
  }
  const { kv } = passes;
  const { kvBytesPerToken } = layout.total;
  const all = gpus.map(
    (simulated, number) =>
      new GpuMemory({ number, gpus: gpus.length, simulated, engine: simulation.engine, room: kv.gpus[number]!, kvBytesPerToken, faults }),
  );
  for (const one of all) one.check(kv.needOf(workload.longest), run.label);
  kv.onTime = (nowNs) => {
    for (const one of all) one.lose(nowNs);
  };
  return new ChangingMemory(all);
}

/** Divides the memory of all GPUs anew before each pass. */
export class ChangingMemory {
  readonly #gpus: readonly GpuMemory[];

  constructor(gpus: readonly GpuMemory[]) {
    this.#gpus = gpus;
  }

  /**
   * Gives the expert caches the memory that KV caches and faults leave.
   * @returns when a pass that was to start at `startNs` can: when the last GPU is ready
   */
  settle(startNs: number): number {
    return this.#gpus.reduce((latest, gpu) => Math.max(latest, gpu.settle(startNs)), startNs);
  }

  /** A pass has ended. */
  passed(endNs: number): void {
    for (const gpu of this.#gpus) gpu.passed(endNs);
  }

  /** Most bytes that everything took on one GPU. */
  get peakBytes(): number {
    return Math.max(...this.#gpus.map((gpu) => gpu.peakBytes));
  }

  /** Smallest capacity that the expert cache of a GPU had, bytes. */
  get leastCacheBytes(): number {
    return Math.min(...this.#gpus.map((gpu) => gpu.leastCacheBytes));
  }

  /** Capacity of the expert cache, mean over time and GPUs, bytes. */
  get meanCacheBytes(): number {
    return this.#gpus.reduce((sum, gpu) => sum + gpu.meanCacheBytes, 0) / this.#gpus.length;
  }
}
