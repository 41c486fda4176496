import { NONE, UNPINNED } from '../../cache/policy.js';
import type { Gpu } from '../vocabulary/gpu.js';

/** The planner of prefetches over the same link. */
export interface Planner {
  /** Starts what is planned and can start at `untilNs` or before. */
  through(untilNs: number): void;
  /** An expert is on its way without it. */
  brought(id: number): void;
}

/** Promotion in the background (L13): an idle link brings experts missed often, in order of misses or of expected use, if that pays. */
export class Promotions {
  readonly #gpu: Gpu;
  readonly #evicted: (nowNs: number) => number;
  /** Expected next use of each expert, 0..1; null: the policy does not rank by it. */
  readonly #values: Float32Array | null;
  /** Misses of each expert since its last promotion was begun or refused. */
  readonly #misses: Int32Array;
  /** 1 while an expert waits, and since when, ns. */
  readonly #waits: Uint8Array;
  readonly #sinceNs: Float64Array;
  /** Experts that wait: a ring of `#count` entries from `#first` on. */
  readonly #queue: Int32Array;
  #first = 0;
  #count = 0;
  /** How many of them, at the end of the queue, belong to the running event. */
  #running = 0;
  /** When the last one left the queue, ns: the next one became the first no earlier. */
  #leftNs = 0;

  /** @param evicted called after every admission: accounts for its victims, evicted at `nowNs`, and returns when their slot is free, ns */
  constructor(gpu: Gpu, evicted: (nowNs: number) => number) {
    const { experts } = gpu.model;
    this.#gpu = gpu;
    this.#evicted = evicted;
    this.#values = gpu.prefetch?.expectedUse?.values ?? gpu.learned?.values ?? null;
    this.#misses = new Int32Array(experts);
    this.#waits = new Uint8Array(experts);
    this.#sinceNs = new Float64Array(experts);
    this.#queue = new Int32Array(experts);
  }

  /** The running event has missed expert `id`, which is to be promoted after as many misses as `after`. */
  missed(id: number, after: number): void {
    this.#misses[id]! += 1;
    if (this.#misses[id]! < after || this.#waits[id] === 1) return;
    this.#waits[id] = 1;
    // A member of the running event is pinned until that has ended (L4).
    this.#sinceNs[id] = Number.POSITIVE_INFINITY;
    this.#queue[(this.#first + this.#count++) % this.#queue.length] = id;
    this.#running++;
  }

  /** The event has ended at `nowNs`: what it missed may be promoted from now on. */
  released(nowNs: number): void {
    for (; this.#running > 0; this.#running--) {
      const last = (this.#first + this.#count - this.#running) % this.#queue.length;
      this.#sinceNs[this.#queue[last]!] = nowNs;
    }
  }

  /** Moves the one that is expected soonest to the front of the queue; an expert of the running event is not ready. */
  #choose(values: Float32Array, untilNs: number): void {
    const queue = this.#queue;
    let best = this.#first;
    let most = -1;
    for (let k = 0; k < this.#count; k++) {
      const at = (this.#first + k) % queue.length;
      const id = queue[at]!;
      if (this.#sinceNs[id]! >= untilNs || values[id]! <= most) continue;
      most = values[id]!;
      best = at;
    }
    const id = queue[best]!;
    queue[best] = queue[this.#first]!;
    queue[this.#first] = id;
  }

  /** Starts every promotion that finds a free lane before `untilNs`, in order of time; what is planned goes first. */
  advance(untilNs: number, planner: Planner | null): void {
    const { gpu } = this.#gpu;
    while (this.#count > 0) {
      if (this.#values !== null) this.#choose(this.#values, untilNs);
      const id = this.#queue[this.#first]!;
      const startNs = this.#startNs(id);
      if (startNs >= untilNs) break;
      planner?.through(startNs);
      // A planned prefetch has taken the lane.
      if (this.#startNs(id) > startNs) continue;
      this.#leave(id, startNs);
      gpu.settle(startNs);
      if (this.#start(id, startNs)) planner?.brought(id);
    }
    // A planner starts more in that time, and settles afterwards.
    if (planner === null) gpu.settle(untilNs);
  }

  /** When the first that waits finds a lane free and its weights in DRAM; what DRAM has lost starts at once, and ends so. */
  #startNs(id: number): number {
    const { dram, gpu } = this.#gpu;
    const { link } = gpu;
    return Math.max(link.freeNs(link.nextLane()), this.#sinceNs[id]!, this.#leftNs, dram === null ? 0 : dram.arrivalNs[id]!);
  }

  #leave(id: number, nowNs: number): void {
    this.#leftNs = nowNs;
    this.#first = (this.#first + 1) % this.#queue.length;
    this.#count--;
    this.#waits[id] = 0;
    this.#misses[id] = 0;
  }

  /** True if what a promotion is expected to save, less what its victim is worth, exceeds the wait that it may cause. */
  #pays(id: number, layer: number, bytes: number, values: Float32Array): boolean {
    const { gpu } = this.#gpu;
    const victim = gpu.victimFor(id, layer, bytes);
    if (victim === NONE) return true;
    return values[id]! > values[victim]!;
  }

  /** Takes a slot and starts the transfer. @returns false: the expert is here by now, DRAM has lost it, or the policy refuses it */
  #start(id: number, startNs: number): boolean {
    const { dram, gpu, layerOf, recorder, sizes } = this.#gpu;
    const layer = layerOf[id]!;
    if (gpu.holds(id, layer) || (dram !== null && !dram.holds(id, layer))) return false;
    const bytes = sizes[id]!;
    if (this.#values !== null && !this.#pays(id, layer, bytes, this.#values)) return false;
    // Planned experts are not evicted for a promotion.
    const admitted = gpu.admit(id, layer, false, UNPINNED);
    const slotFreeNs = this.#evicted(startNs);
    if (!admitted) {
      recorder.prefetchDropped++;
      return false;
    }
    gpu.pinPromoted(id);
    gpu.link.prefetch(gpu.link.nextLane(), id, bytes, slotFreeNs);
    gpu.unused[id] = 1;
    recorder.layers.prefetchBytes[layer]! += bytes;
    recorder.promoted++;
    return true;
  }
}
