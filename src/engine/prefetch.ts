// The plan of prefetches (L11, L12): which experts of the coming layers to bring, nearest layer first, then by probability, and the
// starting of those transfers whenever a link has nothing better to do.
import { UNPINNED } from '../cache/policy.js';
import type { ModelSpec } from '../model/spec.js';
import type { Predictor } from '../predict/predictor.js';
import type { Pass } from '../schedule/pass.js';
import type { WhenFull } from './actions.js';
import type { AdaptiveHorizon } from './horizon.js';
import type { Observer } from './observer.js';
import type { Outlook } from './outlook.js';
import { Ranking } from './ranking.js';
import type { Recorder } from './recorder.js';
import type { CachedTier } from './tier.js';

/** How far and how boldly to prefetch. */
export interface PrefetchLimits {
  /** Layers ahead that are predicted; without effect where the horizon is adaptive. */
  readonly horizon: number;
  /** Predict the remaining layers again whenever a layer's routing has become known (L12). */
  readonly correction: boolean;
  /** Experts of a smaller probability are not prefetched. */
  readonly minProbability: number;
  /** Most experts prefetched for one layer. */
  readonly perLayer: number;
  /** What becomes of a prefetch that finds no slot: dropped (L11), or tried again when an event has ended. Absent: dropped. */
  readonly whenFull?: WhenFull;
}

/** What prefetching needs to know of the experts. Arrays are indexed by dense id. */
export interface PrefetchParts {
  readonly model: ModelSpec;
  readonly sizes: Float64Array;
  readonly layerOf: Uint16Array;
  readonly predictor: Predictor;
  readonly limits: PrefetchLimits;
  readonly gpu: CachedTier;
  /** DRAM where it is a cache of the SSD; null where it holds every expert. */
  readonly dram: CachedTier | null;
  readonly recorder: Recorder;
  /** Filled by the predictor. */
  readonly scores: Float32Array;
  /** What policies see of the predictions; null or absent: no policy looks. */
  readonly outlook?: Outlook | null;
  /** Decides how far to look; null or absent: `limits.horizon` does. */
  readonly adaptive?: AdaptiveHorizon | null;
  /**
   * Called after every admission to the GPU: accounts for its victims, evicted at `nowNs`.
   * @returns when their slot is free, ns
   */
  readonly evicted: (nowNs: number) => number;
}

/** Plans prefetches and starts them. */
export class Prefetcher {
  /** Sees every decision; null: nobody looks. */
  observer: Observer | null = null;
  readonly #parts: PrefetchParts;
  /** Planned experts of this pass, in order; those before `#first` belong to layers that are known by now. */
  readonly #plan: Int32Array;
  /** When each entry was planned, ns: its transfer starts no earlier. */
  readonly #issuedNs: Float64Array;
  #first = 0;
  #count = 0;
  /** Entries before it wait no more. */
  #head = 0;
  /** 1 while an expert waits in the plan for its transfer. */
  readonly #queued: Uint8Array;
  /** 1 while an expert of the plan waits for a slot, and how many do. */
  readonly #refused: Uint8Array;
  #refusedCount = 0;
  /** First layer that has not been planned in this pass. */
  #nextLayer = 0;
  /** Best-scored experts of the newest prediction for each layer. */
  readonly #ranking: Ranking;
  /** By layer: 1 where it has been predicted in this pass. */
  readonly #asked: Uint8Array;
  /** What had been counted when the last pass ended. */
  #totals = { bytes: 0, useful: 0, late: 0, wasted: 0 };

  constructor(parts: PrefetchParts) {
    this.#parts = parts;
    const { model, limits, scores } = parts;
    const widest = model.layers.reduce((most, layer) => Math.max(most, layer.experts), 0);
    const topK = model.layers.reduce((most, layer) => Math.max(most, layer.topK), 0);
    this.#ranking = new Ranking(model, Math.min(widest, Math.max(limits.perLayer, 2 * topK)), scores);
    this.#plan = new Int32Array(model.experts);
    this.#issuedNs = new Float64Array(model.experts);
    this.#queued = new Uint8Array(model.experts);
    this.#refused = new Uint8Array(model.experts);
    this.#asked = new Uint8Array(model.layers.length);
  }

  /** A pass begins: the plan of the last one is void. */
  begin(pass: Pass, nowNs: number): void {
    this.#drop(this.#count);
    this.#first = this.#count = this.#head = 0;
    this.#nextLayer = 0;
    this.#asked.fill(0);
    this.#extend(pass, -1, nowNs);
  }

  /**
   * The routing of `layer` is known to be `demand[0..size)`: what was planned for it leaves the queue (demanded experts have
   * become demands, the others are cancelled), and the prediction is judged.
   */
  known(layer: number, demand: Int32Array, size: number): void {
    const { recorder, layerOf } = this.#parts;
    if (this.#asked[layer] === 1) this.#judge(demand, size);
    let end = this.#first;
    while (end < this.#count && layerOf[this.#plan[end]!]! <= layer) end++;
    for (let i = 0; i < size; i++) {
      this.#queued[demand[i]!] = 0;
      this.#forgive(demand[i]!);
    }
    for (let i = this.#first; i < end; i++) recorder.prefetchCancelled += this.#queued[this.#plan[i]!]! + this.#refused[this.#plan[i]!]!;
    this.#drop(end);
    this.#first = end;
    this.#head = Math.max(this.#head, end);
  }

  /** The predictor learns from a layer that is known now. */
  observe(pass: Pass, layer: number): void {
    const { outlook, predictor } = this.#parts;
    predictor.observe(pass, layer);
    outlook?.done(pass, layer, predictor);
  }

  /** An event has ended and let go of its experts at `nowNs`: prefetches that found no slot are tried again. */
  released(nowNs: number): void {
    if (this.#refusedCount === 0) return;
    for (let entry = this.#count - 1; entry >= this.#first; entry--) {
      const id = this.#plan[entry]!;
      if (this.#refused[id] === 0) continue;
      this.#forgive(id);
      this.#queued[id] = 1;
      this.#issuedNs[entry] = Math.max(this.#issuedNs[entry]!, nowNs);
      this.#head = Math.min(this.#head, entry);
    }
  }

  /** After the demands of `layer` are placed: predicts and plans what lies within the horizon now. */
  replan(pass: Pass, layer: number, nowNs: number): void {
    if (this.#parts.limits.correction) {
      const { recorder } = this.#parts;
      for (let i = this.#first; i < this.#count; i++) {
        recorder.prefetchCancelled += this.#queued[this.#plan[i]!]! + this.#refused[this.#plan[i]!]!;
      }
      this.#drop(this.#count);
      this.#first = this.#count = this.#head = 0;
      this.#nextLayer = layer + 1;
    }
    this.#extend(pass, layer, nowNs);
  }

  /** The last admission to a tier has evicted its `victims` at `nowNs`: those that are planned are to be brought again, from then on. */
  evicted(tier: CachedTier, nowNs: number): void {
    const { victimCount, victims } = tier;
    for (let k = 0; k < victimCount; k++) {
      const id = victims[k]!;
      const entry = tier.planRank(id);
      if (entry === UNPINNED) continue;
      this.#issuedNs[entry] = Math.max(this.#issuedNs[entry]!, nowNs);
      if (tier !== this.#parts.gpu) continue;
      this.#queued[id] = 1;
      this.#head = Math.min(this.#head, entry);
    }
  }

  /** The pass has ended after `durationNs`: an adaptive horizon moves. */
  ended(durationNs: number): void {
    const { adaptive, gpu, model, recorder } = this.#parts;
    if (adaptive == null) return;
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

  /** Starts every planned transfer that finds a free lane before `untilNs`. */
  advance(untilNs: number): void {
    const { dram, gpu } = this.#parts;
    if (dram !== null) this.#advanceBoth(dram, untilNs);
    else {
      const { link } = gpu;
      for (let entry = this.#nextQueued(); entry >= 0; entry = this.#nextQueued()) {
        const startNs = Math.max(link.freeNs(link.nextLane()), this.#issuedNs[entry]!);
        if (startNs >= untilNs) break;
        this.#toGpu(entry, startNs);
      }
    }
    gpu.settle(untilNs);
    dram?.settle(untilNs);
  }

  /** Three tiers: transfers on both links start in order of time, so that neither sees a DRAM that is still to come. */
  #advanceBoth(dram: CachedTier, untilNs: number): void {
    const { gpu } = this.#parts;
    for (;;) {
      const fromDram = this.#nextReady(dram, gpu.link.freeNs(gpu.link.nextLane()));
      const fromSsd = this.#nextMissing(dram);
      const dramNs = fromDram < 0 ? Number.POSITIVE_INFINITY : this.#readyNs(dram, fromDram);
      const gpuNs = Math.max(gpu.link.freeNs(gpu.link.nextLane()), dramNs);
      const ssdNs = fromSsd < 0 ? Number.POSITIVE_INFINITY : Math.max(dram.link.freeNs(dram.link.nextLane()), this.#issuedNs[fromSsd]!);
      if (Math.min(gpuNs, ssdNs) >= untilNs) return;
      if (gpuNs <= ssdNs) this.#toGpu(fromDram, gpuNs);
      else this.#toDram(dram, fromSsd, ssdNs);
    }
  }

  /** Plans layers up to `after + horizon` that have not been planned. */
  #extend(pass: Pass, after: number, nowNs: number): void {
    const { adaptive, limits, model, outlook, predictor, scores } = this.#parts;
    const last = Math.min(model.layers.length - 1, after + (adaptive?.layers ?? limits.horizon));
    if (this.#nextLayer <= after) this.#nextLayer = after + 1;
    if (this.#nextLayer > last) return;
    const skip = this.#nextLayer - after - 1;
    predictor.predict(pass, after, last - after, scores);
    const issuedNs = nowNs + predictor.costNs;
    if (outlook != null) for (let layer = after + 1; layer <= last; layer++) outlook.ahead(layer, scores);
    for (let layer = after + 1 + skip; layer <= last; layer++) this.#planLayer(layer, issuedNs, nowNs);
    this.#nextLayer = last + 1;
  }

  #planLayer(layer: number, issuedNs: number, nowNs: number): void {
    const { dram, gpu, limits, scores } = this.#parts;
    const ranking = this.#ranking;
    const base = layer * ranking.width;
    const count = ranking.rank(layer);
    this.#asked[layer] = 1;
    for (let i = 0; i < count && i < limits.perLayer; i++) {
      const id = ranking.ids[base + i]!;
      if (scores[id]! < limits.minProbability) break;
      const entry = this.#count++;
      this.#plan[entry] = id;
      this.#issuedNs[entry] = issuedNs;
      gpu.planned(id, entry);
      dram?.planned(id, entry);
      if (gpu.holds(id, layer)) continue;
      this.#queued[id] = 1;
      this.observer?.planned(id, nowNs, issuedNs - nowNs);
    }
  }

  #judge(demand: Int32Array, size: number): void {
    const { recorder } = this.#parts;
    const ranking = this.#ranking;
    recorder.predictedMembers += size;
    let named = 0;
    let amongFirst = 0;
    for (let i = 0; i < size; i++) {
      const place = ranking.placeOf(demand[i]!);
      named += place >= 0 ? 1 : 0;
      amongFirst += place >= 0 && place < size ? 1 : 0;
    }
    recorder.recalledUnion += named;
    recorder.recalledAtK += amongFirst;
  }

  /** First entry that still waits, or -1. */
  #nextQueued(): number {
    while (this.#head < this.#count && this.#queued[this.#plan[this.#head]!] === 0) this.#head++;
    return this.#head < this.#count ? this.#head : -1;
  }

  /** When the weights of an entry that DRAM holds are there, and its prediction has been made, ns. */
  #readyNs(dram: CachedTier, entry: number): number {
    return Math.max(dram.arrivalNs[this.#plan[entry]!]!, this.#issuedNs[entry]!);
  }

  /** First waiting entry whose weights are in DRAM at `nowNs`; else the one that will be there first; -1: none is on its way. */
  #nextReady(dram: CachedTier, nowNs: number): number {
    let soonest = -1;
    let soonestNs = Number.POSITIVE_INFINITY;
    for (let entry = this.#nextQueued(); entry >= 0 && entry < this.#count; entry++) {
      const id = this.#plan[entry]!;
      if (this.#queued[id] === 0 || !dram.holds(id, this.#parts.layerOf[id]!)) continue;
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
    for (let entry = this.#nextQueued(); entry >= 0 && entry < this.#count; entry++) {
      const id = this.#plan[entry]!;
      if (this.#queued[id] === 1 && !dram.holds(id, this.#parts.layerOf[id]!)) return entry;
    }
    return -1;
  }

  #toGpu(entry: number, startNs: number): void {
    const { gpu } = this.#parts;
    const id = this.#plan[entry]!;
    this.#queued[id] = 0;
    gpu.settle(startNs);
    this.#start(gpu, id, startNs);
  }

  #toDram(dram: CachedTier, entry: number, startNs: number): void {
    const id = this.#plan[entry]!;
    dram.settle(startNs);
    if (!this.#start(dram, id, startNs)) this.#queued[id] = 0;
  }

  /** Takes a slot and starts the transfer; without a slot the prefetch is dropped. */
  #start(tier: CachedTier, id: number, startNs: number): boolean {
    const { gpu, layerOf, recorder, sizes } = this.#parts;
    const layer = layerOf[id]!;
    // What is planned itself leaves only where nothing else can, and only for what is nearer or more probable.
    let admitted = tier.admit(id, layer, false, UNPINNED);
    let slotFreeNs = this.#victimsOf(tier, startNs);
    if (!admitted) {
      admitted = tier.admit(id, layer, false, tier.planRank(id));
      slotFreeNs = Math.max(slotFreeNs, this.#victimsOf(tier, startNs));
    }
    if (!admitted) {
      if (tier === gpu && this.#parts.limits.whenFull === 'wait') {
        this.#refused[id] = 1;
        this.#refusedCount++;
      } else {
        recorder.prefetchDropped++;
      }
      return false;
    }
    const bytes = sizes[id]!;
    tier.pin(id);
    tier.link.prefetch(tier.link.nextLane(), id, bytes, slotFreeNs);
    if (tier === gpu) {
      tier.unused[id] = 1;
      recorder.layers.prefetchBytes[layer]! += bytes;
    }
    return true;
  }

  /** Accounts for the victims of the last admission; @returns when their slot is free, ns */
  #victimsOf(tier: CachedTier, nowNs: number): number {
    if (tier === this.#parts.gpu) return this.#parts.evicted(nowNs);
    this.evicted(tier, nowNs);
    return nowNs;
  }

  /** An expert waits for a slot no more. */
  #forgive(id: number): void {
    this.#refusedCount -= this.#refused[id]!;
    this.#refused[id] = 0;
  }

  /** Takes the entries before `end` out of the plan. */
  #drop(end: number): void {
    const { dram, gpu } = this.#parts;
    for (let i = this.#first; i < end; i++) {
      const id = this.#plan[i]!;
      this.#queued[id] = 0;
      this.#forgive(id);
      gpu.unplanned(id);
      dram?.unplanned(id);
    }
  }
}
