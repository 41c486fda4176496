// Consequences of an eviction from a GPU: counters, plans that want the expert back, and a write-back where tiers
// exclude each other (L14).
import type { PrefetchFates } from '../prefetch/fates.js';
import type { Prefetcher } from '../prefetch/prefetcher.js';
import type { Link } from '../transfer/link.js';
import type { RunningEvent } from '../vocabulary/event.js';
import type { Gpu } from '../vocabulary/gpu.js';

/** Accounts for the evictions from one GPU. */
export class Evictions {
  /** Receives every eviction; null: nothing is planned. */
  prefetcher: Prefetcher | null = null;
  /** True where experts are brought ahead, by plan or promotion. */
  ahead = false;
  /** Time at which the slot of the last admission is free (exclusive tiers: after the write-back of its victims), ns. */
  slotFreeNs = 0;
  readonly #gpu: Gpu;
  readonly #event: RunningEvent;
  readonly #fates: PrefetchFates;

  constructor(gpu: Gpu, event: RunningEvent, fates: PrefetchFates) {
    this.#gpu = gpu;
    this.#fates = fates;
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
    if (this.ahead) for (let k = 0; k < victimCount; k++) if (gpu.unused[victims[k]!] === 1) this.#fates.wasted(victims[k]!);
    this.prefetcher?.evicted(gpu, nowNs);
    if (writeBack !== null) this.#writeBack(writeBack, nowNs);
  }

  /** The same for one admission on its own; @returns when its slot is free, ns */
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
}
