import { computesMisses } from '../../system/door.js';
import type { RunningEvent } from '../vocabulary/event.js';
import type { Gpu } from '../vocabulary/gpu.js';

/** Weight of the newest event in running means. Ours. */
export const NEWEST = 1 / 64;

/** Running mean starting at its first value; 0: no value yet. */
export const newer = (mean: number, value: number): number => (mean === 0 ? value : mean + NEWEST * (value - mean));

/** Cost of an extra miss (L13) in a usual event: a transfer, or the added time if the CPU computes misses. */
export class MissCost {
  readonly #gpu: Gpu;
  readonly #loads: boolean;
  readonly #computes: boolean;
  readonly #balances: boolean;
  /** Means: activations of a member, misses of an event with misses, members of an event. 0: unknown. */
  #activations = 0;
  #misses = 0;
  #members = 0;
  #missed = 0;
  #events = 0;
  /** By layer: last cost, ns, and event count then. */
  readonly #known: Float64Array;
  readonly #knownAt: Float64Array;

  constructor(gpu: Gpu) {
    const { length } = gpu.model.layers;
    this.#gpu = gpu;
    this.#loads = gpu.onMiss.some(({ do: action }) => action !== 'cpu');
    this.#computes = gpu.onMiss.some(computesMisses);
    this.#balances = gpu.onMiss[0]!.do === 'balance';
    this.#known = new Float64Array(length);
    this.#knownAt = new Float64Array(length).fill(-1);
  }

  judged({ demand, hits, misses, waits }: RunningEvent): void {
    const size = hits + misses + waits;
    if (size === 0) return;
    this.#events++;
    this.#missed += this.#members === 0 ? misses : NEWEST * (misses - this.#missed);
    this.#members = newer(this.#members, size);
    this.#activations = newer(this.#activations, demand.activations / size);
    if (misses > 0) this.#misses = newer(this.#misses, misses);
  }

  /** Cost in `layer`, whose transfer takes `transferNs`, ns; 0: a hit takes as long. */
  ns(layer: number, transferNs: number): number {
    if (!this.#computes) return transferNs;
    if (this.#knownAt[layer] !== this.#events) {
      this.#knownAt[layer] = this.#events;
      this.#known[layer] = this.#ofLayer(layer, transferNs);
    }
    return this.#known[layer]!;
  }

  #ofLayer(layer: number, transferNs: number): number {
    const { cost } = this.#gpu;
    const activations = Math.max(1, Math.round(this.#activations));
    const gpuNs = cost.expertNs(layer, activations);
    const cpuNs = cost.cpuExpertNs(layer, activations);
    if (this.#balances) return Math.min(transferNs, Math.max(0, cost.handoverNs / Math.max(1, this.#misses) + cpuNs - gpuNs));
    const misses = Math.max(1, Math.round(this.#missed));
    const longerNs = this.#lastsNs(misses, transferNs, gpuNs, cpuNs) - this.#lastsNs(misses - 1, transferNs, gpuNs, cpuNs);
    return Math.max(0, this.#loads ? Math.min(transferNs, longerNs) : longerNs);
  }

  /**
   * Duration of a usual event, each miss on the side with the soonest end, ns. CPU and GPU work in parallel.
   */
  #lastsNs(misses: number, transferNs: number, gpuNs: number, cpuNs: number): number {
    const { cpuQueues, handoverNs } = this.#gpu.cost;
    let soonestNs = Number.POSITIVE_INFINITY;
    for (let onCpu = this.#loads ? 0 : misses; onCpu <= misses; onCpu++) {
      const loaded = misses - onCpu;
      const onCpuNs = onCpu === 0 ? 0 : handoverNs + cpuNs * Math.ceil(onCpu / cpuQueues);
      const onGpuNs = Math.max(gpuNs * Math.max(0, this.#members - onCpu), loaded === 0 ? 0 : loaded * transferNs + gpuNs);
      soonestNs = Math.min(soonestNs, Math.max(onCpuNs, onGpuNs));
    }
    return soonestNs;
  }
}
