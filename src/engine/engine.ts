// The fold over events (L1-L14): a pass enters each MoE layer, the device judges the layer's demand, places its misses and executes it,
// and time moves on. One object per run; nothing is allocated per event.
import type { BeladyBound } from '../cache/belady-bound.js';
import type { DemandLog } from '../cache/demand.js';
import type { Future } from '../cache/future.js';
import type { Clock } from '../cache/policy.js';
import { layerOfExperts } from '../cache/scope.js';
import type { CostModel } from '../hardware/cost.js';
import { expertSizes, type ModelSpec } from '../model/spec.js';
import type { Pass } from '../schedule/pass.js';
import type { MissAction, Replay } from '../system/choices.js';
import { EventDemand } from './event/demand.js';
import { Device, type PrefetchSetup } from './event/device.js';
import { gatherGates } from './event/gates.js';
import type { MissPrecision } from './event/precision.js';
import type { PhaseCounters, Recorder } from './event/recorder.js';
import type { Rerank } from './event/rerank.js';
import type { Faults } from './faults.js';
import type { Fold } from './fold.js';
import type { Prefetcher } from './prefetch/prefetcher.js';
import type { Link } from './transfer/link.js';
import type { CachedTier } from './transfer/tier.js';
import type { BoundClocks } from './watch/bounds.js';
import type { Observer } from './watch/observer.js';

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
  /** Strikes links and CPU when it is time; null or absent: nothing goes wrong. */
  readonly faults?: Faults | null;
  /** Chooses anew among candidates by what is resident; null or absent: tokens choose as recorded. */
  readonly rerank?: Rerank | null;
  /** Written at every event for policies that rank by gate weights, by dense id; null or absent: none does. */
  readonly gates?: Float32Array | null;
  readonly clock: Clock;
  /** Written at every event for policies that know the future; null otherwise. */
  readonly future: { readonly future: Future; readonly nextUse: Int32Array } | null;
  /** Counts the hits that the Belady bound has on the same events; null or absent: nobody asks. */
  readonly belady?: BeladyBound | null;
  /** Records the demand of every event; null: nobody asks. */
  readonly log: DemandLog | null;
  readonly recorder: Recorder;
  readonly bounds: BoundClocks;
}

/** Runs passes one after another. */
export class Engine implements Fold {
  nowNs = 0;

  /** Sees everything; null: nobody looks. */
  #observer: Observer | null = null;
  readonly #parts: EngineParts;
  readonly #prefetcher: Prefetcher | null;
  readonly #device: Device;
  /** The running event: its demand D in the order of L3. */
  readonly #demand: EventDemand;
  /** Counters of the phase that the running pass belongs to. */
  #phase: PhaseCounters;

  constructor(parts: EngineParts) {
    const { cost, dram, gpu, model, onMiss, precision = null, prefetch, recorder, writeBack } = parts;
    this.#parts = parts;
    this.#demand = new EventDemand(model);
    this.#phase = recorder.phases[1];
    const sizes = expertSizes(model);
    const layerOf = layerOfExperts(model);
    const seen = new Uint8Array(model.experts);
    const prefetches = prefetch !== null;
    const device = new Device(
      { model, cost, gpu, dram, writeBack, onMiss, precision, prefetches, recorder, sizes, layerOf, seen },
      this.#demand,
    );
    this.#device = device;
    this.#prefetcher = prefetch === null ? null : device.prefetcher(prefetch);
  }

  observe(observer: Observer): void {
    const { dram } = this.#parts;
    this.#observer = observer;
    this.#device.observe(observer);
    if (this.#prefetcher !== null) this.#prefetcher.observer = observer;
    if (dram !== null) dram.link.observer = observer;
  }

  resize(_gpu: number, capacityBytes: number, nowNs: number): number {
    return this.#device.resize(capacityBytes, nowNs);
  }

  run(pass: Pass): void {
    const { bounds, clock, cost, model, recorder } = this.#parts;
    clock.pass = pass.number;
    this.#phase = recorder.phases[pass.decodeTokens === pass.tokens ? 1 : 0];
    this.#device.count(this.#phase);
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
    const { faults, gates, gpu, model, precision, replay, rerank } = this.#parts;
    const prefetcher = this.#prefetcher;
    rerank?.choose(pass, layer, gpu.byLayer[layer]!);
    const sequential = replay === 'sequential';
    let size = 0;
    if (prefetcher !== null || !sequential) size = this.#demand.gather(pass, layer);
    if (prefetcher !== null) {
      prefetcher.advance(this.nowNs);
      prefetcher.known(layer, this.#demand.ids, size);
      prefetcher.observe(pass, layer);
    }
    if (faults != null && this.nowNs >= faults.nextNs) faults.strike(this.nowNs);
    if (gates != null) gatherGates(pass, layer, model.layers[layer]!.offset, model.layers[layer]!.experts, gates);
    precision?.judge(pass, layer);
    if (sequential) this.#runActivations(pass, layer);
    else if (size > 0) this.#runEvent(pass, layer, size, true);
    else prefetcher?.replan(pass, layer, this.nowNs);
  }

  /** L7: each activation is an event; what comes next is predicted once, when the last of them has been demanded. */
  #runActivations(pass: Pass, layer: number): void {
    const demand = this.#demand;
    const count = demand.list(pass, layer);
    if (count === 0) this.#prefetcher?.replan(pass, layer, this.nowNs);
    for (let at = 0; at < count; at++) {
      demand.only(demand.listed[at]!);
      this.#prefetcher?.advance(this.nowNs);
      this.#runEvent(pass, layer, 1, at === count - 1);
    }
  }

  /**
   * One event: the first `size` members of `#demand`.
   * @param last the layer has no further event in this pass
   */
  #runEvent(pass: Pass, layer: number, size: number, last: boolean): void {
    const { belady, bounds, clock, dram, future, gpu, log, recorder } = this.#parts;
    const startNs = this.nowNs;
    const prefetcher = this.#prefetcher;
    const device = this.#device;
    const { ids, counts, single } = this.#demand;
    clock.event++;
    belady?.event(layer, ids, size);
    log?.append(layer, ids, size);
    if (future !== null) future.future.advance(future.nextUse);

    device.judgement.judge(layer, size, startNs);
    if (device.event.misses > 0) device.misses.place(layer, size, startNs);
    else gpu.serve(ids, size, layer);
    if (last) prefetcher?.replan(pass, layer, startNs);
    this.nowNs = device.execution.execute(layer, startNs);
    prefetcher?.advance(this.nowNs);
    gpu.unpinAll(ids, size);
    dram?.unpinAll(ids, size);
    prefetcher?.released(this.nowNs);
    bounds.event(layer, counts, size, single);
    recorder.layers.events[layer]! += 1;
    this.#phase.events++;
  }
}
