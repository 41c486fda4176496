// The fold over events (L1-L14): a pass enters each MoE layer, its demand is judged, misses are loaded or computed where they lie,
// ready experts are executed, and time moves on. One object per run; nothing is allocated per event.
import type { DemandLog } from '../cache/demand.js';
import type { Future } from '../cache/future.js';
import type { Clock } from '../cache/policy.js';
import { layerOfExperts } from '../cache/scope.js';
import type { CostModel } from '../hardware/cost.js';
import { expertSizes, type ModelSpec } from '../model/spec.js';
import type { Predictor } from '../predict/predictor.js';
import type { Pass } from '../schedule/pass.js';
import type { MissAction, Replay } from './actions.js';
import type { BoundClocks } from './bounds.js';
import { EventDemand } from './demand.js';
import { gatherGates } from './gates.js';
import type { AdaptiveHorizon } from './horizon.js';
import type { Link } from './link.js';
import type { Observer } from './observer.js';
import type { Outlook } from './outlook.js';
import { type MissPrecision, PRECISION } from './precision.js';
import { Prefetcher, type PrefetchLimits } from './prefetch.js';
import type { PhaseCounters, Recorder } from './recorder.js';
import { type CachedTier, PINNED } from './tier.js';

/** Everything that an engine is composed of. */
export interface EngineParts {
  readonly model: ModelSpec;
  readonly cost: CostModel;
  readonly gpu: CachedTier;
  /** DRAM as a cache of the SSD; null where it holds every expert, or where there is none. */
  readonly dram: CachedTier | null;
  /** Prices the write-back of evicted experts on a link of its own direction (L14, exclusive tiers); null: inclusive, nothing moves. */
  readonly writeBack: Link | null;
  readonly onMiss: MissAction;
  readonly replay: Replay;
  readonly prefetch: PrefetchSetup | null;
  /** Serves misses that matter little from smaller copies; null or absent: all misses are served in full. With `onMiss: load` only. */
  readonly precision?: MissPrecision | null;
  /** Written at every event for policies that rank by gate weights, by dense id; null or absent: none does. */
  readonly gates?: Float32Array | null;
  readonly clock: Clock;
  /** Written at every event for policies that know the future; null otherwise. */
  readonly future: { readonly future: Future; readonly nextUse: Int32Array } | null;
  /** Records the demand of every event; null: nobody asks. */
  readonly log: DemandLog | null;
  readonly recorder: Recorder;
  readonly bounds: BoundClocks;
}

/** How a run prefetches. */
export interface PrefetchSetup {
  readonly predictor: Predictor;
  readonly limits: PrefetchLimits;
  /** Filled by the predictor, by dense id. */
  readonly scores: Float32Array;
  readonly outlook?: Outlook | null;
  readonly adaptive?: AdaptiveHorizon | null;
}

/** Runs passes one after another. */
export class Engine {
  /** Simulated time, ns. */
  nowNs = 0;

  /** Sees everything; null: nobody looks. */
  #observer: Observer | null = null;
  readonly #parts: EngineParts;
  readonly #prefetcher: Prefetcher | null;
  readonly #sizes: Float64Array;
  readonly #layerOf: Uint16Array;
  /** Experts that were ever demanded. */
  readonly #seen: Uint8Array;

  // The running event: its demand D in the order of L3, and what becomes of each member.
  readonly #event: EventDemand;
  /** Members by index: hits, misses, those to be loaded, those that are waited for, those that the CPU computes. */
  readonly #hit: Int32Array;
  readonly #missed: Int32Array;
  readonly #loads: Int32Array;
  readonly #waiting: Int32Array;
  readonly #onCpu: Int32Array;
  #hits = 0;
  #misses = 0;
  #waits = 0;
  #cpuExperts = 0;
  /** True where members arrive in the order of `#waiting`: transfers of one size that were asked for at one time, and nothing else. */
  #inOrder = false;
  /** When each member that is waited for can be executed, ns. */
  readonly #readyNs: Float64Array;
  /** True where every miss is loaded, whatever becomes of the members before it. */
  readonly #atOnce: boolean;
  /** Counters of the phase that the running pass belongs to. */
  #phase: PhaseCounters;
  /** When the CPU has finished its part of the running event, ns. */
  #cpuNs = 0;
  /** When the slot of the last admission is free (exclusive tiers: after the write-back of its victims), ns. */
  #slotFreeNs = 0;

  constructor(parts: EngineParts) {
    const { model, prefetch } = parts;
    this.#parts = parts;
    this.#sizes = expertSizes(model);
    this.#layerOf = layerOfExperts(model);
    this.#seen = new Uint8Array(model.experts);
    this.#event = new EventDemand(model);
    this.#phase = parts.recorder.phases[1];
    this.#atOnce = parts.onMiss === 'load' && parts.writeBack === null && parts.precision == null;
    const widest = this.#event.ids.length;
    this.#hit = new Int32Array(widest);
    this.#missed = new Int32Array(widest);
    this.#loads = new Int32Array(widest);
    this.#waiting = new Int32Array(widest);
    this.#onCpu = new Int32Array(widest);
    this.#readyNs = new Float64Array(widest);
    this.#prefetcher =
      prefetch === null
        ? null
        : new Prefetcher({
            ...prefetch,
            model,
            sizes: this.#sizes,
            layerOf: this.#layerOf,
            gpu: parts.gpu,
            dram: parts.dram,
            recorder: parts.recorder,
            evicted: (nowNs) => {
              this.#slotFreeNs = nowNs;
              this.#accountVictims(nowNs);
              return this.#slotFreeNs;
            },
          });
  }

  /** Lets somebody watch the run from now on. */
  observe(observer: Observer): void {
    const { dram, gpu, writeBack } = this.#parts;
    this.#observer = observer;
    if (this.#prefetcher !== null) this.#prefetcher.observer = observer;
    for (const link of [gpu.link, dram?.link, writeBack]) if (link != null) link.observer = observer;
  }

  /** Runs one pass from `nowNs` on; `nowNs` is its end afterwards. */
  run(pass: Pass): void {
    const { bounds, clock, cost, model, recorder } = this.#parts;
    clock.pass = pass.number;
    this.#phase = recorder.phases[pass.decodeTokens === pass.tokens ? 1 : 0];
    const layers = model.layers.length;
    const startNs = this.nowNs;
    this.#observer?.passStarted(pass, startNs);
    this.#prefetcher?.begin(pass, startNs);
    for (let layer = 0; layer < layers; layer++) {
      const denseNs = cost.denseNs(layer, pass.tokens, pass.sequenceContext, pass.sequenceTokens, pass.sequences);
      recorder.layers.denseNs[layer]! += denseNs;
      bounds.dense(denseNs);
      this.#observer?.dense(layer, this.nowNs, this.nowNs + denseNs);
      this.nowNs += denseNs;
      clock.layer = layer;
      this.#runLayer(pass, layer);
    }
    const tailNs = cost.denseNs(layers, pass.tokens, pass.sequenceContext, pass.sequenceTokens, pass.sequences) + cost.passNs;
    recorder.tailNs += tailNs;
    bounds.dense(tailNs);
    this.#observer?.dense(layers, this.nowNs, this.nowNs + tailNs);
    this.nowNs += tailNs;
    this.#prefetcher?.ended(this.nowNs - startNs);
    this.#observer?.passEnded(pass, startNs, this.nowNs);
  }

  /** A layer whose routing has just become known: one event (L1), or one per activation (L7). */
  #runLayer(pass: Pass, layer: number): void {
    const { gates, model, precision, replay } = this.#parts;
    const prefetcher = this.#prefetcher;
    const sequential = replay === 'sequential';
    let size = 0;
    if (prefetcher !== null || !sequential) size = this.#event.gather(pass, layer);
    if (prefetcher !== null) {
      prefetcher.advance(this.nowNs);
      prefetcher.known(layer, this.#event.ids, size);
      prefetcher.observe(pass, layer);
    }
    if (gates != null) gatherGates(pass, layer, model.layers[layer]!.offset, model.layers[layer]!.experts, gates);
    precision?.judge(pass, layer);
    if (sequential) this.#runActivations(pass, layer);
    else if (size > 0) this.#runEvent(pass, layer, size, true);
    else prefetcher?.replan(pass, layer, this.nowNs);
  }

  /** L7: each activation is an event; what comes next is predicted once, when the last of them has been demanded. */
  #runActivations(pass: Pass, layer: number): void {
    const event = this.#event;
    const count = event.list(pass, layer);
    if (count === 0) this.#prefetcher?.replan(pass, layer, this.nowNs);
    for (let at = 0; at < count; at++) {
      event.only(event.listed[at]!);
      this.#prefetcher?.advance(this.nowNs);
      this.#runEvent(pass, layer, 1, at === count - 1);
    }
  }

  /**
   * One event: the first `size` members of `#event`.
   * @param last the layer has no further event in this pass
   */
  #runEvent(pass: Pass, layer: number, size: number, last: boolean): void {
    const { bounds, clock, dram, future, gpu, log, recorder } = this.#parts;
    const startNs = this.nowNs;
    const prefetcher = this.#prefetcher;
    const { ids, counts, single } = this.#event;
    clock.event++;
    log?.append(layer, ids, size);
    if (future !== null) future.future.advance(future.nextUse);

    this.#judge(layer, size, startNs);
    if (this.#misses > 0) this.#place(layer, size, startNs);
    else gpu.serve(ids, size, layer);
    if (last) prefetcher?.replan(pass, layer, startNs);
    this.nowNs = this.#execute(layer, startNs);
    prefetcher?.advance(this.nowNs);
    gpu.unpinAll(ids, size);
    dram?.unpinAll(ids, size);
    prefetcher?.released(this.nowNs);
    bounds.event(layer, counts, size, single);
    recorder.layers.events[layer]! += 1;
    this.#phase.events++;
  }

  /** L2, L4: judges every member against residency at `startNs` and pins it. */
  #judge(layer: number, size: number, startNs: number): void {
    const { gpu, recorder } = this.#parts;
    const { activations, counts, ids, single } = this.#event;
    const { base, resident } = gpu.byLayer[layer]!;
    const hit = this.#hit;
    const missed = this.#missed;
    const { rank } = gpu;
    const seen = this.#seen;
    let hits = 0;
    let misses = 0;
    for (let i = 0; i < size; i++) {
      const id = ids[i]!;
      // A hit is a coin toss: both lists are written and one of them grows, so that there is no branch to mispredict.
      const held = resident[id - base]!;
      hit[hits] = i;
      missed[misses] = i;
      hits += held;
      misses += 1 - held;
      rank[id] = PINNED;
      if (seen[id] === 0) {
        seen[id] = 1;
        recorder.distinct++;
      }
    }
    this.#waits = 0;
    this.#inOrder = false;
    if (this.#prefetcher !== null) hits = this.#judgeArrivals(hits, startNs);
    this.#hits = hits;
    this.#misses = misses;
    const late = this.#waits;

    let hitActivations = hits;
    if (!single) {
      hitActivations = 0;
      for (let k = 0; k < hits; k++) hitActivations += counts[hit[k]!]!;
    }
    const { layers } = recorder;
    layers.demanded[layer]! += size;
    layers.hits[layer]! += hits;
    layers.late[layer]! += late;
    layers.misses[layer]! += misses;
    const phase = this.#phase;
    phase.demanded += size;
    phase.hits += hits;
    phase.late += late;
    phase.misses += misses;
    phase.activations += activations;
    phase.hitActivations += hitActivations;
    this.#observer?.judged(layer, hits, late, misses, startNs);
  }

  /** Tells hits from late members among the first `held` of `#hit`: only a prefetch can be late. @returns hits */
  #judgeArrivals(held: number, startNs: number): number {
    const { gpu, recorder } = this.#parts;
    const { ids } = this.#event;
    const hit = this.#hit;
    let hits = 0;
    for (let k = 0; k < held; k++) {
      const i = hit[k]!;
      const id = ids[i]!;
      const arrivalNs = gpu.arrivalNs[id]!;
      if (this.#observer !== null && gpu.unused[id] === 1) this.#observer.prefetchUsed(id, arrivalNs > startNs);
      if (arrivalNs <= startNs) {
        hit[hits++] = i;
        if (gpu.unused[id] === 1) {
          recorder.prefetchUseful++;
          recorder.prefetchAvoidedNs += gpu.link.transferNs(this.#sizes[id]!);
        }
      } else {
        gpu.link.promote(id);
        recorder.prefetchLate++;
        recorder.prefetchAvoidedNs += Math.max(0, gpu.link.transferNs(this.#sizes[id]!) - (arrivalNs - startNs));
        this.#readyNs[i] = arrivalNs;
        this.#waiting[this.#waits++] = i;
      }
      gpu.unused[id] = 0;
    }
    return hits;
  }

  /** L3, L5, L13: in order, touches the members that are held, and loads the others or leaves them to the CPU. */
  #place(layer: number, size: number, startNs: number): void {
    const { dram, gpu } = this.#parts;
    const { ids } = this.#event;
    if (dram !== null) {
      for (let k = 0; k < this.#misses; k++) {
        const id = ids[this.#missed[k]!]!;
        dram.pin(id);
        dram.link.promote(id);
      }
    }
    if (!this.#atOnce) {
      this.#placeOneByOne(layer, size, startNs);
      return;
    }
    const missed = this.#missed;
    const misses = this.#misses;
    const readyNs = this.#readyNs;
    const waiting = this.#waiting;
    const late = this.#waits;
    for (let k = 0; k < misses; k++) {
      const i = missed[k]!;
      readyNs[i] = startNs;
      waiting[late + k] = i;
    }
    this.#waits = late + misses;
    this.#inOrder = late === 0 && dram === null;
    this.#countStreamed(layer, gpu.serve(ids, size, layer));
    this.#accountVictims(startNs);
    this.#load(layer, this.#missed, this.#misses, startNs);
  }

  /** Placement where the fate of a member depends on what became of those before it. */
  #placeOneByOne(layer: number, size: number, startNs: number): void {
    const { cost, dram, gpu, onMiss, precision } = this.#parts;
    const { counts, ids } = this.#event;
    const cache = gpu.byLayer[layer]!;
    const { base, resident } = cache;
    const useCpu = onMiss === 'cpu' || onMiss === 'cheaper';
    if (useCpu) this.#cpuNs = startNs + cost.handoverNs;
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
        const cpuStartNs = Math.max(this.#cpuNs, fromNs);
        this.#cpuNs = cpuStartNs + cost.cpuExpertNs(layer, counts[i]!);
        this.#observer?.computedOnCpu(id, layer, cpuStartNs, this.#cpuNs);
        this.#onCpu[this.#cpuExperts++] = i;
        cache.policy.streamed?.(id - base);
        continue;
      }
      if (precision != null && precision.of(id) !== PRECISION.full) {
        // In order: what was to be loaded before it goes first.
        this.#load(layer, this.#loads, loads, startNs);
        loads = 0;
        this.#degrade(layer, i, precision, startNs);
        continue;
      }
      this.#slotFreeNs = startNs;
      let admitted = false;
      if (onMiss === 'static') cache.policy.streamed?.(id - base);
      else {
        admitted = gpu.admit(id, layer, true, 0);
        this.#accountVictims(startNs);
      }
      if (!admitted) this.#countStreamed(layer, 1);
      this.#readyNs[i] = admitted ? this.#slotFreeNs : startNs;
      this.#waiting[this.#waits++] = i;
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
  #degrade(layer: number, i: number, precision: MissPrecision, startNs: number): void {
    const { dram, gpu, recorder } = this.#parts;
    const id = this.#event.ids[i]!;
    const count = this.#event.counts[i]!;
    const cache = gpu.byLayer[layer]!;
    cache.policy.streamed?.(id - cache.base);
    if (precision.of(id) === PRECISION.skipped) {
      recorder.skippedActivations += count;
      return;
    }
    const bytes = precision.limits.copyBytes * this.#sizes[id]!;
    const fromNs = dram === null ? startNs : this.#inDram(id, layer, startNs);
    this.#readyNs[i] = gpu.link.demand(id, bytes, fromNs);
    this.#waiting[this.#waits++] = i;
    recorder.layers.onDemandBytes[layer]! += bytes;
    recorder.degradedActivations += count;
    this.#countStreamed(layer, 1);
  }

  #countStreamed(layer: number, count: number): void {
    this.#parts.recorder.layers.streamed[layer]! += count;
    this.#phase.streamed += count;
  }

  /** L13 `cheaper`: whether the CPU would be done with member `i` before it could be loaded and executed. */
  #cpuIsSooner(layer: number, i: number, startNs: number): boolean {
    const { cost, dram, gpu } = this.#parts;
    const id = this.#event.ids[i]!;
    const count = this.#event.counts[i]!;
    const bytes = this.#sizes[id]!;
    let fromNs = startNs;
    if (dram !== null) fromNs = dram.holds(id, layer) ? Math.max(startNs, dram.arrivalNs[id]!) : dram.link.peek(bytes, startNs);
    const cpuNs = Math.max(this.#cpuNs, fromNs) + cost.cpuExpertNs(layer, count);
    return cpuNs <= gpu.link.peek(bytes, fromNs) + cost.expertNs(layer, count);
  }

  /** L10, L14: places the transfers of the first `count` members of `order`, those first whose weights and slots are there first. */
  #load(layer: number, order: Int32Array, count: number, startNs: number): void {
    const { dram, gpu, model, recorder, writeBack } = this.#parts;
    const { ids } = this.#event;
    const readyNs = this.#readyNs;
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
    this.#prefetcher?.evicted(dram, startNs);
    return dram.link.demand(id, this.#sizes[id]!, startNs);
  }

  /** L9: the GPU executes hits first, then the others as they arrive; @returns the end of the event. */
  #execute(layer: number, startNs: number): number {
    const { cost, recorder } = this.#parts;
    const { counts, single } = this.#event;
    const hit = this.#hit;
    const hits = this.#hits;
    const waiting = this.#waiting;
    const waits = this.#waits;
    const readyNs = this.#readyNs;
    const singleNs = cost.expertNs(layer, 1);
    let gpuNs = startNs;
    let computeNs = 0;
    for (let k = 0; k < hits; k++) {
      const ns = single ? singleNs : cost.expertNs(layer, counts[hit[k]!]!);
      gpuNs += ns;
      computeNs += ns;
    }
    if (!this.#inOrder) sortByReadiness(waiting, waits, readyNs);
    for (let k = 0; k < waits; k++) {
      const i = waiting[k]!;
      const ns = single ? singleNs : cost.expertNs(layer, counts[i]!);
      gpuNs = Math.max(gpuNs, readyNs[i]!) + ns;
      computeNs += ns;
    }
    const endNs = this.#cpuExperts > 0 ? Math.max(gpuNs, this.#endOnCpu(layer)) : gpuNs;
    recorder.layers.computeNs[layer]! += computeNs;
    recorder.layers.stallNs[layer]! += endNs - startNs - computeNs;
    if (this.#observer !== null) this.#show(this.#observer, layer, startNs, endNs);
    return endNs;
  }

  /** Tells an observer what {@link #execute} has done, in the order of time. */
  #show(observer: Observer, layer: number, startNs: number, endNs: number): void {
    const { cost } = this.#parts;
    const { counts, ids } = this.#event;
    let gpuNs = startNs;
    const execute = (i: number): void => {
      const doneNs = gpuNs + cost.expertNs(layer, counts[i]!);
      observer.executed(ids[i]!, layer, gpuNs, doneNs);
      gpuNs = doneNs;
    };
    for (let k = 0; k < this.#hits; k++) execute(this.#hit[k]!);
    for (let k = 0; k < this.#waits; k++) {
      const i = this.#waiting[k]!;
      const readyNs = this.#readyNs[i]!;
      if (readyNs > gpuNs) {
        observer.stalled(ids[i]!, layer, gpuNs, readyNs);
        gpuNs = readyNs;
      }
      execute(i);
    }
    if (endNs > gpuNs) observer.stalled(-1, layer, gpuNs, endNs);
  }

  /** Counts what the CPU computes of the running event; @returns when it has finished, ns. */
  #endOnCpu(layer: number): number {
    const { cost, recorder } = this.#parts;
    const { counts } = this.#event;
    for (let k = 0; k < this.#cpuExperts; k++) recorder.layers.cpuNs[layer]! += cost.cpuExpertNs(layer, counts[this.#onCpu[k]!]!);
    recorder.cpuExperts += this.#cpuExperts;
    this.#cpuExperts = 0;
    return this.#cpuNs;
  }

  /** Counts the victims of the last admissions to the GPU, and prices their write-back where tiers are exclusive. */
  #accountVictims(nowNs: number): void {
    const { gpu, recorder, writeBack } = this.#parts;
    const { victims, victimCount } = gpu;
    const { evictions } = recorder.layers;
    const layerOf = this.#layerOf;
    this.#phase.evictions += victimCount;
    for (let k = 0; k < victimCount; k++) evictions[layerOf[victims[k]!]!]! += 1;
    if (this.#observer !== null) {
      for (let k = 0; k < victimCount; k++) this.#observer.evicted(victims[k]!, layerOf[victims[k]!]!, nowNs);
    }
    if (this.#prefetcher !== null) {
      this.#countWasted();
      this.#prefetcher.evicted(gpu, nowNs);
    }
    if (writeBack === null) return;
    for (let k = 0; k < victimCount; k++) {
      const id = victims[k]!;
      const bytes = this.#sizes[id]!;
      this.#slotFreeNs = Math.max(this.#slotFreeNs, writeBack.demand(id, bytes, nowNs));
      recorder.writeBacks++;
      recorder.writeBackBytes += bytes;
    }
  }

  /** Prefetched experts that leave before they were demanded. */
  #countWasted(): void {
    const { gpu, recorder } = this.#parts;
    for (let k = 0; k < gpu.victimCount; k++) {
      const id = gpu.victims[k]!;
      if (gpu.unused[id] === 0) continue;
      gpu.unused[id] = 0;
      recorder.prefetchWasted++;
      recorder.prefetchWastedBytes += this.#sizes[id]!;
    }
  }
}

/** Insertion sort of members by readiness, ties in the order of L3: demands are few and mostly in order. */
function sortByReadiness(order: Int32Array, count: number, readyNs: Float64Array): void {
  for (let k = 1; k < count; k++) {
    const i = order[k]!;
    const ns = readyNs[i]!;
    let at = k;
    for (; at > 0; at--) {
      const before = order[at - 1]!;
      if (readyNs[before]! < ns || (readyNs[before] === ns && before < i)) break;
      order[at] = before;
    }
    order[at] = i;
  }
}
