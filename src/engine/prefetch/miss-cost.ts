import { computesMisses } from '../../system/door.js';
import type { RunningEvent } from '../vocabulary/event.js';
import type { Gpu } from '../vocabulary/gpu.js';

/** Weight of the newest event in the running means. */
export const NEWEST = 1 / 64;

/** A running mean that starts at its first value; 0: there was none. */
export const newer = (mean: number, value: number): number => (mean === 0 ? value : mean + NEWEST * (value - mean));

/** The cost of one more miss (L13) by the GPU's usual events: a transfer or, if cheaper, the time on the CPU less that on the GPU. */
export class MissCost {
  readonly #gpu: Gpu;
  /** Ways to serve a miss: over the link, on the CPU. */
  readonly #loads: boolean;
  readonly #computes: boolean;
  /** Activations of a member, and misses of an event that has any; 0: not known yet. */
  #activations = 0;
  #misses = 0;

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
    this.#loads = gpu.onMiss.some(({ do: action }) => action !== 'cpu');
    this.#computes = gpu.onMiss.some(computesMisses);
  }

  judged({ demand, hits, misses, waits }: RunningEvent): void {
    const size = hits + misses + waits;
    if (size > 0) this.#activations = newer(this.#activations, demand.activations / size);
    if (misses > 0) this.#misses = newer(this.#misses, misses);
  }

  /** Of an expert of `layer` whose transfer takes `transferNs`, ns; 0: a hit takes as long. */
  ns(layer: number, transferNs: number): number {
    if (!this.#computes) return transferNs;
    const { cost } = this.#gpu;
    const activations = Math.max(1, Math.round(this.#activations));
    const handoverNs = cost.handoverNs / Math.max(1, this.#misses);
    const cpuNs = Math.max(0, handoverNs + cost.cpuExpertNs(layer, activations) - cost.expertNs(layer, activations));
    return this.#loads ? Math.min(transferNs, cpuNs) : cpuNs;
  }
}
