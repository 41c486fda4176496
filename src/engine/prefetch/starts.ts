import { worthAfter } from '../../cache/next-use/next-use.js';
import { NONE, UNPINNED } from '../../cache/policy.js';
import type { PrefetchSetup } from '../lookahead/setup.js';
import type { Staging } from '../transfer/staging.js';
import type { CachedTier } from '../transfer/tier.js';
import type { Gpu } from '../vocabulary/gpu.js';
import type { MissCost } from './miss-cost.js';
import type { NextPass } from './next-pass.js';
import type { PrefetchPlan } from './plan.js';
import type { PrefetchWorth } from './worth.js';

/** L11: in plan order, on idle links, into slots not needed sooner. */
export class PrefetchStarts {
  /** Last layer of the running pass with known routing; -1: no layer. */
  routed = -1;
  /** Expected time of the next known routing, ns. */
  nextRoutingNs = 0;
  /** Candidates of the next pass, for links left idle by the plan; null: no candidates. */
  nextPass: NextPass | null = null;
  readonly #gpu: Gpu;
  readonly #setup: PrefetchSetup;
  readonly #plan: PrefetchPlan;
  readonly #chances: Float32Array;
  readonly #worth: PrefetchWorth | null;
  readonly #missCost: MissCost | null;
  readonly #evicted: (nowNs: number) => number;
  readonly #staging: Staging | null;

  /**
   * @param chances by dense id @param worth null: every planned expert is brought @param evicted returns when the
   * victims' slot is free, ns @param staging null: prefetches take cache slots
   */
  constructor(
    gpu: Gpu,
    setup: PrefetchSetup,
    plan: PrefetchPlan,
    chances: Float32Array,
    worth: PrefetchWorth | null,
    missCost: MissCost | null,
    evicted: (nowNs: number) => number,
    staging: Staging | null,
  ) {
    this.#staging = staging;
    this.#gpu = gpu;
    this.#setup = setup;
    this.#plan = plan;
    this.#chances = chances;
    this.#worth = worth;
    this.#missCost = missCost;
    this.#evicted = evicted;
  }

  /** Starts planned transfers before `untilNs`; with `through`, at `untilNs` too. */
  before(untilNs: number, through: boolean): void {
    const { dram, gpu } = this.#gpu;
    const plan = this.#plan;
    if (dram !== null) {
      this.#advanceBoth(dram, untilNs, through);
      return;
    }
    const { link } = gpu;
    for (;;) {
      const freeNs = link.freeNs(link.nextLane());
      const entry = this.#nextReady(null, freeNs);
      const startNs = entry < 0 ? Number.POSITIVE_INFINITY : Math.max(freeNs, plan.issuedNs(entry));
      if (through ? startNs <= untilNs : startNs < untilNs) this.#toGpu(plan.idOf(entry), startNs);
      else if (through || this.nextPass === null || !this.#across(this.nextPass, freeNs, untilNs)) return;
    }
  }

  /** Starts the best paying transfer for the next pass. @returns false: no transfer pays */
  #across(nextPass: NextPass, freeNs: number, untilNs: number): boolean {
    const startNs = Math.max(freeNs, nextPass.knownNs);
    if (startNs >= untilNs) return false;
    const { gpu } = this.#gpu;
    gpu.settle(startNs);
    for (let id = nextPass.take(); id >= 0; id = nextPass.take()) {
      if (gpu.planRank(id) === UNPINNED && this.#pays(this.#worth!, id, startNs, nextPass.chances) && this.#start(gpu, id, startNs))
        return true;
    }
    return false;
  }

  /** Three tiers: transfers on two links start in time order, so neither link reads a later DRAM state. */
  #advanceBoth(dram: CachedTier, untilNs: number, through: boolean): void {
    const { gpu } = this.#gpu;
    const plan = this.#plan;
    for (;;) {
      const fromDram = this.#nextReady(dram, gpu.link.freeNs(gpu.link.nextLane()));
      const fromSsd = this.#nextMissing(dram);
      const dramNs = fromDram < 0 ? Number.POSITIVE_INFINITY : this.#readyNs(dram, fromDram);
      const gpuNs = Math.max(gpu.link.freeNs(gpu.link.nextLane()), dramNs);
      const ssdNs = fromSsd < 0 ? Number.POSITIVE_INFINITY : Math.max(dram.link.freeNs(dram.link.nextLane()), plan.issuedNs(fromSsd));
      const soonestNs = Math.min(gpuNs, ssdNs);
      if (through ? soonestNs > untilNs : soonestNs >= untilNs) return;
      if (gpuNs <= ssdNs) this.#toGpu(plan.idOf(fromDram), gpuNs);
      else this.#toDram(dram, plan.idOf(fromSsd), ssdNs);
    }
  }

  /** Earliest start of an entry: weights in DRAM (`dram` null: always) and prediction ready, ns. */
  #readyNs(dram: CachedTier | null, entry: number): number {
    const issuedNs = this.#plan.issuedNs(entry);
    return dram === null ? issuedNs : Math.max(dram.arrivalNs[this.#plan.idOf(entry)]!, issuedNs);
  }

  /** First entry ready at `nowNs`, else the earliest ready; -1: no entry held or awaited by DRAM. */
  #nextReady(dram: CachedTier | null, nowNs: number): number {
    const plan = this.#plan;
    let soonest = -1;
    let soonestNs = Number.POSITIVE_INFINITY;
    for (let entry = plan.next(); entry >= 0; entry = plan.nextAfter(entry)) {
      if (dram !== null && !this.#inDram(dram, entry)) continue;
      const readyNs = this.#readyNs(dram, entry);
      if (readyNs <= nowNs) return entry;
      if (readyNs < soonestNs) {
        soonest = entry;
        soonestNs = readyNs;
      }
    }
    return soonest;
  }

  #nextMissing(dram: CachedTier): number {
    let entry = this.#plan.next();
    while (entry >= 0 && this.#inDram(dram, entry)) entry = this.#plan.nextAfter(entry);
    return entry;
  }

  #inDram(dram: CachedTier, entry: number): boolean {
    const id = this.#plan.idOf(entry);
    return dram.holds(id, this.#gpu.layerOf[id]!);
  }

  #toGpu(id: number, startNs: number): void {
    const { gpu, recorder } = this.#gpu;
    this.#plan.started(id);
    gpu.settle(startNs);
    if (this.#worth !== null && !this.#pays(this.#worth, id, startNs, this.#chances)) return;
    if (this.#setup.budget?.allows(id, this.#gpu.layerOf[id]! - this.routed) === false) return;
    if (this.#start(gpu, id, startNs)) return;
    if (this.#setup.limits.whenFull === 'wait') this.#plan.refused(id);
    else recorder.prefetchDropped++;
  }

  /** A refused expert is planned again after the next event. */
  #pays(worth: PrefetchWorth, id: number, startNs: number, chances: Float32Array): boolean {
    const { gpu, layerOf, sizes } = this.#gpu;
    const layer = layerOf[id]!;
    const bytes = sizes[id]!;
    const victim = this.#staging === null ? gpu.victimFor(id, layer, bytes) : NONE;
    const distance = this.#layersTo(layer);
    const { later, values } = this.#setup.expectedUse!;
    const victimWorth = victim === NONE ? 0 : values[victim]!;
    const { link } = gpu;
    const transferNs = link.transferNs(bytes);
    const saved = worth.of({
      chance: chances[id]!,
      distance,
      nextNs: this.nextRoutingNs,
      startNs,
      transferNs,
      missNs: this.#missCost!.ns(layer, transferNs),
      heldNs: link.chunkBytes === 0 || bytes <= link.chunkBytes ? transferNs : link.transferNs(link.chunkBytes) / 2,
      victimWorth,
      laterWorth: worthAfter(later.values[id]!, 1),
      victimFirst: victim !== NONE && this.#layersTo(layerOf[victim]!) <= distance,
    });
    return saved > 0;
  }

  /** Layers from the next routing to `layer`'s next routing, from 0. */
  #layersTo(layer: number): number {
    const { length } = this.#gpu.model.layers;
    return (layer - this.routed - 1 + length) % length;
  }

  #toDram(dram: CachedTier, id: number, startNs: number): void {
    dram.settle(startNs);
    if (this.#start(dram, id, startNs)) return;
    this.#plan.started(id);
    this.#gpu.recorder.prefetchDropped++;
  }

  /** Without cancelling (L12): places experts of known layers up to `layer` at `nowNs`, in plan order. */
  carryThrough(layer: number, nowNs: number): void {
    const { dram, layerOf, recorder } = this.#gpu;
    const plan = this.#plan;
    for (let entry = plan.next(); entry >= 0; entry = plan.next()) {
      const id = plan.idOf(entry);
      const ownLayer = layerOf[id]!;
      if (ownLayer > layer) return;
      let fromNs = Math.max(nowNs, plan.issuedNs(entry));
      plan.started(id);
      const comes = dram === null || dram.holds(id, ownLayer) || this.#start(dram, id, nowNs, fromNs);
      if (comes && dram !== null) fromNs = Math.max(fromNs, dram.arrivalNs[id]!);
      if (!comes || !this.#start(this.#gpu.gpu, id, nowNs, fromNs)) recorder.prefetchDropped++;
    }
  }

  /** @param fromNs start as a demand, ns, or later; absent: yielding prefetch, now @returns false: no slot */
  #start(tier: CachedTier, id: number, nowNs: number, fromNs = -1): boolean {
    const { gpu, layerOf, recorder, sizes } = this.#gpu;
    const layer = layerOf[id]!;
    const slotFreeNs = this.#room(tier, id, layer, nowNs);
    if (slotFreeNs < 0) return false;
    const bytes = sizes[id]!;
    tier.pin(id);
    if (fromNs >= 0) tier.link.place(id, bytes, Math.max(fromNs, slotFreeNs));
    else tier.link.prefetch(tier.link.nextLane(), id, bytes, slotFreeNs);
    if (tier === gpu) {
      tier.unused[id] = 1;
      recorder.layers.prefetchBytes[layer]! += bytes;
    }
    return true;
  }

  /** @returns time at which a slot or buffer is free, ns; -1: no slot */
  #room(tier: CachedTier, id: number, layer: number, startNs: number): number {
    if (this.#staging !== null && tier === this.#gpu.gpu) {
      const freeNs = this.#staging.take(id);
      return freeNs < 0 ? -1 : Math.max(startNs, freeNs);
    }
    // A planned expert is evicted last, for a nearer or more probable expert.
    if (tier.admit(id, layer, false, UNPINNED)) return this.#victimsOf(tier, id, startNs);
    const slotFreeNs = this.#victimsOf(tier, id, startNs);
    if (!tier.admit(id, layer, false, tier.planRank(id))) {
      this.#victimsOf(tier, id, startNs);
      return -1;
    }
    return Math.max(slotFreeNs, this.#victimsOf(tier, id, startNs));
  }

  /** @returns time at which the victims' slot is free, ns */
  #victimsOf(tier: CachedTier, id: number, nowNs: number): number {
    if (tier !== this.#gpu.gpu) {
      this.#plan.lost(tier, nowNs);
      return nowNs;
    }
    const { budget } = this.#setup;
    if (budget != null) for (let k = 0; k < tier.victimCount; k++) budget.pushedOut(tier.victims[k]!, id);
    return this.#evicted(nowNs);
  }
}
