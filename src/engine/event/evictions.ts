// What it entails that experts leave a GPU: counters, plans that want them back, and with exclusive tiers a write-back (L14).

import type { Prefetcher } from '../prefetch/prefetcher.js';
import type { Link } from '../transfer/link.js';
import type { CachedTier } from '../transfer/tier.js';
import type { Observer } from '../watch/observer.js';
import type { PhaseCounters, Recorder } from './recorder.js';

/** What {@link Evictions} accounts for. Arrays are indexed by dense id. */
export interface EvictionParts {
  readonly gpu: CachedTier;
  /** Link that victims are written back over; null: weights are read-only and evicting moves nothing. */
  readonly writeBack: Link | null;
  readonly recorder: Recorder;
  readonly sizes: Float64Array;
  readonly layerOf: Uint16Array;
}

/** Accounts for the victims of admissions to one GPU. */
export class Evictions {
  /** Sees every eviction; null: nobody looks. */
  observer: Observer | null = null;
  /** Told of every eviction; null: nothing is prefetched. */
  prefetcher: Prefetcher | null = null;
  /** Counters of the phase that the running pass belongs to. */
  phase: PhaseCounters;
  /** When the slot of the last admission is free (exclusive tiers: after the write-back of its victims), ns. */
  slotFreeNs = 0;
  readonly #parts: EvictionParts;

  constructor(parts: EvictionParts) {
    this.#parts = parts;
    this.phase = parts.recorder.phases[1];
  }

  /** Counts the victims of the last admissions, evicted at `nowNs`, and prices their write-back where tiers are exclusive. */
  account(nowNs: number): void {
    const { gpu, layerOf, recorder, writeBack } = this.#parts;
    const { victims, victimCount } = gpu;
    const { evictions } = recorder.layers;
    this.phase.evictions += victimCount;
    for (let k = 0; k < victimCount; k++) evictions[layerOf[victims[k]!]!]! += 1;
    if (this.observer !== null) {
      for (let k = 0; k < victimCount; k++) this.observer.evicted(victims[k]!, layerOf[victims[k]!]!, nowNs);
    }
    if (this.prefetcher !== null) {
      this.#countWasted();
      this.prefetcher.evicted(gpu, nowNs);
    }
    if (writeBack !== null) this.#writeBack(writeBack, nowNs);
  }

  #writeBack(link: Link, nowNs: number): void {
    const { gpu, recorder, sizes } = this.#parts;
    for (let k = 0; k < gpu.victimCount; k++) {
      const id = gpu.victims[k]!;
      const bytes = sizes[id]!;
      this.slotFreeNs = Math.max(this.slotFreeNs, link.demand(id, bytes, nowNs));
      recorder.writeBacks++;
      recorder.writeBackBytes += bytes;
    }
  }

  /** Prefetched experts that leave before they were demanded. */
  #countWasted(): void {
    const { gpu, recorder, sizes } = this.#parts;
    for (let k = 0; k < gpu.victimCount; k++) {
      const id = gpu.victims[k]!;
      if (gpu.unused[id] === 0) continue;
      gpu.unused[id] = 0;
      recorder.prefetchWasted++;
      recorder.prefetchWastedBytes += sizes[id]!;
    }
  }
}
