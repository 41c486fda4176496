import { UserError } from '../../base/errors.js';
import { formatBytes, formatNs } from '../../base/units.js';
import { policyNeeds } from '../../cache/policy.js';
import type { GpuRoom, Passes } from '../../schedule/door.js';
import { type Fault, lostBytes, misfit } from '../../system/door.js';
import type { SimulatedGpu, Simulation } from '../compose/simulation.js';
import type { MemoryPlan } from '../memory/plan.js';
import { memoryChanges, type RunPlan } from '../plan/run-plan.js';
import type { Fold } from '../vocabulary/fold.js';

/** Null: constant. @throws UserError if the division must not change, e.g. a policy with foresight */
export function changingMemoryOf(plan: RunPlan, passes: Passes, simulation: Simulation): ChangingMemory | null {
  if (!memoryChanges(plan)) return null;
  const { layout, run, workload } = plan;
  const { kvGrowth } = layout.total;
  const faults = run.faults ?? [];
  const { gpus, policy } = simulation;
  const loses = faults.some(({ gpuMemory }) => gpuMemory !== undefined);
  const { definition, parameters } = policy;
  if (kvGrowth !== 'static' && loses && policyNeeds(definition, parameters).includes('future'))
    throw misfit(
      run,
      'system.cache.policy',
      `${definition.name} knows the future, and with KV caches that grow a loss of GPU memory changes who runs when; take lru, or memory.kvGrowth=static`,
    );
  const { kv } = passes;
  const { kvBytesPerToken } = layout.total;
  const all = gpus.map(
    (simulated, number) =>
      new GpuMemory({ number, gpus: gpus.length, simulated, engine: simulation.engine, room: kv.gpus[number]!, kvBytesPerToken, faults }),
  );
  for (const memory of all) memory.check(kv.needOf(workload.longest), run.label);
  kv.onTime = (nowNs) => {
    for (const memory of all) memory.lose(nowNs);
  };
  return new ChangingMemory(all);
}

/** GPU memory changed by KV caches or faults (L8): before each pass the expert cache gets the rest. */
export class ChangingMemory {
  readonly #gpus: readonly GpuMemory[];

  constructor(gpus: readonly GpuMemory[]) {
    this.#gpus = gpus;
  }

  /** @returns start of a pass wanted at `startNs`: the last GPU is ready, ns */
  settle(startNs: number): number {
    return this.#gpus.reduce((latest, gpu) => Math.max(latest, gpu.settle(startNs)), startNs);
  }

  passed(endNs: number): void {
    for (const gpu of this.#gpus) gpu.passed(endNs);
  }

  get peakBytes(): number {
    return Math.max(...this.#gpus.map((gpu) => gpu.peakBytes));
  }

  get leastCacheBytes(): number {
    return Math.min(...this.#gpus.map((gpu) => gpu.leastCacheBytes));
  }

  get meanCacheBytes(): number {
    return this.#gpus.reduce((sum, gpu) => sum + gpu.meanCacheBytes, 0) / this.#gpus.length;
  }
}

interface GpuMemoryParts {
  readonly number: number;
  readonly gpus: number;
  readonly simulated: SimulatedGpu;
  readonly engine: Fold;
  readonly room: GpuRoom;
  readonly kvBytesPerToken: number;
  readonly faults: readonly Fault[];
}

class GpuMemory {
  /** Smallest expert cache and peak bytes so far. */
  leastCacheBytes: number;
  peakBytes = 0;
  readonly #parts: GpuMemoryParts;
  readonly #plan: MemoryPlan;
  #lostBytes = 0;
  #cacheBytes: number;
  /** Sum of capacity x time up to `#sinceNs`, bytes x ns. */
  #byteNs = 0;
  #startNs = -1;
  #sinceNs = 0;

  constructor(parts: GpuMemoryParts) {
    this.#parts = parts;
    this.#plan = parts.simulated.memory;
    this.#cacheBytes = this.leastCacheBytes = this.#plan.cacheBytes;
  }

  /** Memory left by faults. @param need KV tokens of the longest request @param place for messages @throws UserError */
  check(need: number, place: string): void {
    const { faults, gpus, number } = this.#parts;
    const { kvBytes, kvGrowth, sharedBytes } = this.#plan;
    const refuse = (atNs: number, lost: number, what: string): never => {
      const who = gpus === 1 ? 'the GPU' : `GPU ${number}`;
      const left = Math.max(0, sharedBytes - lost);
      throw new UserError(
        `${place}: faults: at ${formatNs(atNs)} ${who} lacks ${formatBytes(lost)}, and has ${formatBytes(left)} for ${what}; take less of it`,
      );
    };
    for (const { at } of faults) {
      const lost = lostBytes(faults, number, at);
      if (kvGrowth === 'static') {
        if (sharedBytes - lost < kvBytes) refuse(at, lost, `${formatBytes(kvBytes)} of KV caches`);
      } else if (this.#kvTokens(lost) < need) {
        refuse(at, lost, 'the least expert cache and the KV cache of the longest request');
      }
    }
  }

  /** @returns start of the pass, after arrival of prefetches in freed slots, ns */
  settle(startNs: number): number {
    const { engine, number, simulated } = this.#parts;
    const { belady, gpu } = simulated;
    const cacheBytes = Math.min(this.#plan.cacheBytes, this.#plan.sharedBytes - this.#lostBytes - this.#kvBytes);
    let readyNs = startNs;
    if (cacheBytes !== this.#cacheBytes) {
      readyNs = engine.resize(number, cacheBytes, startNs);
      gpu.peakBytes = gpu.usedBytes;
      belady?.resize(cacheBytes);
    }
    this.#account(readyNs);
    this.#cacheBytes = cacheBytes;
    this.leastCacheBytes = Math.min(this.leastCacheBytes, cacheBytes);
    return readyNs;
  }

  passed(endNs: number): void {
    const { gpu } = this.#parts.simulated;
    const { activationBytes, denseBytes, stagingBytes } = this.#plan;
    this.peakBytes = Math.max(this.peakBytes, denseBytes + activationBytes + stagingBytes + this.#kvBytes + gpu.peakBytes);
    gpu.peakBytes = gpu.usedBytes;
    this.#account(endNs);
  }

  /** Loses memory to faults at `nowNs`. KV caches may use remaining shared memory above the least expert cache. */
  lose(nowNs: number): void {
    const { faults, number, room } = this.#parts;
    const bytes = lostBytes(faults, number, nowNs);
    if (bytes === this.#lostBytes) return;
    this.#lostBytes = bytes;
    if (this.#plan.kvGrowth !== 'static') room.capacityTokens = this.#kvTokens(bytes);
  }

  get meanCacheBytes(): number {
    return this.#sinceNs > this.#startNs ? this.#byteNs / (this.#sinceNs - this.#startNs) : this.#cacheBytes;
  }

  get #kvBytes(): number {
    return this.#plan.kvGrowth === 'static' ? this.#plan.kvBytes : this.#parts.room.usedTokens * this.#parts.kvBytesPerToken;
  }

  #account(nowNs: number): void {
    if (this.#startNs < 0) this.#startNs = nowNs;
    else this.#byteNs += this.#cacheBytes * (nowNs - this.#sinceNs);
    this.#sinceNs = nowNs;
  }

  #kvTokens(lost: number): number {
    const { kvBytesPerToken } = this.#parts;
    const { kvBytes, leastCacheBytes, sharedBytes } = this.#plan;
    if (kvBytesPerToken === 0) return Number.POSITIVE_INFINITY;
    return Math.floor(Math.min(kvBytes, sharedBytes - lost - leastCacheBytes) / kvBytesPerToken);
  }
}
