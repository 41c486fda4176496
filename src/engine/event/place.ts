import type { CachedTier } from '../transfer/tier.js';
import { type RunningEvent, sortByReadiness } from '../vocabulary/event.js';
import type { Gpu } from '../vocabulary/gpu.js';
import type { Hooks } from '../vocabulary/hooks.js';

/** Placement of a GPU's misses: all load together from host memory. */
export class Misses {
  readonly gpu: Gpu;
  readonly event: RunningEvent;
  readonly evictions: Evictions;

  constructor(gpu: Gpu, event: RunningEvent, evictions: Evictions) {
    this.gpu = gpu;
    this.event = event;
    this.evictions = evictions;
  }

  /** L3, L5, L10: touches held members in order, and places the misses. */
  place(layer: number, size: number): void {
    const { gpu, model, recorder, sizes } = this.gpu;
    const { event } = this;
    const { ids } = event.demand;
    const late = event.waits;
    this.await(late);
    event.inOrder = late === 0;
    this.countStreamed(layer, gpu.serve(ids, size, layer));
    this.evictions.account(event.startNs);
    const bytes = sizes[model.layers[layer]!.offset]!;
    gpu.link.demandAll(event.missed, event.misses, ids, bytes, event.readyNs);
    recorder.layers.onDemandBytes[layer]! += event.misses * bytes;
  }

  /** Every miss waits for a transfer, requested at the event's start. @param late members waiting already */
  protected await(late: number): void {
    const { missed, misses, readyNs, startNs, waiting } = this.event;
    for (let k = 0; k < misses; k++) {
      const i = missed[k]!;
      readyNs[i] = startNs;
      waiting[late + k] = i;
    }
    this.event.waits = late + misses;
  }

  /** Counts members without a slot. */
  protected countStreamed(layer: number, count: number): void {
    const { layers, phase } = this.gpu.recorder;
    layers.streamed[layer]! += count;
    phase.streamed += count;
  }
}

/** Weights may lie on the SSD, and slots may be free later. */
export class TieredMisses extends Misses {
  override place(layer: number, size: number): void {
    const { dram, gpu } = this.gpu;
    const { event } = this;
    const late = event.waits;
    if (dram !== null) this.pinInDram();
    this.await(late);
    event.inOrder = late === 0 && dram === null;
    this.countStreamed(layer, gpu.serve(event.demand.ids, size, layer));
    this.evictions.account(event.startNs);
    this.load(layer, event.missed, event.misses);
  }

  /** True if serving the missed member `i` reads its weights. */
  protected reads(_i: number): boolean {
    return true;
  }

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

  /** L10, L14: transfers of the first `count` members of `order`, sorted by readiness of weights and slots. */
  protected load(layer: number, order: Int32Array, count: number): void {
    const { dram } = this.gpu;
    const { demand, readNs, readyNs } = this.event;
    for (let k = 0; dram !== null && k < count; k++) {
      const i = order[k]!;
      readNs[i] = this.inDram(demand.ids[i]!, layer);
      readyNs[i] = Math.max(readyNs[i]!, readNs[i]!);
    }
    if (dram !== null || this.evictions.delay) sortByReadiness(order, count, readyNs);
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
    this.evictions.ofDram(dram, startNs);
    return dram.link.demand(id, this.gpu.sizes[id]!, startNs);
  }
}

/** Evictions of a GPU. */
export class Evictions {
  /** Called after each admission, in order, and for victims of DRAM. */
  hooks: readonly Required<Pick<Hooks, 'evicted'>>[] = [];
  dramHooks: readonly Required<Pick<Hooks, 'lostByDram'>>[] = [];
  /** True: a victim's slot may be free after its eviction. */
  delay = false;
  /** Time at which the last admission's slot is free, ns; exclusive tiers: after its victims' write-back. */
  slotFreeNs = 0;
  readonly #gpu: Gpu;
  readonly #event: RunningEvent;

  constructor(gpu: Gpu, event: RunningEvent) {
    this.#gpu = gpu;
    this.#event = event;
  }

  /** Accounts for the last admissions' victims, evicted at `nowNs`. */
  account(nowNs: number): void {
    const { gpu, layerOf, recorder } = this.#gpu;
    const { victims, victimCount } = gpu;
    const { observer } = this.#event;
    const { hooks } = this;
    const { evictions } = recorder.layers;
    recorder.phase.evictions += victimCount;
    for (let k = 0; k < victimCount; k++) evictions[layerOf[victims[k]!]!]! += 1;
    for (let k = 0; observer !== null && k < victimCount; k++) observer.evicted(victims[k]!, layerOf[victims[k]!]!, nowNs);
    for (let h = 0; h < hooks.length; h++) this.slotFreeNs = Math.max(this.slotFreeNs, hooks[h]!.evicted(nowNs));
  }

  /** A single admission. @returns time at which its slot is free, ns */
  free(nowNs: number): number {
    this.slotFreeNs = nowNs;
    this.account(nowNs);
    return this.slotFreeNs;
  }

  /** DRAM's last victims leave at `nowNs`. */
  ofDram(dram: CachedTier, nowNs: number): void {
    for (let h = 0; h < this.dramHooks.length; h++) this.dramHooks[h]!.lostByDram(dram, nowNs);
  }
}
