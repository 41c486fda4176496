import { NONE, UNPINNED } from '../../cache/policy.js';
import type { Gpu } from '../vocabulary/gpu.js';

/** Planner of prefetches over the same link. */
export interface Planner {
  /** Starts what is due by `untilNs`, inclusive. */
  through(untilNs: number): void;
  /** Another part brings the expert. */
  brought(id: number): void;
}

/** L13, background: an idle link brings experts missed often, by misses or expected use, if worth it. */
export class Promotions {
  readonly #gpu: Gpu;
  readonly #evicted: (nowNs: number) => number;
  /** Expected next uses, 0..1; null: the policy ignores them. */
  readonly #values: Float32Array | null;
  /** Misses by expert since its last begun or refused promotion. */
  readonly #misses: Int32Array;
  /** By expert: 1 during a wait, and its start, ns. */
  readonly #waits: Uint8Array;
  readonly #sinceNs: Float64Array;
  /** Waiting experts: a ring of `#count` entries from `#first` on. */
  readonly #queue: Int32Array;
  #first = 0;
  #count = 0;
  /** Last entries of the queue, of the running event. */
  #running = 0;
  /** End of the last head of the queue, ns: the next head began no earlier. */
  #leftNs = 0;

  /**
   * @param evicted called after every admission: accounts for victims evicted at `nowNs`. @returns time at which their
   * slot is free, ns
   */
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

  /** A miss of the running event, due after `after` misses. */
  missed(id: number, after: number): void {
    this.#misses[id]! += 1;
    if (this.#misses[id]! < after || this.#waits[id] === 1) return;
    this.#waits[id] = 1;
    // L4: pinned until the running event ends.
    this.#sinceNs[id] = Number.POSITIVE_INFINITY;
    this.#queue[(this.#first + this.#count++) % this.#queue.length] = id;
    this.#running++;
  }

  /** The event has ended at `nowNs`: its misses may be promoted. */
  released(nowNs: number): void {
    for (; this.#running > 0; this.#running--) {
      const last = (this.#first + this.#count - this.#running) % this.#queue.length;
      this.#sinceNs[this.#queue[last]!] = nowNs;
    }
  }

  /** Moves the soonest expected expert to the head; experts of the running event are not ready. */
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

  /** Starts promotions with a free lane before `untilNs`, in time order, planned prefetches first. */
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

  /** Time at which the head finds a free lane and its weights in DRAM; experts lost by DRAM start and end at once. */
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

  /** True if the expected saving, less the victim's worth, exceeds the possible wait. */
  #pays(id: number, layer: number, bytes: number, values: Float32Array): boolean {
    const { gpu } = this.#gpu;
    const victim = gpu.victimFor(id, layer, bytes);
    if (victim === NONE) return true;
    return values[id]! > values[victim]!;
  }

  /** Takes a slot and starts the transfer. @returns false: already here, lost by DRAM, or refused by the policy */
  #start(id: number, startNs: number): boolean {
    const { dram, gpu, layerOf, recorder, sizes } = this.#gpu;
    const layer = layerOf[id]!;
    if (gpu.holds(id, layer) || (dram !== null && !dram.holds(id, layer))) return false;
    const bytes = sizes[id]!;
    if (this.#values !== null && !this.#pays(id, layer, bytes, this.#values)) return false;
    // Planned experts stay.
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
