// Prefetching (L11, L12): plans which experts of the coming layers to bring, and starts those transfers whenever a link has nothing better
// to do. What is expected is forecast.ts', who waits in which order plan.ts'.
import { DISCOUNT } from '../../cache/next-use/next-use.js';
import { NONE, UNPINNED } from '../../cache/policy.js';
import type { Pass } from '../../schedule/pass.js';
import type { Gpu } from '../event/gpu.js';
import type { CachedTier } from '../transfer/tier.js';
import type { Observer } from '../watch/observer.js';
import { Forecast } from './forecast.js';
import { entryOf, PrefetchPlan } from './plan.js';
import type { Planner, Promotions } from './promotions.js';
import type { PrefetchSetup } from './setup.js';
import { PrefetchWorth } from './worth.js';

/** Plans prefetches and starts them. */
export class Prefetcher implements Planner {
  /** Sees every decision; null: nobody looks. */
  observer: Observer | null = null;
  /** Brings what was missed when nothing that is planned wants the link; null: nothing is promoted. */
  promotions: Promotions | null = null;
  readonly #gpu: Gpu;
  readonly #setup: PrefetchSetup;
  readonly #evicted: (nowNs: number) => number;
  readonly #forecast: Forecast;
  readonly #plan: PrefetchPlan;
  /** Judges whether a prefetch pays; null: all are brought. */
  readonly #worth: PrefetchWorth | null;
  /** When the next routing will be known, as far as that is known, ns. */
  #nextRoutingNs = 0;
  /** First layer that has not been planned in this pass. */
  #nextLayer = 0;
  /** Layer whose routing is known, of the running pass; -1: of none. */
  #routed = -1;
  /** What had been counted when the last pass ended. */
  #totals = { bytes: 0, useful: 0, late: 0, wasted: 0 };

  /**
   * @param evicted called after every admission to the GPU: accounts for its victims, evicted at `nowNs`, and returns when their slot is
   *   free, ns
   */
  constructor(gpu: Gpu, setup: PrefetchSetup, evicted: (nowNs: number) => number) {
    this.#gpu = gpu;
    this.#setup = setup;
    this.#evicted = evicted;
    this.#forecast = new Forecast(gpu, setup);
    this.#plan = new PrefetchPlan(gpu);
    this.#worth = setup.limits.when === 'pays' ? new PrefetchWorth() : null;
  }

  /**
   * A pass begins, and drafts its tokens from `startNs` on. The plan of the last pass is void; a new one is made behind all drafting, or, where
   * what drafts choose is heard, anew behind each step of it.
   */
  begin(pass: Pass, startNs: number): void {
    const { draftNs, draftSteps } = pass;
    const steps = this.#setup.predictor.drafts === true ? Math.max(1, draftSteps) : 1;
    this.#plan.clear();
    this.#forecast.begin();
    this.#routed = -1;
    for (let step = 1; step <= steps; step++) {
      const atNs = step === steps ? startNs + draftNs : startNs + (draftNs * step) / steps;
      pass.drafted = step === steps ? draftSteps : step;
      if (step > 1) {
        this.advance(atNs, true);
        this.#gpu.recorder.prefetchCancelled += this.#plan.clear();
      }
      this.#nextLayer = 0;
      this.#extend(pass, -1, atNs);
    }
  }

  /**
   * The routing of `layer` is known to be `demand[0..size)`: what was planned for it leaves the queue (demanded experts have
   * become demands, the others are cancelled), and the prediction is judged. It is so at `nowNs`.
   */
  known(layer: number, demand: Int32Array, size: number, nowNs: number): void {
    this.#worth?.known(nowNs);
    this.#setup.budget?.known();
    this.#routed = layer;
    this.#forecast.judge(layer, demand, size);
    if (this.#setup.limits.cancel === false) this.#carryThrough(layer, nowNs);
    this.#gpu.gpu.staging?.known(layer, demand, size, this.#gpu.gpu.arrivalNs, nowNs);
    for (let i = 0; i < size; i++) this.#plan.satisfied(demand[i]!);
    this.#gpu.recorder.prefetchCancelled += this.#plan.dropUntil(layer);
  }

  /** The predictor learns from a layer that is known now. */
  observe(pass: Pass, layer: number): void {
    this.#forecast.observe(pass, layer);
  }

  /** An event has ended and let go of its experts at `nowNs`: prefetches that found no slot are tried again. */
  released(nowNs: number): void {
    this.#worth?.ended(nowNs);
    this.#plan.retry(nowNs);
  }

  /** After the demands of `layer` are placed: predicts and plans what lies within the horizon now. */
  replan(pass: Pass, layer: number, nowNs: number): void {
    const { gpu, recorder } = this.#gpu;
    this.#worth?.placed(gpu.link.demands);
    if (this.#setup.limits.correction) {
      recorder.prefetchCancelled += this.#plan.clear();
      this.#nextLayer = layer + 1;
    }
    this.#extend(pass, layer, nowNs);
  }

  /** The last admission to a tier has evicted its `victims` at `nowNs`: those that are planned are to be brought again, from then on. */
  evicted(tier: CachedTier, nowNs: number): void {
    const { victimCount, victims } = tier;
    for (let k = 0; k < victimCount; k++) {
      const entry = entryOf(tier, victims[k]!);
      if (entry >= 0) this.#plan.evicted(entry, nowNs, tier === this.#gpu.gpu);
    }
  }

  /** The pass has ended after `durationNs`: an adaptive horizon moves. */
  ended(durationNs: number): void {
    const { gpu, model, recorder } = this.#gpu;
    const { adaptive } = this.#setup;
    if (adaptive === null) return;
    const bytes = gpu.link.demandBytes + gpu.link.prefetchBytes;
    const { prefetchLate: late, prefetchUseful: useful, prefetchWasted: wasted } = recorder;
    const before = this.#totals;
    adaptive.ended({
      durationNs,
      layers: model.layers.length,
      bytes: bytes - before.bytes,
      useful: useful - before.useful,
      late: late - before.late,
      wasted: wasted - before.wasted,
    });
    this.#totals = { bytes, useful, late, wasted };
  }

  /**
   * Starts every planned transfer that finds a free lane before `untilNs`.
   * @param routing true: the next routing is known then; false: an event ends then
   */
  advance(untilNs: number, routing: boolean): void {
    this.#nextRoutingNs = routing || this.#worth === null ? untilNs : this.#worth.nextNs(untilNs);
    const { dram, gpu } = this.#gpu;
    this.promotions?.advance(untilNs, this);
    this.#startBefore(untilNs, false);
    gpu.settle(untilNs);
    dram?.settle(untilNs);
  }

  through(untilNs: number): void {
    this.#startBefore(untilNs, true);
  }

  brought(id: number): void {
    this.#plan.satisfied(id);
  }

  /** Starts every planned transfer that finds a free lane before `untilNs`, or `through` it. */
  #startBefore(untilNs: number, through: boolean): void {
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
      if (entry < 0) return;
      const startNs = Math.max(freeNs, plan.issuedNs(entry));
      if (through ? startNs > untilNs : startNs >= untilNs) return;
      this.#toGpu(plan.idOf(entry), startNs);
    }
  }

  /** Three tiers: transfers on both links start in order of time, so that neither sees a DRAM that is still to come. */
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

  /** Plans layers up to `after + horizon` that have not been planned. */
  #extend(pass: Pass, after: number, nowNs: number): void {
    const { adaptive, limits } = this.#setup;
    const last = Math.min(this.#gpu.model.layers.length - 1, after + (adaptive?.layers ?? limits.horizon));
    if (this.#nextLayer <= after) this.#nextLayer = after + 1;
    if (this.#nextLayer > last) return;
    const knownNs = this.#forecast.predict(pass, after, last, nowNs);
    for (let layer = this.#nextLayer; layer <= last; layer++) this.#planLayer(layer, nowNs, knownNs);
    this.#nextLayer = last + 1;
  }

  #planLayer(layer: number, nowNs: number, knownNs: number): void {
    const { limits } = this.#setup;
    const { chances, ranking } = this.#forecast;
    const { ids } = ranking;
    const { byLayer, staging } = this.#gpu.gpu;
    const { base, resident } = byLayer[layer]!;
    const plan = this.#plan;
    const first = layer * ranking.width;
    const end = first + Math.min(this.#forecast.rank(layer), limits.perLayer);
    for (let at = first; at < end; at++) {
      const id = ids[at]!;
      if (chances[id]! < limits.minProbability) break;
      let waits = 1 - resident[id - base]!;
      if (staging !== null && staging.held[id] === 1) {
        waits = 0;
        staging.wanted(id);
      }
      plan.add(id, knownNs, waits);
      if (this.observer !== null && waits === 1) this.observer.planned(id, nowNs, knownNs - nowNs);
    }
  }

  /** When the weights of an entry that DRAM holds (null: it holds all, always) are there, and its prediction has been made, ns. */
  #readyNs(dram: CachedTier | null, entry: number): number {
    const issuedNs = this.#plan.issuedNs(entry);
    return dram === null ? issuedNs : Math.max(dram.arrivalNs[this.#plan.idOf(entry)]!, issuedNs);
  }

  /** First waiting entry that is ready at `nowNs`, as {@link #readyNs} says; else the one that is ready first; -1: none is on its way. */
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

  /** First waiting entry that DRAM lacks, or -1. */
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
    if (this.#worth !== null && !this.#pays(this.#worth, id, startNs)) return;
    if (this.#setup.budget?.allows(id, this.#gpu.layerOf[id]! - this.#routed) === false) return;
    if (this.#start(gpu, id, startNs)) return;
    if (this.#setup.limits.whenFull === 'wait') this.#plan.refused(id);
    else recorder.prefetchDropped++;
  }

  /** Whether bringing an expert saves more than it costs; what does not pay now is planned anew after the next event. */
  #pays(worth: PrefetchWorth, id: number, startNs: number): boolean {
    const { gpu, layerOf, sizes } = this.#gpu;
    const layer = layerOf[id]!;
    const bytes = sizes[id]!;
    const victim = gpu.staging === null ? firstVictim(gpu, id, layer, bytes) : NONE;
    const { later, values } = this.#setup.expectedUse!;
    const victimWorth = victim === NONE ? 0 : values[victim]!;
    const { link } = gpu;
    const saved = worth.of({
      chance: this.#forecast.chances[id]!,
      distance: layer - this.#routed - 1,
      nextNs: this.#nextRoutingNs,
      startNs,
      transferNs: link.transferNs(bytes),
      heldNs: link.transferNs(link.chunkBytes === 0 ? bytes : Math.min(bytes, link.chunkBytes)),
      victimWorth,
      laterWorth: DISCOUNT * later.values[id]!,
      victimFirst: victim !== NONE && layerOf[victim]! > this.#routed && layerOf[victim]! <= layer,
    });
    return saved > 0;
  }

  #toDram(dram: CachedTier, id: number, startNs: number): void {
    dram.settle(startNs);
    if (this.#start(dram, id, startNs)) return;
    this.#plan.started(id);
    this.#gpu.recorder.prefetchDropped++;
  }

  /** The layers up to `layer` are known, and nothing is cancelled: what still waits for them is placed now, in the order of the plan. */
  #carryThrough(layer: number, nowNs: number): void {
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

  /**
   * Takes a slot at `nowNs` and starts the transfer.
   * @param fromNs where it is placed as a demand is: no earlier than then. Absent: it starts now, and yields
   * @returns false: there is no slot
   */
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

  /** Finds a slot or a buffer for an expert; @returns when it is free, from `startNs` on, ns; -1: there is none */
  #room(tier: CachedTier, id: number, layer: number, startNs: number): number {
    if (tier.staging !== null) {
      const freeNs = tier.staging.take(id);
      return freeNs < 0 ? -1 : Math.max(startNs, freeNs);
    }
    // What is planned itself leaves only where nothing else can, and only for what is nearer or more probable.
    if (tier.admit(id, layer, false, UNPINNED)) return this.#victimsOf(tier, id, startNs);
    const slotFreeNs = this.#victimsOf(tier, id, startNs);
    if (!tier.admit(id, layer, false, tier.planRank(id))) {
      this.#victimsOf(tier, id, startNs);
      return -1;
    }
    return Math.max(slotFreeNs, this.#victimsOf(tier, id, startNs));
  }

  /** Accounts for the victims of the last admission, that of expert `id`; @returns when their slot is free, ns */
  #victimsOf(tier: CachedTier, id: number, nowNs: number): number {
    if (tier !== this.#gpu.gpu) {
      this.evicted(tier, nowNs);
      return nowNs;
    }
    const { budget } = this.#setup;
    if (budget != null) for (let k = 0; k < tier.victimCount; k++) budget.pushedOut(tier.victims[k]!, id);
    return this.#evicted(nowNs);
  }
}

/** Expert that would leave first for a planned one, by dense id; {@link NONE}: there is room, or none can leave. */
function firstVictim(tier: CachedTier, id: number, layer: number, bytes: number): number {
  const { base, capacityBytes, pins, policy, usedBytes } = tier.byLayer[layer]!;
  if (usedBytes + bytes <= capacityBytes) return NONE;
  pins.limit = tier.planRank(id);
  const victim = policy.victim(id - base, pins);
  return victim === NONE ? NONE : victim + base;
}
