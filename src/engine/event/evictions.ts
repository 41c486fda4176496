// Side effects of an eviction from a GPU: counters, plans that want the expert back, and with exclusive tiers a write-back (L14).
import type { Prefetcher } from '../prefetch/prefetcher.js';
import type { Link } from '../transfer/link.js';
import type { RunningEvent } from './event.js';
import type { Gpu } from './gpu.js';

/** Accounts for the victims of admissions to one GPU. */
export class Evictions {
  /** Told of every eviction; null: nothing is prefetched. */
  prefetcher: Prefetcher | null = null;
  /** When the slot of the last admission is free (exclusive tiers: after the write-back of its victims), ns. */
  slotFreeNs = 0;
  readonly #gpu: Gpu;
  readonly #event: RunningEvent;

  constructor(gpu: Gpu, event: RunningEvent) {
    this.#gpu = gpu;
    this.#event = event;
  }

  /** Counts the victims of the last admissions, evicted at `nowNs`, and prices their write-back where tiers are exclusive. */
  account(nowNs: number): void {
    const { gpu, layerOf, recorder, writeBack } = this.#gpu;
    const { victims, victimCount } = gpu;
    const { observer } = this.#event;
    const { evictions } = recorder.layers;
    recorder.phase.evictions += victimCount;
    for (let k = 0; k < victimCount; k++) evictions[layerOf[victims[k]!]!]! += 1;
    if (observer !== null) for (let k = 0; k < victimCount; k++) observer.evicted(victims[k]!, layerOf[victims[k]!]!, nowNs);
    if (this.prefetcher !== null) {
      this.#countWasted();
      this.prefetcher.evicted(gpu, nowNs);
    }
    if (writeBack !== null) this.#writeBack(writeBack, nowNs);
  }

  /** The same for an admission whose slot nobody has asked for before; @returns when it is free, ns */
  free(nowNs: number): number {
    this.slotFreeNs = nowNs;
    this.account(nowNs);
    return this.slotFreeNs;
  }

  #writeBack(link: Link, nowNs: number): void {
    const { gpu, recorder, sizes } = this.#gpu;
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
    const { gpu, recorder, sizes } = this.#gpu;
    for (let k = 0; k < gpu.victimCount; k++) {
      const id = gpu.victims[k]!;
      if (gpu.unused[id] === 0) continue;
      gpu.unused[id] = 0;
      recorder.prefetchWasted++;
      recorder.prefetchWastedBytes += sizes[id]!;
    }
  }
}
