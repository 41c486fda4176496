// Placement where the fate of a miss depends on what became of those before it (L13): the CPU computes it where it lies (or, of a pass
// that is large enough for its runtime, the GPU streams it), it is streamed, served from a smaller copy or skipped, or its slot is free only after a write-back.
import type { Staging } from '../transfer/staging.js';
import type { RunningEvent } from './event.js';
import type { Gpu } from './gpu.js';
import { type Evictions, Misses } from './place.js';
import { PRECISION, type Precision } from './precision.js';

/** Places the misses of one GPU one by one. */
class EachMiss extends Misses {
  /** Members that are to be loaded, as far as that is decided. */
  readonly #loads: Int32Array;

  constructor(gpu: Gpu, event: RunningEvent, evictions: Evictions) {
    super(gpu, event, evictions);
    this.#loads = new Int32Array(event.missed.length);
  }

  override place(layer: number, size: number, startNs: number): void {
    const { cost, dram, gpu, onMiss, precision } = this.gpu;
    const { event } = this;
    const { ids } = event.demand;
    const cache = gpu.byLayer[layer]!;
    const { base, resident } = cache;
    const { staging } = gpu;
    const useCpu = (onMiss === 'cpu' && !event.offloaded) || onMiss === 'cheaper';
    if (dram !== null) this.pinInDram();
    if (useCpu) event.cpuNs.fill(cost.onCpu[layer] === 1 ? startNs : startNs + cost.handoverNs);
    let loads = 0;
    for (let i = 0; i < size; i++) {
      const id = ids[i]!;
      // Members are distinct and pinned: until its own turn, each is still held, or not, as it was judged.
      if (resident[id - base] === 1) {
        cache.touch(id - base);
        continue;
      }
      if (staging !== null && staging.held[id] === 1) {
        this.#moveIn(staging, layer, id, startNs);
        continue;
      }
      if (useCpu && (onMiss === 'cpu' || this.#cpuIsSooner(layer, i, startNs))) {
        this.#compute(layer, i, startNs);
        continue;
      }
      if (precision !== null && precision.of(id) !== PRECISION.full) {
        // In order: what was to be loaded before it goes first.
        this.load(layer, this.#loads, loads, startNs);
        loads = 0;
        this.#degrade(layer, i, precision, startNs);
        continue;
      }
      this.#admit(layer, i, startNs);
      this.#loads[loads++] = i;
      if (onMiss === 'cheaper') {
        // Placed at once, so that the next member is judged against the link as it is then.
        this.load(layer, this.#loads, loads, startNs);
        loads = 0;
      }
    }
    this.load(layer, this.#loads, loads, startNs);
  }

  /** Expert `id` was brought ahead, into a buffer: it moves into the cache, or is executed where it is. */
  #moveIn(staging: Staging, layer: number, id: number, startNs: number): void {
    const { gpu, onMiss } = this.gpu;
    const { evictions } = this;
    const cache = gpu.byLayer[layer]!;
    if (onMiss === 'static') {
      cache.policy.streamed?.(id - cache.base);
      return;
    }
    evictions.slotFreeNs = startNs;
    const admitted = gpu.admit(id, layer, true, 0);
    evictions.account(startNs);
    if (admitted) staging.free(id, evictions.slotFreeNs);
  }

  /** The CPU computes member `i` where it lies. */
  #compute(layer: number, i: number, startNs: number): void {
    const { cost, dram, gpu } = this.gpu;
    const { event } = this;
    const id = event.demand.ids[i]!;
    const cache = gpu.byLayer[layer]!;
    const fromNs = dram === null ? startNs : this.inDram(id, layer, startNs);
    const queue = id % cost.cpuQueues;
    const cpuStartNs = Math.max(event.cpuNs[queue]!, fromNs);
    const cpuEndNs = cpuStartNs + cost.cpuExpertNs(layer, event.demand.counts[i]!);
    event.cpuNs[queue] = cpuEndNs;
    event.observer?.computedOnCpu(id, layer, cpuStartNs, cpuEndNs);
    event.onCpu[event.cpuExperts++] = i;
    cache.policy.streamed?.(id - cache.base);
  }

  /** Member `i` is to be loaded: into a slot where it gets one, when that is free. */
  #admit(layer: number, i: number, startNs: number): void {
    const { gpu, onMiss } = this.gpu;
    const { event, evictions } = this;
    const id = event.demand.ids[i]!;
    const cache = gpu.byLayer[layer]!;
    evictions.slotFreeNs = startNs;
    let admitted = false;
    if (onMiss === 'static' || onMiss === 'cpu') cache.policy.streamed?.(id - cache.base);
    else {
      admitted = gpu.admit(id, layer, true, 0);
      evictions.account(startNs);
    }
    if (!admitted) this.countStreamed(layer, 1);
    event.readyNs[i] = admitted ? evictions.slotFreeNs : startNs;
    event.waiting[event.waits++] = i;
  }

  /** A miss that matters little: its low-precision copy is streamed, or it is skipped. Executing a copy is priced as the expert is. */
  #degrade(layer: number, i: number, precision: Precision, startNs: number): void {
    const { dram, gpu, recorder, sizes } = this.gpu;
    const { event } = this;
    const id = event.demand.ids[i]!;
    const count = event.demand.counts[i]!;
    const cache = gpu.byLayer[layer]!;
    cache.policy.streamed?.(id - cache.base);
    if (precision.of(id) === PRECISION.skipped) {
      recorder.skippedExperts++;
      recorder.skippedActivations += count;
      return;
    }
    const bytes = Math.ceil(precision.limits.copyBytes * sizes[id]!);
    const fromNs = dram === null ? startNs : this.inDram(id, layer, startNs);
    event.readyNs[i] = gpu.link.demand(id, bytes, fromNs);
    event.waiting[event.waits++] = i;
    recorder.layers.onDemandBytes[layer]! += bytes;
    recorder.degradedActivations += count;
    this.countStreamed(layer, 1);
  }

  /** L13 `cheaper`: whether the CPU would be done with member `i` before it could be loaded and executed. */
  #cpuIsSooner(layer: number, i: number, startNs: number): boolean {
    const { cost, dram, gpu, sizes } = this.gpu;
    const { event } = this;
    const id = event.demand.ids[i]!;
    const count = event.demand.counts[i]!;
    const bytes = sizes[id]!;
    let fromNs = startNs;
    if (dram !== null) fromNs = dram.holds(id, layer) ? Math.max(startNs, dram.arrivalNs[id]!) : dram.link.peek(bytes, startNs);
    const cpuNs = Math.max(event.cpuNs[id % cost.cpuQueues]!, fromNs) + cost.cpuExpertNs(layer, count);
    return cpuNs <= gpu.link.peek(bytes, fromNs) + cost.expertNs(layer, count);
  }
}

/** Places the misses of a GPU as its miss action, its tiers and its precision ask for. */
export function missesOf(gpu: Gpu, event: RunningEvent, evictions: Evictions): Misses {
  const atOnce = gpu.onMiss === 'load' && gpu.writeBack === null && gpu.precision === null && gpu.gpu.staging === null;
  return atOnce ? new Misses(gpu, event, evictions) : new EachMiss(gpu, event, evictions);
}
