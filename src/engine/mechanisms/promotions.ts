import { NONE, UNPINNED } from '../../cache/policy.js';
import type { MissRule } from '../../system/door.js';
import type { FoldPart, GpuParts } from '../event/parts.js';
import type { EachMiss, Service } from '../event/place-each.js';
import { Around } from '../event/service.js';
import type { IdleWork, Planner } from '../prefetch/idle-work.js';
import type { Gpu } from '../vocabulary/gpu.js';
import type { Mechanism, RunPart } from './mechanism.js';

/** L13: background promotion. An idle link brings often missed experts, by misses or expected use, if worth it. */
class Promotions implements IdleWork {
  readonly #gpu: Gpu;
  readonly #evicted: (nowNs: number) => number;
  readonly #values: Float32Array | null;
  /** Misses of each expert since its last begun or refused promotion. */
  readonly #misses: Int32Array;
  /** 1 for waiting experts, and the wait's start, ns. */
  readonly #waits: Uint8Array;
  readonly #sinceNs: Float64Array;
  /** Waiting experts, a ring of `#count` entries from `#first` on. */
  readonly #queue: Int32Array;
  #first = 0;
  #count = 0;
  /** Of these, members of the running event. */
  #running = 0;
  /** Last departure from the queue, ns: the next expert became first no earlier. */
  #leftNs = 0;

  /**
   * @param evicted after every admission: victims at `nowNs`; returns when their slot is free, ns @param values
   * expected next use of each expert, 0..1; null: unused by the policy
   */
  constructor(gpu: Gpu, evicted: (nowNs: number) => number, values: Float32Array | null) {
    const { experts } = gpu.model;
    this.#gpu = gpu;
    this.#evicted = evicted;
    this.#values = values;
    this.#misses = new Int32Array(experts);
    this.#waits = new Uint8Array(experts);
    this.#sinceNs = new Float64Array(experts);
    this.#queue = new Int32Array(experts);
  }

  /** Promotion follows after `after` misses. */
  missed(id: number, after: number): void {
    this.#misses[id]! += 1;
    if (this.#misses[id]! < after || this.#waits[id] === 1) return;
    this.#waits[id] = 1;
    // Event members stay pinned until the event's end (L4).
    this.#sinceNs[id] = Number.POSITIVE_INFINITY;
    this.#queue[(this.#first + this.#count++) % this.#queue.length] = id;
    this.#running++;
  }

  released(nowNs: number): void {
    for (; this.#running > 0; this.#running--) {
      const last = (this.#first + this.#count - this.#running) % this.#queue.length;
      this.#sinceNs[this.#queue[last]!] = nowNs;
    }
  }

  /** Moves the soonest expected ready expert to the queue's front. */
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

  /** Starts promotions before `untilNs` in time order, after planned prefetches. */
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
    // A planner starts more in the same time, and settles afterwards.
    if (planner === null) gpu.settle(untilNs);
  }

  /** Start of the first waiting expert, with a free lane and weights in DRAM, ns; at once if lost by DRAM. */
  #startNs(id: number): number {
    const { dram, gpu } = this.#gpu;
    const { link } = gpu;
    const freeNs = link.freeNs(link.nextLane());
    return Math.max(freeNs, this.#sinceNs[id]!, this.#leftNs, dram === null ? 0 : dram.arrivalNs[id]!);
  }

  #leave(id: number, nowNs: number): void {
    this.#leftNs = nowNs;
    this.#first = (this.#first + 1) % this.#queue.length;
    this.#count--;
    this.#waits[id] = 0;
    this.#misses[id] = 0;
  }

  #pays(id: number, layer: number, bytes: number, values: Float32Array): boolean {
    const { gpu } = this.#gpu;
    const victim = gpu.victimFor(id, layer, bytes);
    if (victim === NONE) return true;
    return values[id]! > values[victim]!;
  }

  /** @returns false: already on the GPU, lost by DRAM, or refused by the policy */
  #start(id: number, startNs: number): boolean {
    const { dram, gpu, layerOf, recorder, sizes } = this.#gpu;
    const layer = layerOf[id]!;
    if (gpu.holds(id, layer) || (dram !== null && !dram.holds(id, layer))) return false;
    const bytes = sizes[id]!;
    if (this.#values !== null && !this.#pays(id, layer, bytes, this.#values)) return false;
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

/** Service whose members are promoted if they stay where they lie. */
class Promoted extends Around {
  readonly #promotions: Promotions;
  readonly #after: number;

  constructor(served: Service, placing: EachMiss, promotions: Promotions, { after }: MissRule) {
    super(served, placing);
    this.#promotions = promotions;
    this.#after = after;
  }

  serve(layer: number, i: number): boolean {
    const stays = this.inner.serve(layer, i);
    if (stays) this.#promotions.missed(this.placing.event.demand.ids[i]!, this.#after);
    return stays;
  }
}

function onGpu(parts: GpuParts): FoldPart {
  const { ahead, evictions, expects, gpu } = parts;
  const promotions = new Promotions(gpu, (nowNs) => evictions.free(nowNs), expects);
  ahead.idle.push(promotions);
  ahead.promoter = promotions;
  return {
    ahead: true,
    hooks: [{ ended: (nowNs) => promotions.released(nowNs) }],
    around: (served, placing, rule) => (rule.admit === 'background' ? new Promoted(served, placing, promotions, rule) : served),
  };
}

/** Promotions in a run. */
export const promotions = (): RunPart => ({ on: onGpu });

/** True if a rule promotes missed experts in the background. */
export const promotes = (rules: readonly MissRule[]): boolean => rules.some(({ admit }) => admit === 'background');

/** Experts brought in the background after misses. */
export const PROMOTIONS: Mechanism = {
  name: 'promotions',
  law: 'L13',
  inRun: ({ rules }) => (promotes(rules) ? promotions() : null),
};
