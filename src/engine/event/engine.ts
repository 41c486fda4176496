import type { Pass } from '../../schedule/door.js';
import type { Replay } from '../../system/door.js';
import type { BoundClocks } from '../foresight/clocks.js';
import { PrefetchOutcomes } from '../prefetch/outcomes.js';
import { Prefetcher } from '../prefetch/prefetcher.js';
import { Promotions } from '../prefetch/promotions.js';
import type { Faults } from '../transfer/faults.js';
import type { Observer } from '../transfer/observer.js';
import { type Demand, EventDemand, gatherGates, RunningEvent } from '../vocabulary/event.js';
import type { Fold } from '../vocabulary/fold.js';
import type { Gpu } from '../vocabulary/gpu.js';
import type { Rerank } from '../vocabulary/rerank.js';
import { promotes } from '../vocabulary/rules.js';
import { Executor } from './execute.js';
import { Judge, type LayerJudge } from './judge.js';
import { Evictions, type Misses } from './place.js';
import { balances, loadsAtOnce, missesOf } from './place-each.js';
import { showExecution } from './show.js';

/** Fold of events on a GPU, called at known routings and events' ends. */
export class EventFold {
  readonly gpu: Gpu;
  readonly event: RunningEvent;
  readonly #executor: Executor;
  readonly prefetcher: Prefetcher | null;
  /** Charges events to the budget of prefetches; null: no budget. */
  readonly #charges: PrefetchOutcomes | null;
  readonly #judge: Judge;
  readonly #misses: Misses;
  readonly #evictions: Evictions;
  readonly #promotions: Promotions | null;
  readonly #onDemand: boolean;
  readonly #watched: boolean;
  /** True: events without a miss are placed too. */
  readonly #always: boolean;
  readonly #earlier: number;

  constructor(gpu: Gpu, demand: Demand) {
    this.gpu = gpu;
    this.#earlier = gpu.clock.pass;
    this.event = new RunningEvent(demand, gpu.cost.cpuQueues);
    this.#executor = new Executor(gpu, this.event);
    const outcomes = new PrefetchOutcomes(gpu);
    this.#charges = gpu.prefetch?.budget == null ? null : outcomes;
    if (gpu.gpu.staging !== null) gpu.gpu.staging.outcomes = outcomes;
    this.#judge = new Judge(gpu, this.event, outcomes);
    this.#evictions = new Evictions(gpu, this.event, outcomes);
    const evicted = (nowNs: number): number => this.#evictions.free(nowNs);
    this.#promotions = promotes(gpu) ? new Promotions(gpu, evicted) : null;
    this.#misses = missesOf(gpu, this.event, this.#evictions, this.#promotions);
    this.#always = gpu.gpu.staging !== null || balances(gpu);
    this.prefetcher = gpu.prefetch === null ? null : new Prefetcher(gpu, gpu.prefetch, evicted);
    this.#watched = gpu.belady !== null || gpu.curve !== null || gpu.future !== null;
    this.#onDemand = gpu.prefetch === null && gpu.dram === null && gpu.learned === null && loadsAtOnce(gpu);
    this.#evictions.prefetcher = this.prefetcher;
    this.#evictions.ahead = this.prefetcher !== null || this.#promotions !== null;
    if (this.prefetcher !== null) this.prefetcher.promotions = this.#promotions;
  }

  observe(observer: Observer): void {
    const { dram, gpu, writeBack } = this.gpu;
    this.event.observer = observer;
    if (this.prefetcher !== null) this.prefetcher.observer = observer;
    if (gpu.staging !== null) gpu.staging.observer = observer;
    for (const link of [gpu.link, dram?.link, writeBack]) if (link != null) link.observer = observer;
  }

  begin(pass: Pass, startNs: number): void {
    this.gpu.clock.pass = this.#earlier + pass.number;
    this.event.begin(pass, this.gpu.offloadFrom);
    this.prefetcher?.begin(pass, startNs);
  }

  /** L12: a layer's routing, the demand's first `size` members, is known at `nowNs`. */
  known(pass: Pass, layer: number, size: number, nowNs: number): void {
    this.gpu.clock.layer = layer;
    if (this.#onDemand) return;
    const { ids } = this.event.demand;
    this.#advance(nowNs, true);
    this.prefetcher?.known(pass, layer, ids, size, nowNs);
    this.gpu.learned?.demanded(layer, ids, size);
    this.prefetcher?.observe(pass, layer, nowNs);
  }

  /**
   * Starts prefetches and promotions due before `nowNs`. @param routing true: a routing became known; false: an event
   * ended
   */
  #advance(nowNs: number, routing: boolean): void {
    if (this.prefetcher !== null) this.prefetcher.advance(nowNs, routing);
    else this.#promotions?.advance(nowNs, null);
  }

  /**
   * An event of the first `size` members; sets start and end of `event`. @param last true: the layer's last in the pass
   */
  run(pass: Pass, layer: number, size: number, last: boolean): void {
    const { clock, gpu } = this.gpu;
    const { event } = this;
    clock.event++;
    if (this.#watched) this.#demanded(layer, size);
    this.#judge.judge(layer, size);
    this.prefetcher?.judged(event);
    if (this.#charges !== null) this.#charges.missed(event);
    if (event.misses > 0 || this.#always) this.#misses.place(layer, size);
    else gpu.serve(event.demand.ids, size, layer);
    if (last && this.prefetcher !== null) this.prefetcher.replan(pass, layer, event.startNs);
    this.#executor.execute(layer);
    if (this.#charges !== null) this.#charges.executed(event, layer);
  }

  #demanded(layer: number, size: number): void {
    const { belady, curve, future } = this.gpu;
    const { ids } = this.event.demand;
    if (belady !== null) belady.event(layer, ids, size);
    if (curve !== null) curve.event(layer, ids, size);
    if (future !== null) future.future.advance(future.nextUse);
  }

  /** L4: unpins the first `size` members. */
  ended(size: number, nowNs: number): void {
    if (this.#onDemand) this.gpu.gpu.unpinAll(this.event.demand.ids, size);
    else this.#release(size, nowNs);
  }

  #release(size: number, nowNs: number): void {
    const { dram, gpu } = this.gpu;
    const { ids } = this.event.demand;
    this.#advance(nowNs, false);
    this.#misses.ended();
    if (gpu.staging !== null) for (let i = 0; i < size; i++) if (gpu.staging.held[ids[i]!] === 1) gpu.staging.free(ids[i]!, nowNs);
    gpu.unpinAll(ids, size);
    dram?.unpinAll(ids, size);
    this.prefetcher?.released(nowNs);
    this.#promotions?.released(nowNs);
  }

  /** Resizes the cache between two passes. @returns time at which released memory is free, ns */
  resize(capacityBytes: number, nowNs: number): number {
    return this.#evictions.free(this.gpu.gpu.resize(capacityBytes, nowNs));
  }
}

/** Parts of a run on a single GPU. */
export interface OneGpuRun {
  readonly gpu: Gpu;
  readonly replay: Replay;
  readonly bounds: BoundClocks;
  readonly judges: readonly LayerJudge[];
  /** Faults of links and CPU; null: no faults. */
  readonly faults: Faults | null;
  /** Re-ranking of candidates by residency; null: choices as recorded. */
  readonly rerank: Rerank | null;
}

/** L1-L14 on a GPU: judge a demand, place misses, execute, advance time. Events allocate nothing. */
export class Engine implements Fold {
  nowNs = 0;

  #observer: Observer | null = null;
  readonly #run: OneGpuRun;
  readonly #fold: EventFold;
  readonly #demand: EventDemand;

  constructor(run: OneGpuRun) {
    this.#run = run;
    this.#demand = new EventDemand(run.gpu.model);
    this.#fold = new EventFold(run.gpu, this.#demand);
  }

  observe(observer: Observer): void {
    this.#observer = observer;
    this.#fold.observe(observer);
  }

  resize(_gpu: number, capacityBytes: number, nowNs: number): number {
    return this.#fold.resize(capacityBytes, nowNs);
  }

  run(pass: Pass): void {
    const { cost, deferral, model, recorder } = this.#run.gpu;
    const { sequenceContext, sequenceTokens, sequences, tokens } = pass;
    const layers = model.layers.length;
    const startNs = this.nowNs;
    recorder.begin(pass);
    this.#observer?.passStarted(pass, startNs);
    if (pass.draftNs > 0) recorder.tailNs += this.#draft(pass.draftNs);
    this.#fold.begin(pass, startNs);
    let denseNs = 0;
    for (let layer = 0; layer < layers; layer++) {
      if (cost.repeats[layer] === 0) denseNs = cost.denseNs(layer, tokens, sequenceContext, sequenceTokens, sequences);
      recorder.layers.denseNs[layer]! += this.#dense(layer, denseNs);
      this.#runLayer(pass, layer);
    }
    if (deferral !== null) this.nowNs = deferral.settle(layers - 1, this.nowNs, recorder);
    recorder.tailNs += this.#dense(layers, cost.denseNs(layers, tokens, sequenceContext, sequenceTokens, sequences) + cost.passNs);
    this.#fold.prefetcher?.ended(this.nowNs - startNs);
    this.#run.bounds.passEnded();
    this.#observer?.passEnded(pass, startNs, this.nowNs);
  }

  #draft(ns: number): number {
    this.#run.bounds.dense(ns);
    this.#run.gpu.recorder.phase.denseNs += ns;
    this.#observer?.drafted?.(this.nowNs, this.nowNs + ns);
    this.nowNs += ns;
    return ns;
  }

  #dense(segment: number, ns: number): number {
    const { cost, recorder } = this.#run.gpu;
    this.#run.bounds.dense(ns);
    recorder.phase.denseNs += ns;
    recorder.denseCpuNs += cost.cpuDenseNs;
    this.#observer?.dense(segment, this.nowNs, this.nowNs + ns);
    this.nowNs += ns;
    return ns;
  }

  /** Known routing of a layer: an event (L1), or an event per activation (L7). */
  #runLayer(pass: Pass, layer: number): void {
    const { faults, gpu, judges, replay, rerank } = this.#run;
    const fold = this.#fold;
    if (rerank !== null) rerank.choose(pass, layer, gpu.gpu.byLayer[layer]!);
    const sequential = replay === 'sequential';
    let size = 0;
    if (!sequential || fold.prefetcher !== null || gpu.learned !== null) size = this.#demand.gather(pass, layer);
    fold.known(pass, layer, size, this.nowNs);
    if (faults !== null && this.nowNs >= faults.nextNs) faults.strike(this.nowNs);
    if (gpu.gates !== null) gatherGates(pass, layer, gpu.model.layers[layer]!, gpu.gates);
    for (let k = 0; k < judges.length; k++) judges[k]!.judge(pass, layer);
    if (sequential) this.#runActivations(pass, layer);
    else if (size > 0) this.#runEvent(pass, layer, size, true);
    else fold.prefetcher?.replan(pass, layer, this.nowNs);
  }

  #runActivations(pass: Pass, layer: number): void {
    const demand = this.#demand;
    const { prefetcher } = this.#fold;
    const count = demand.list(pass, layer);
    if (count === 0) prefetcher?.replan(pass, layer, this.nowNs);
    for (let at = 0; at < count; at++) {
      demand.only(demand.listed[at]!);
      prefetcher?.advance(this.nowNs, true);
      this.#runEvent(pass, layer, 1, at === count - 1);
    }
  }

  #runEvent(pass: Pass, layer: number, size: number, last: boolean): void {
    const { bounds, gpu } = this.#run;
    const fold = this.#fold;
    const { event } = fold;
    event.startNs = this.nowNs;
    fold.run(pass, layer, size, last);
    this.nowNs = event.endNs;
    if (this.#observer !== null) showExecution(gpu, event, this.#observer, layer);
    fold.ended(size, this.nowNs);
    bounds.event(layer, this.#demand.ids, this.#demand.counts, size, this.#demand.single);
    gpu.recorder.layers.events[layer]! += 1;
    gpu.recorder.phase.events++;
  }
}
