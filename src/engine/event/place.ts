// What becomes of the misses of an event, in the order of L3: they are loaded into a slot (L5) or streamed, computed on the CPU where
// they lie (L13), served from a smaller copy, and fetched from the SSD before that where DRAM lacks them (L14).

import type { Observer } from '../watch/observer.js';
import type { DeviceParts } from './device.js';
import { type DeviceEvent, sortByReadiness } from './event.js';
import type { Evictions } from './evictions.js';
import { PRECISION, type Precision } from './precision.js';
import type { PhaseCounters } from './recorder.js';

/** Places the misses of one GPU. */
export class Misses {
  /** Sees what the CPU computes; null: nobody looks. */
  observer: Observer | null = null;
  /** Counters of the phase that the running pass belongs to. */
  phase: PhaseCounters;
  readonly #parts: DeviceParts;
  readonly #event: DeviceEvent;
  readonly #evictions: Evictions;
  /** Members that are to be loaded, where that is decided one by one. */
  readonly #loads: Int32Array;
  /** True where every miss is loaded, whatever becomes of the members before it. */
  readonly #atOnce: boolean;

  constructor(parts: DeviceParts, event: DeviceEvent, evictions: Evictions) {
    this.#parts = parts;
    this.#event = event;
    this.#evictions = evictions;
    this.#loads = new Int32Array(event.missed.length);
    this.#atOnce = parts.onMiss === 'load' && parts.writeBack === null && parts.precision === null;
    this.phase = parts.recorder.phases[1];
  }

  /** L3, L5, L13: in order, touches the members that are held, and loads the others or leaves them to the CPU. */
  place(layer: number, size: number, startNs: number): void {
    const { dram, gpu, precision } = this.#parts;
    const event = this.#event;
    const { missed, misses } = event;
    const { ids } = event.demand;
    if (dram !== null) {
      for (let k = 0; k < misses; k++) {
        const id = ids[missed[k]!]!;
        // What is skipped is not read: its prefetch stays one.
        if (precision !== null && precision.of(id) === PRECISION.skipped) continue;
        dram.pin(id);
        dram.link.promote(id);
      }
    }
    if (!this.#atOnce) {
      this.#placeOneByOne(layer, size, startNs);
      return;
    }
    const { readyNs, waiting } = event;
    const late = event.waits;
    for (let k = 0; k < misses; k++) {
      const i = missed[k]!;
      readyNs[i] = startNs;
      waiting[late + k] = i;
    }
    event.waits = late + misses;
    event.inOrder = late === 0 && dram === null;
    this.#countStreamed(layer, gpu.serve(ids, size, layer));
    this.#evictions.account(startNs);
    this.#load(layer, missed, misses, startNs);
  }

  /** Placement where the fate of a member depends on what became of those before it. */
  #placeOneByOne(layer: number, size: number, startNs: number): void {
    const { cost, dram, gpu, onMiss, precision } = this.#parts;
    const event = this.#event;
    const evictions = this.#evictions;
    const { counts, ids } = event.demand;
    const cache = gpu.byLayer[layer]!;
    const { base, resident } = cache;
    const useCpu = onMiss === 'cpu' || onMiss === 'cheaper';
    if (useCpu) event.cpuNs.fill(startNs + cost.handoverNs);
    let loads = 0;
    for (let i = 0; i < size; i++) {
      const id = ids[i]!;
      // Members are distinct and pinned: until its own turn, each is still held, or not, as it was judged.
      if (resident[id - base] === 1) {
        cache.touch(id - base);
        continue;
      }
      if (useCpu && (onMiss === 'cpu' || this.#cpuIsSooner(layer, i, startNs))) {
        const fromNs = dram === null ? startNs : this.#inDram(id, layer, startNs);
        const queue = id % cost.cpuQueues;
        const cpuStartNs = Math.max(event.cpuNs[queue]!, fromNs);
        const cpuEndNs = cpuStartNs + cost.cpuExpertNs(layer, counts[i]!);
        event.cpuNs[queue] = cpuEndNs;
        this.observer?.computedOnCpu(id, layer, cpuStartNs, cpuEndNs);
        event.onCpu[event.cpuExperts++] = i;
        cache.policy.streamed?.(id - base);
        continue;
      }
      if (precision !== null && precision.of(id) !== PRECISION.full) {
        // In order: what was to be loaded before it goes first.
        this.#load(layer, this.#loads, loads, startNs);
        loads = 0;
        this.#degrade(layer, i, precision, startNs);
        continue;
      }
      evictions.slotFreeNs = startNs;
      let admitted = false;
      if (onMiss === 'static') cache.policy.streamed?.(id - base);
      else {
        admitted = gpu.admit(id, layer, true, 0);
        evictions.account(startNs);
      }
      if (!admitted) this.#countStreamed(layer, 1);
      event.readyNs[i] = admitted ? evictions.slotFreeNs : startNs;
      event.waiting[event.waits++] = i;
      this.#loads[loads++] = i;
      if (onMiss === 'cheaper') {
        // Placed at once, so that the next member is judged against the link as it is then.
        this.#load(layer, this.#loads, loads, startNs);
        loads = 0;
      }
    }
    this.#load(layer, this.#loads, loads, startNs);
  }

  /** A miss that matters little: its low-precision copy is streamed, or it is skipped. Executing a copy is priced as the expert is. */
  #degrade(layer: number, i: number, precision: Precision, startNs: number): void {
    const { dram, gpu, recorder, sizes } = this.#parts;
    const event = this.#event;
    const id = event.demand.ids[i]!;
    const count = event.demand.counts[i]!;
    const cache = gpu.byLayer[layer]!;
    cache.policy.streamed?.(id - cache.base);
    if (precision.of(id) === PRECISION.skipped) {
      recorder.skippedActivations += count;
      return;
    }
    const bytes = precision.limits.copyBytes * sizes[id]!;
    const fromNs = dram === null ? startNs : this.#inDram(id, layer, startNs);
    event.readyNs[i] = gpu.link.demand(id, bytes, fromNs);
    event.waiting[event.waits++] = i;
    recorder.layers.onDemandBytes[layer]! += bytes;
    recorder.degradedActivations += count;
    this.#countStreamed(layer, 1);
  }

  #countStreamed(layer: number, count: number): void {
    this.#parts.recorder.layers.streamed[layer]! += count;
    this.phase.streamed += count;
  }

  /** L13 `cheaper`: whether the CPU would be done with member `i` before it could be loaded and executed. */
  #cpuIsSooner(layer: number, i: number, startNs: number): boolean {
    const { cost, dram, gpu, sizes } = this.#parts;
    const event = this.#event;
    const id = event.demand.ids[i]!;
    const count = event.demand.counts[i]!;
    const bytes = sizes[id]!;
    let fromNs = startNs;
    if (dram !== null) fromNs = dram.holds(id, layer) ? Math.max(startNs, dram.arrivalNs[id]!) : dram.link.peek(bytes, startNs);
    const cpuNs = Math.max(event.cpuNs[id % cost.cpuQueues]!, fromNs) + cost.cpuExpertNs(layer, count);
    return cpuNs <= gpu.link.peek(bytes, fromNs) + cost.expertNs(layer, count);
  }

  /** L10, L14: places the transfers of the first `count` members of `order`, those first whose weights and slots are there first. */
  #load(layer: number, order: Int32Array, count: number, startNs: number): void {
    const { dram, gpu, model, recorder, writeBack } = this.#parts;
    const { demand, readyNs } = this.#event;
    const { ids } = demand;
    if (dram !== null) {
      for (let k = 0; k < count; k++) {
        const i = order[k]!;
        readyNs[i] = Math.max(readyNs[i]!, this.#inDram(ids[i]!, layer, startNs));
      }
    }
    if (dram !== null || writeBack !== null) sortByReadiness(order, count, readyNs);
    const { expertBytes } = model.layers[layer]!;
    gpu.link.demandAll(order, count, ids, expertBytes, readyNs);
    recorder.layers.onDemandBytes[layer]! += count * expertBytes;
  }

  /** When the weights of an expert are in DRAM, which fetches them from the SSD if it must. */
  #inDram(id: number, layer: number, startNs: number): number {
    const dram = this.#parts.dram!;
    if (dram.holds(id, layer)) {
      const cache = dram.byLayer[layer]!;
      cache.touch(id - cache.base);
      return Math.max(startNs, dram.arrivalNs[id]!);
    }
    dram.admit(id, layer, true, 0);
    this.#evictions.prefetcher?.evicted(dram, startNs);
    return dram.link.demand(id, this.#parts.sizes[id]!, startNs);
  }
}
