// What becomes of the misses of an event, in the order of L3: they are loaded into a slot (L5) or streamed, and fetched from the SSD before
// that where DRAM lacks them (L14); and the side effects on what is evicted for them. Other miss actions are place-each.ts'.
import type { Prefetcher } from '../prefetch/prefetcher.js';
import type { Link } from '../transfer/link.js';
import type { RunningEvent } from './event.js';
import type { Gpu } from './gpu.js';
import { PRECISION } from './precision.js';
import { sortByReadiness } from './readiness.js';

/** Side effects of an eviction from one GPU: counters, plans that want the expert back, with exclusive tiers a write-back (L14). */
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

/** Places the misses of one GPU. In here all are loaded at once. */
export class Misses {
  protected readonly gpu: Gpu;
  protected readonly event: RunningEvent;
  protected readonly evictions: Evictions;

  constructor(gpu: Gpu, event: RunningEvent, evictions: Evictions) {
    this.gpu = gpu;
    this.event = event;
    this.evictions = evictions;
  }

  /** L3, L5, L13: in order, touches the members that are held, and finds places for the others. */
  place(layer: number, size: number, startNs: number): void {
    const { dram, gpu } = this.gpu;
    const { event } = this;
    const { demand, misses, missed, readyNs, waiting, waits: late } = event;
    if (dram !== null) this.pinInDram();
    for (let k = 0; k < misses; k++) {
      const i = missed[k]!;
      readyNs[i] = startNs;
      waiting[late + k] = i;
    }
    event.waits = late + misses;
    event.inOrder = late === 0 && dram === null;
    this.countStreamed(layer, gpu.serve(demand.ids, size, layer));
    this.evictions.account(startNs);
    this.load(layer, missed, misses, startNs);
  }

  /** L4: DRAM keeps what the misses read. What is skipped is not read: its prefetch stays one. */
  protected pinInDram(): void {
    const { precision } = this.gpu;
    const dram = this.gpu.dram!;
    const { demand, misses, missed } = this.event;
    for (let k = 0; k < misses; k++) {
      const id = demand.ids[missed[k]!]!;
      if (precision !== null && precision.of(id) === PRECISION.skipped) continue;
      dram.pin(id);
      dram.link.promote(id);
    }
  }

  /** Counts members that own no slot. */
  protected countStreamed(layer: number, count: number): void {
    const { layers, phase } = this.gpu.recorder;
    layers.streamed[layer]! += count;
    phase.streamed += count;
  }

  /** L10, L14: places the transfers of the first `count` members of `order`, those first whose weights and slots are there first. */
  protected load(layer: number, order: Int32Array, count: number, startNs: number): void {
    const { dram, gpu, model, recorder, sizes, writeBack } = this.gpu;
    const { demand, readyNs } = this.event;
    const { ids } = demand;
    if (dram !== null) {
      for (let k = 0; k < count; k++) {
        const i = order[k]!;
        readyNs[i] = Math.max(readyNs[i]!, this.inDram(ids[i]!, layer, startNs));
      }
    }
    if (dram !== null || writeBack !== null) sortByReadiness(order, count, readyNs);
    const bytes = sizes[model.layers[layer]!.offset]!;
    gpu.link.demandAll(order, count, ids, bytes, readyNs);
    recorder.layers.onDemandBytes[layer]! += count * bytes;
  }

  /** When the weights of an expert are in DRAM, which fetches them from the SSD if it must. */
  protected inDram(id: number, layer: number, startNs: number): number {
    const dram = this.gpu.dram!;
    if (dram.holds(id, layer)) {
      const cache = dram.byLayer[layer]!;
      cache.touch(id - cache.base);
      return Math.max(startNs, dram.arrivalNs[id]!);
    }
    dram.admit(id, layer, true, 0);
    this.evictions.prefetcher?.evicted(dram, startNs);
    return dram.link.demand(id, this.gpu.sizes[id]!, startNs);
  }
}
