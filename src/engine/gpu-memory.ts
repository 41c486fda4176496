// GPU memory whose division changes during a run: KV caches grow at the expense of the expert cache, and faults take some of it. Between
// two passes the expert cache gets what there is, so that all together never take more than the GPU has (L8).
import { UserError } from '../base/errors.js';
import { formatBytes, formatNs } from '../base/units.js';
import { policyNeeds } from '../cache/policy.js';
import type { CapacityChange } from '../cache/replay.js';
import type { KvRoom } from '../schedule/kv-room.js';
import type { Passes } from '../schedule/passes.js';
import type { Workload } from '../schedule/workload.js';
import { type Fault, lostBytes } from '../system/faults.js';
import type { RunSpec } from '../system/run.js';
import type { Inputs } from './inputs.js';
import type { MemoryPlan } from './memory.js';
import type { Simulation } from './simulation.js';

/** What a {@link GpuMemory} divides. */
interface GpuMemoryParts {
  readonly plan: MemoryPlan;
  readonly kv: KvRoom;
  readonly kvBytesPerToken: number;
  readonly faults: readonly Fault[];
  /** Tokens of the longest request. */
  readonly longest: number;
  readonly simulation: Pick<Simulation, 'engine' | 'gpus'>;
  /** Where the faults stand, for messages. */
  readonly place: string;
}

/**
 * The memory of a run's GPU, where its division changes; null: it stays as planned.
 * @throws UserError where that cannot be had: see {@link GpuMemory}, and with a policy that knows the future
 */
export function gpuMemoryOf({
  inputs,
  memory,
  passes,
  run,
  simulation,
  workload,
}: {
  readonly inputs: Inputs;
  readonly memory: MemoryPlan;
  readonly passes: Passes;
  readonly run: RunSpec;
  readonly simulation: Simulation;
  readonly workload: Workload;
}): GpuMemory | null {
  const faults = run.faults ?? [];
  const loses = faults.some(({ gpuMemory }) => gpuMemory !== undefined);
  if (memory.kvGrowth === 'static' && !loses) return null;
  const { definition, parameters } = simulation.policy;
  if (memory.kvGrowth !== 'static' && loses && policyNeeds(definition, parameters).includes('future')) {
    throw new UserError(
      `cache.policy ${definition.name}: knows the future, and with KV caches that grow a loss of GPU memory changes who runs when; take lru, or memory.kvGrowth=static`,
    );
  }
  return new GpuMemory({
    plan: memory,
    kv: passes.kv,
    kvBytesPerToken: inputs.model.dense.kvBytesPerToken,
    faults,
    longest: workload.longest,
    simulation,
    place: run.label,
  });
}

/** Divides the memory of one GPU anew before each pass. */
export class GpuMemory {
  /** Capacities of the expert cache in order of time, for the Belady bound. */
  readonly changes: CapacityChange[] = [];
  /** Smallest capacity of the expert cache so far, and most bytes that everything took, each by its own pass. */
  leastCacheBytes: number;
  peakBytes = 0;
  readonly #parts: GpuMemoryParts;
  #lostBytes = 0;
  #cacheBytes: number;
  /** Sum of capacity x time up to `#sinceNs`. */
  #byteNs = 0;
  #startNs = -1;
  #sinceNs = 0;

  /**
   * @throws UserError where there are several GPUs, or where faults take memory that the run cannot do without
   */
  constructor(parts: GpuMemoryParts) {
    const { faults, kv, plan, simulation } = parts;
    this.#parts = parts;
    if (simulation.gpus.length > 1) {
      const what = plan.kvGrowth === 'static' ? 'faults: gpuMemory' : `memory.kvGrowth: ${plan.kvGrowth}`;
      throw new UserError(
        `${parts.place}: ${what}: moves the memory of one GPU, and there are ${simulation.gpus.length}; take a machine with one`,
      );
    }
    this.#cacheBytes = this.leastCacheBytes = plan.cacheBytes;
    for (const { at } of faults) this.#checkLoss(at);
    kv.onTime = (nowNs) => this.#lose(lostBytes(faults, nowNs));
  }

  /**
   * Gives the expert cache what KV caches and faults leave it.
   * @returns when a pass that was to start at `startNs` can: a slot that a prefetch is on its way into is free when that has arrived
   */
  settle(startNs: number): number {
    const { kv, kvBytesPerToken, plan, simulation } = this.#parts;
    const kvBytes = plan.kvGrowth === 'static' ? plan.kvBytes : kv.usedTokens * kvBytesPerToken;
    const cacheBytes = Math.min(plan.cacheBytes, plan.sharedBytes - this.#lostBytes - kvBytes);
    let readyNs = startNs;
    if (cacheBytes !== this.#cacheBytes) {
      readyNs = simulation.engine.resize!(cacheBytes, startNs);
      simulation.gpus[0]!.gpu.peakBytes = simulation.gpus[0]!.gpu.usedBytes;
      this.changes.push({ event: simulation.gpus[0]!.log?.events ?? 0, capacityBytes: cacheBytes });
    }
    this.#account(readyNs);
    this.#cacheBytes = cacheBytes;
    this.leastCacheBytes = Math.min(this.leastCacheBytes, cacheBytes);
    return readyNs;
  }

  /** A pass has ended. */
  passed(endNs: number): void {
    const { kv, kvBytesPerToken, plan, simulation } = this.#parts;
    const { gpu } = simulation.gpus[0]!;
    const kvBytes = plan.kvGrowth === 'static' ? plan.kvBytes : kv.usedTokens * kvBytesPerToken;
    this.peakBytes = Math.max(this.peakBytes, plan.denseBytes + plan.stagingBytes + kvBytes + gpu.peakBytes);
    gpu.peakBytes = gpu.usedBytes;
    this.#account(endNs);
  }

  /** Capacity of the expert cache, mean over time, bytes. */
  get meanCacheBytes(): number {
    return this.#sinceNs > this.#startNs ? this.#byteNs / (this.#sinceNs - this.#startNs) : this.#cacheBytes;
  }

  #account(nowNs: number): void {
    if (this.#startNs < 0) this.#startNs = nowNs;
    else this.#byteNs += this.#cacheBytes * (nowNs - this.#sinceNs);
    this.#sinceNs = nowNs;
  }

  /** KV caches may take what is left of the shared memory above the least expert cache. */
  #lose(bytes: number): void {
    if (bytes === this.#lostBytes) return;
    this.#lostBytes = bytes;
    if (this.#parts.plan.kvGrowth !== 'static') this.#parts.kv.capacityTokens = this.#kvTokens(bytes);
  }

  #kvTokens(lost: number): number {
    const { kvBytesPerToken, plan } = this.#parts;
    if (kvBytesPerToken === 0) return Number.POSITIVE_INFINITY;
    return Math.floor(Math.min(plan.kvBytes, plan.sharedBytes - lost - plan.leastCacheBytes) / kvBytesPerToken);
  }

  #checkLoss(atNs: number): void {
    const { faults, kv, longest, place, plan } = this.#parts;
    const lost = lostBytes(faults, atNs);
    const refuse = (left: number, what: string): never => {
      throw new UserError(
        `${place}: faults: at ${formatNs(atNs)} the GPU lacks ${formatBytes(lost)}, and has ${formatBytes(left)} for ${what}; take less of it`,
      );
    };
    const left = plan.sharedBytes - lost;
    if (plan.kvGrowth === 'static') {
      if (left < plan.kvBytes) refuse(Math.max(0, left), `${formatBytes(plan.kvBytes)} of KV caches`);
    } else if (this.#kvTokens(lost) < kv.needOf(longest)) {
      refuse(Math.max(0, left), 'the least expert cache and the KV cache of the longest request');
    }
  }
}
