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
import type { Link } from './link.js';
import { Prefetcher, type PrefetchLimits } from './prefetch.js';
import type { PhaseCounters, Recorder } from './recorder.js';
import type { CachedTier } from './tier.js';

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
  readonly prefetch: { readonly predictor: Predictor; readonly limits: PrefetchLimits; readonly scores: Float32Array } | null;
  readonly clock: Clock;
  /** Written at every event for policies that know the future; null otherwise. */
  readonly future: { readonly future: Future; readonly nextUse: Int32Array } | null;
  /** Records the demand of every event; null: nobody asks. */
  readonly log: DemandLog | null;
  readonly recorder: Recorder;
  readonly bounds: BoundClocks;
}

/** Readiness of a miss before its fate is decided. */
const MISSING = -1;

/** Runs passes one after another. */
export class Engine {
  /** Simulated time, ns. */
  nowNs = 0;

  readonly #parts: EngineParts;
  readonly #prefetcher: Prefetcher | null;
  readonly #sizes: Float64Array;
  readonly #layerOf: Uint16Array;
  /** Experts that were ever demanded. */
  readonly #seen: Uint8Array;

  // The running event: its demand D in the order of L3, and what becomes of each member.
  readonly #event: EventDemand;
  /** Indices into the demand: misses to be loaded; members that are waited for, by readiness. */
  readonly #loads: Int32Array;
  readonly #waits: Int32Array;
  /** When each member of the demand can be executed; a miss before its fate is decided: {@link MISSING}. */
  readonly #readyNs: Float64Array;
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
    const widest = this.#event.ids.length;
    this.#loads = new Int32Array(widest);
    this.#waits = new Int32Array(widest);
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
            evicted: (layer, nowNs) => {
              this.#slotFreeNs = nowNs;
              this.#accountVictims(layer, nowNs);
              return this.#slotFreeNs;
            },
          });
  }

  /** Runs one pass from `nowNs` on; `nowNs` is its end afterwards. */
  run(pass: Pass): void {
    const { bounds, clock, cost, model, recorder } = this.#parts;
    clock.pass = pass.number;
    this.#phase = recorder.phases[pass.decodeTokens === pass.tokens ? 1 : 0];
    const layers = model.layers.length;
    this.#prefetcher?.begin(pass, this.nowNs);
    for (let layer = 0; layer < layers; layer++) {
      const denseNs = cost.denseNs(layer, pass.tokens, pass.sequenceContext, pass.sequenceTokens, pass.sequences);
      recorder.layers.denseNs[layer]! += denseNs;
      bounds.dense(denseNs);
      this.nowNs += denseNs;
      clock.layer = layer;
      this.#runLayer(pass, layer);
    }
    const tailNs = cost.denseNs(layers, pass.tokens, pass.sequenceContext, pass.sequenceTokens, pass.sequences) + cost.passNs;
    recorder.tailNs += tailNs;
    bounds.dense(tailNs);
    this.nowNs += tailNs;
  }

  /** A layer whose routing has just become known: one event (L1), or one per activation (L7). */
  #runLayer(pass: Pass, layer: number): void {
    const { prefetch, replay } = this.#parts;
    const prefetcher = this.#prefetcher;
    const sequential = replay === 'sequential';
    let size = 0;
    if (prefetcher !== null || !sequential) size = this.#event.gather(pass, layer);
    if (prefetcher !== null) {
      prefetcher.advance(this.nowNs);
      prefetcher.known(layer, this.#event.ids, size);
      prefetch!.predictor.observe(pass, layer);
    }
    if (sequential) this.#runActivations(pass, layer);
    else if (size > 0) this.#runEvent(pass, layer, size, true);
    else prefetcher?.replan(pass, layer, this.nowNs);
  }

  /** L7: each activation is an event; what comes next is predicted once, when the last of them has been demanded. */
  #runActivations(pass: Pass, layer: number): void {
    const { ids, counts } = this.#event;
    let left = this.#event.activations(pass, layer);
    if (left === 0) this.#prefetcher?.replan(pass, layer, this.nowNs);
    this.#event.eachActivation(pass, layer, (id) => {
      ids[0] = id;
      counts[0] = 1;
      this.#prefetcher?.advance(this.nowNs);
      this.#runEvent(pass, layer, 1, --left === 0);
    });
  }

  /**
   * One event: the first `size` members of `#event`.
   * @param last the layer has no further event in this pass
   */
  #runEvent(pass: Pass, layer: number, size: number, last: boolean): void {
    const { bounds, clock, cost, dram, future, gpu, log, recorder } = this.#parts;
    const startNs = this.nowNs;
    const prefetcher = this.#prefetcher;
    const { ids: demand, counts } = this.#event;
    clock.event++;
    log?.append(layer, demand, size);
    if (future !== null) future.future.advance(future.nextUse);

    const loads = this.#admit(layer, size, startNs);
    this.#load(layer, loads, startNs);
    if (last) prefetcher?.replan(pass, layer, startNs);
    const endNs = this.#execute(layer, size, startNs);
    prefetcher?.advance(endNs);
    for (let i = 0; i < size; i++) {
      gpu.unpin(demand[i]!);
      dram?.unpin(demand[i]!);
    }

    let computeNs = 0;
    const single = pass.tokens === 1 || this.#parts.replay === 'sequential';
    if (single) computeNs = size * cost.expertNs(layer, 1);
    else for (let i = 0; i < size; i++) computeNs += cost.expertNs(layer, counts[i]!);
    bounds.event(layer, counts, size, computeNs, single);
    recorder.layers.events[layer]!++;
    this.#phase.events++;
    this.nowNs = endNs;
  }

  /**
   * L2-L5: judges every member against residency at `startNs`, then touches and inserts in order. Members to be transferred are
   * left in `#loads`; members that are not ready at once have their readiness in `#readyNs` (the CPU's: Infinity).
   * @returns members to be transferred
   */
  #admit(layer: number, size: number, startNs: number): number {
    const { gpu, dram, onMiss, recorder } = this.#parts;
    const { ids: demand, counts } = this.#event;
    const readyNs = this.#readyNs;
    const cache = gpu.byLayer[layer]!;
    const { base, resident } = cache;
    const { layers } = recorder;
    let hits = 0;
    let late = 0;
    let hitActivations = 0;
    let activations = 0;
    for (let i = 0; i < size; i++) {
      const id = demand[i]!;
      const count = counts[i]!;
      activations += count;
      if (this.#seen[id] === 0) {
        this.#seen[id] = 1;
        recorder.distinct++;
      }
      gpu.pin(id);
      if (resident[id - base] === 0) {
        readyNs[i] = MISSING;
        continue;
      }
      const arrivalNs = gpu.arrivalNs[id]!;
      if (arrivalNs <= startNs) {
        hits++;
        hitActivations += count;
        readyNs[i] = startNs;
        if (gpu.unused[id] === 1) recorder.prefetchUseful++;
      } else {
        late++;
        gpu.link.promote(id);
        readyNs[i] = arrivalNs;
        recorder.prefetchLate++;
      }
      gpu.unused[id] = 0;
    }
    const misses = size - hits - late;
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

    if (hits === size) {
      for (let i = 0; i < size; i++) cache.touch(demand[i]! - base);
      return 0;
    }
    if (dram !== null) {
      for (let i = 0; i < size; i++) {
        if (readyNs[i] !== MISSING) continue;
        dram.pin(demand[i]!);
        dram.link.promote(demand[i]!);
      }
    }
    const useCpu = onMiss === 'cpu' || onMiss === 'cheaper';
    if (useCpu) this.#cpuNs = startNs + this.#parts.cost.handoverNs;
    let loads = 0;
    for (let i = 0; i < size; i++) {
      const id = demand[i]!;
      if (readyNs[i] !== MISSING) {
        cache.touch(id - base);
        continue;
      }
      if (useCpu && (onMiss === 'cpu' || this.#cpuIsSooner(layer, i, startNs))) {
        const fromNs = dram === null ? startNs : this.#inDram(id, layer, startNs);
        this.#cpuNs = Math.max(this.#cpuNs, fromNs) + this.#parts.cost.cpuExpertNs(layer, counts[i]!);
        readyNs[i] = Number.POSITIVE_INFINITY;
        cache.policy.streamed?.(id - base);
        continue;
      }
      this.#slotFreeNs = startNs;
      let admitted = false;
      if (onMiss === 'static') cache.policy.streamed?.(id - base);
      else {
        admitted = gpu.admit(id, layer, true, 0);
        this.#accountVictims(layer, startNs);
      }
      if (!admitted) {
        layers.streamed[layer]!++;
        phase.streamed++;
      }
      readyNs[i] = admitted ? this.#slotFreeNs : startNs;
      this.#loads[loads++] = i;
      if (onMiss === 'cheaper') {
        // Placed at once, so that the next member is judged against the link as it is then.
        this.#load(layer, loads, startNs);
        loads = 0;
      }
    }
    return loads;
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

  /** L10, L14: places the transfers of the first `loads` entries of `#loads`, those first whose weights and slots are there first. */
  #load(layer: number, loads: number, startNs: number): void {
    const { dram, gpu, recorder, writeBack } = this.#parts;
    const readyNs = this.#readyNs;
    const order = this.#loads;
    if (dram !== null) {
      for (let k = 0; k < loads; k++) {
        const i = order[k]!;
        readyNs[i] = Math.max(readyNs[i]!, this.#inDram(this.#event.ids[i]!, layer, startNs));
      }
    }
    if (dram !== null || writeBack !== null) sortByReadiness(order, loads, readyNs);
    for (let k = 0; k < loads; k++) {
      const i = order[k]!;
      const id = this.#event.ids[i]!;
      const bytes = this.#sizes[id]!;
      readyNs[i] = gpu.link.demand(id, bytes, readyNs[i]!);
      recorder.layers.onDemandBytes[layer]! += bytes;
    }
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
    return dram.link.demand(id, this.#sizes[id]!, startNs);
  }

  /** L9: the GPU executes ready members first, then the others as they arrive; @returns the end of the event. */
  #execute(layer: number, size: number, startNs: number): number {
    const { cost, recorder } = this.#parts;
    const readyNs = this.#readyNs;
    const waits = this.#waits;
    let gpuNs = startNs;
    let computeNs = 0;
    let waiting = 0;
    let onCpu = 0;
    for (let i = 0; i < size; i++) {
      if (readyNs[i]! <= startNs) {
        const ns = cost.expertNs(layer, this.#event.counts[i]!);
        gpuNs += ns;
        computeNs += ns;
      } else if (readyNs[i] === Number.POSITIVE_INFINITY) {
        onCpu++;
        recorder.cpuExperts++;
        recorder.layers.cpuNs[layer]! += cost.cpuExpertNs(layer, this.#event.counts[i]!);
      } else {
        waits[waiting++] = i;
      }
    }
    if (waiting > 0) {
      sortByReadiness(waits, waiting, readyNs);
      for (let k = 0; k < waiting; k++) {
        const i = waits[k]!;
        const ns = cost.expertNs(layer, this.#event.counts[i]!);
        gpuNs = Math.max(gpuNs, readyNs[i]!) + ns;
        computeNs += ns;
      }
    }
    const endNs = onCpu > 0 ? Math.max(gpuNs, this.#cpuNs) : gpuNs;
    recorder.layers.computeNs[layer]! += computeNs;
    recorder.layers.stallNs[layer]! += endNs - startNs - computeNs;
    return endNs;
  }

  /** Counts the victims of the last admission to a layer's cache, and prices their write-back where tiers are exclusive. */
  #accountVictims(layer: number, nowNs: number): void {
    const { gpu, recorder, writeBack } = this.#parts;
    const { base, victims, victimCount } = gpu.byLayer[layer]!;
    for (let k = 0; k < victimCount; k++) {
      const id = victims[k]! + base;
      recorder.layers.evictions[this.#layerOf[id]!]!++;
      this.#phase.evictions++;
      if (gpu.unused[id] === 1) {
        gpu.unused[id] = 0;
        recorder.prefetchWasted++;
        recorder.prefetchWastedBytes += this.#sizes[id]!;
      }
      if (writeBack !== null) {
        this.#slotFreeNs = Math.max(this.#slotFreeNs, writeBack.demand(id, this.#sizes[id]!, nowNs));
        recorder.writeBacks++;
        recorder.writeBackBytes += this.#sizes[id]!;
      }
    }
  }
}

/** Insertion sort of indices by readiness, ties kept in order (L3): demands are few and mostly in order. */
function sortByReadiness(order: Int32Array, count: number, readyNs: Float64Array): void {
  for (let k = 1; k < count; k++) {
    const i = order[k]!;
    const ns = readyNs[i]!;
    let at = k;
    while (at > 0 && readyNs[order[at - 1]!]! > ns) {
      order[at] = order[at - 1]!;
      at--;
    }
    order[at] = i;
  }
}
