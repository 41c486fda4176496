import type { PrefetchOutcomes } from '../prefetch/outcomes.js';
import type { Prefetcher } from '../prefetch/prefetcher.js';
import type { Link } from '../transfer/link.js';
import { type RunningEvent, sortByReadiness } from '../vocabulary/event.js';
import type { Gpu } from '../vocabulary/gpu.js';

/** Placement of a GPU's misses; the base class loads all at once. */
export class Misses {
  protected readonly gpu: Gpu;
  protected readonly event: RunningEvent;
  protected readonly evictions: Evictions;

  constructor(gpu: Gpu, event: RunningEvent, evictions: Evictions) {
    this.gpu = gpu;
    this.event = event;
    this.evictions = evictions;
  }

  /** L3, L5, L13: touches held members in order, and places the misses. */
  place(layer: number, size: number): void {
    const { dram, gpu } = this.gpu;
    const { event } = this;
    const { demand, misses, missed, readyNs, startNs, waiting, waits: late } = event;
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
    this.load(layer, missed, misses);
  }

  /** True if serving the missed member `i` reads its weights. */
  protected reads(_i: number): boolean {
    return true;
  }

  ended(): void {}

  /** L4: pins DRAM experts read by misses; an unread expert's prefetch stays a prefetch. */
  protected pinInDram(): void {
    const dram = this.gpu.dram!;
    const { demand, misses, missed } = this.event;
    for (let k = 0; k < misses; k++) {
      if (!this.reads(missed[k]!)) continue;
      const id = demand.ids[missed[k]!]!;
      dram.pin(id);
      dram.link.promote(id);
    }
  }

  /** Counts members without a slot. */
  protected countStreamed(layer: number, count: number): void {
    const { layers, phase } = this.gpu.recorder;
    layers.streamed[layer]! += count;
    phase.streamed += count;
  }

  /** L10, L14: transfers of the first `count` members of `order`, sorted by readiness of weights and slots. */
  protected load(layer: number, order: Int32Array, count: number): void {
    const { dram, writeBack } = this.gpu;
    const { demand, readNs, readyNs } = this.event;
    for (let k = 0; dram !== null && k < count; k++) {
      const i = order[k]!;
      readNs[i] = this.inDram(demand.ids[i]!, layer);
      readyNs[i] = Math.max(readyNs[i]!, readNs[i]!);
    }
    if (dram !== null || writeBack !== null) sortByReadiness(order, count, readyNs);
    this.bringOver(layer, order, count);
  }

  /** L10: transfers of the first `count` members of `order`, from their earliest starts. */
  protected bringOver(layer: number, order: Int32Array, count: number): void {
    const { gpu, model, recorder, sizes } = this.gpu;
    const bytes = sizes[model.layers[layer]!.offset]!;
    gpu.link.demandAll(order, count, this.event.demand.ids, bytes, this.event.readyNs);
    recorder.layers.onDemandBytes[layer]! += count * bytes;
  }

  /** Arrival of an expert's weights in DRAM, read from the SSD if absent, ns. */
  protected inDram(id: number, layer: number): number {
    const dram = this.gpu.dram!;
    const { startNs } = this.event;
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

/** Evictions of a GPU. */
export class Evictions {
  /** Receives every eviction; null: no plans. */
  prefetcher: Prefetcher | null = null;
  /** True if plans or promotions bring experts. */
  ahead = false;
  /** Time at which the last admission's slot is free, ns; exclusive tiers: after its victims' write-back. */
  slotFreeNs = 0;
  readonly #gpu: Gpu;
  readonly #event: RunningEvent;
  readonly #outcomes: PrefetchOutcomes;

  constructor(gpu: Gpu, event: RunningEvent, outcomes: PrefetchOutcomes) {
    this.#gpu = gpu;
    this.#outcomes = outcomes;
    this.#event = event;
  }

  /** Accounts for the last admissions' victims, evicted at `nowNs`, and writes them back in exclusive tiers. */
  account(nowNs: number): void {
    const { gpu, layerOf, recorder, writeBack } = this.#gpu;
    const { victims, victimCount } = gpu;
    const { observer } = this.#event;
    const { evictions } = recorder.layers;
    recorder.phase.evictions += victimCount;
    for (let k = 0; k < victimCount; k++) evictions[layerOf[victims[k]!]!]! += 1;
    if (observer !== null) for (let k = 0; k < victimCount; k++) observer.evicted(victims[k]!, layerOf[victims[k]!]!, nowNs);
    if (this.ahead) for (let k = 0; k < victimCount; k++) if (gpu.unused[victims[k]!] === 1) this.#outcomes.wasted(victims[k]!);
    this.prefetcher?.evicted(gpu, nowNs);
    if (writeBack !== null) this.#writeBack(writeBack, nowNs);
  }

  /** A single admission. @returns time at which its slot is free, ns */
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
