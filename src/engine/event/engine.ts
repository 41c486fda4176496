import type { CostModel } from '../../hardware/door.js';
import type { Pass } from '../../schedule/door.js';
import type { Clocks } from '../foresight/clocks.js';
import type { Observer } from '../transfer/observer.js';
import type { EventDemand } from '../vocabulary/event.js';
import type { Fold } from '../vocabulary/fold.js';
import { havingOfRun, type Residents, type RunHooks } from '../vocabulary/hooks.js';
import type { Recorder } from '../vocabulary/recorder.js';
import type { EventFold } from './fold.js';
import { showExecution } from './show.js';

interface EventClocks extends Clocks {
  event(layer: number): void;
}

/** Work between the folds of a run's GPUs. */
export interface Exchange {
  readonly endNs: number;
  /** Divides the requests of a pass among the GPUs. */
  divide(pass: Pass): void;
  /** Dense segment on the slowest GPU, ns. */
  denseNs(cost: CostModel, segment: number): number;
  /** Experts of a layer resident on any GPU. */
  residents(layer: number): Residents;
  /** Divides the choices of a layer into the GPUs' demands. @returns members on all GPUs */
  gather(pass: Pass, layer: number): number;
  /** Ends the event that every fold ran from `startNs` on. */
  end(layer: number, startNs: number): void;
  observerOf(observer: Observer, gpu: number): Observer;
  /** Shows the last event. */
  show(observer: Observer, layer: number, startNs: number): void;
}

/** Parts of a run's fold. */
export interface EngineParts {
  readonly layers: number;
  /** Prices of dense work. */
  readonly cost: CostModel;
  readonly folds: readonly EventFold[];
  readonly exchange: Exchange;
  readonly bounds: EventClocks;
  readonly hooks: readonly RunHooks[];
  readonly recorder: Recorder;
  /** L7, on one GPU: an event per activation of the demand; null: an event per layer. */
  readonly activations: EventDemand | null;
}

/** L1-L14 on a run's GPUs: judge, place misses, execute, exchange, advance time. Events allocate nothing. */
export class Engine implements Fold {
  nowNs = 0;

  #observer: Observer | null = null;
  readonly #run: EngineParts;
  readonly #choosing;
  readonly #routed;
  readonly #judges;
  readonly #layersEnded;

  constructor(run: EngineParts) {
    this.#run = run;
    this.#choosing = havingOfRun(run.hooks, 'choosing');
    this.#routed = havingOfRun(run.hooks, 'routed');
    this.#judges = havingOfRun(run.hooks, 'judge');
    this.#layersEnded = havingOfRun(run.hooks, 'layersEnded');
  }

  observe(observer: Observer): void {
    this.#observer = observer;
    const { exchange, folds } = this.#run;
    for (const [g, fold] of folds.entries()) fold.observe(exchange.observerOf(observer, g));
  }

  resize(gpu: number, capacityBytes: number, nowNs: number): number {
    return this.#run.folds[gpu]!.resize(capacityBytes, nowNs);
  }

  run(pass: Pass): void {
    const { bounds, cost, exchange, folds, layers, recorder } = this.#run;
    const startNs = this.nowNs;
    recorder.begin(pass);
    cost.beginPass(pass.tokens);
    exchange.divide(pass);
    this.#observer?.passStarted(pass, startNs);
    if (pass.draftNs > 0) recorder.tailNs += this.#draft(pass.draftNs);
    for (let g = 0; g < folds.length; g++) folds[g]!.begin(pass, startNs);
    let denseNs = 0;
    for (let layer = 0; layer < layers; layer++) {
      if (cost.repeats[layer] === 0) denseNs = exchange.denseNs(cost, layer);
      recorder.layers.denseNs[layer]! += this.#dense(layer, denseNs);
      this.#runLayer(pass, layer);
    }
    for (const hook of this.#layersEnded) this.nowNs = hook.layersEnded(this.nowNs);
    recorder.tailNs += this.#dense(layers, exchange.denseNs(cost, layers) + cost.passNs);
    for (let g = 0; g < folds.length; g++) folds[g]!.passEnded(this.nowNs - startNs);
    bounds.passEnded();
    this.#observer?.passEnded(pass, startNs, this.nowNs);
  }

  #draft(ns: number): number {
    this.#run.bounds.dense(ns);
    this.#run.recorder.phase.denseNs += ns;
    this.#observer?.drafted?.(this.nowNs, this.nowNs + ns);
    this.nowNs += ns;
    return ns;
  }

  #dense(segment: number, ns: number): number {
    const { bounds, cost, recorder } = this.#run;
    bounds.dense(ns);
    recorder.phase.denseNs += ns;
    recorder.denseCpuNs += cost.cpuDenseNs;
    this.#observer?.dense(segment, this.nowNs, this.nowNs + ns);
    this.nowNs += ns;
    return ns;
  }

  /** Known routing of a layer: an event (L1), or an event per activation (L7). */
  #runLayer(pass: Pass, layer: number): void {
    const { activations, exchange, folds } = this.#run;
    const startNs = this.nowNs;
    const choosing = this.#choosing;
    const routed = this.#routed;
    const judges = this.#judges;
    for (let h = 0; h < choosing.length; h++) choosing[h]!.choosing(pass, layer, exchange.residents(layer));
    const members = activations === null ? exchange.gather(pass, layer) : this.#list(pass, layer, activations);
    for (let g = 0; g < folds.length; g++) folds[g]!.known(pass, layer, startNs);
    for (let h = 0; h < routed.length; h++) routed[h]!.routed(startNs);
    for (let h = 0; h < judges.length; h++) judges[h]!.judge(pass, layer);
    if (members === 0) for (let g = 0; g < folds.length; g++) folds[g]!.idle(pass, layer, startNs);
    else if (activations === null) this.#runEvent(pass, layer, true);
    else this.#runActivations(pass, layer, activations, members);
  }

  /** L7: lists a layer's activations; their whole demand only for a fold that listens. @returns their number */
  #list(pass: Pass, layer: number, demand: EventDemand): number {
    if (this.#run.folds[0]!.listens) demand.gather(pass, layer);
    return demand.list(pass, layer);
  }

  #runActivations(pass: Pass, layer: number, demand: EventDemand, count: number): void {
    const [fold] = this.#run.folds;
    for (let at = 0; at < count; at++) {
      demand.only(demand.listed[at]!);
      fold!.advance(this.nowNs, true);
      this.#runEvent(pass, layer, at === count - 1);
    }
  }

  #runEvent(pass: Pass, layer: number, last: boolean): void {
    const { bounds, exchange, folds, recorder } = this.#run;
    const startNs = this.nowNs;
    for (let g = 0; g < folds.length; g++) {
      const fold = folds[g]!;
      if (fold.event.demand.size > 0) fold.run(pass, layer, startNs, last);
      else fold.idle(pass, layer, startNs);
    }
    exchange.end(layer, startNs);
    this.nowNs = exchange.endNs;
    if (this.#observer !== null) exchange.show(this.#observer, layer, startNs);
    for (let g = 0; g < folds.length; g++) folds[g]!.ended(this.nowNs);
    bounds.event(layer);
    recorder.layers.events[layer]! += 1;
    recorder.phase.events++;
  }
}

/** A single GPU: nothing to divide or exchange. */
export class OneGpu implements Exchange {
  endNs = 0;
  readonly #fold: EventFold;
  readonly #demand: EventDemand;
  #pass: Pass | null = null;

  constructor(fold: EventFold, demand: EventDemand) {
    this.#fold = fold;
    this.#demand = demand;
  }

  divide(pass: Pass): void {
    this.#pass = pass;
  }

  denseNs(cost: CostModel, segment: number): number {
    const { sequenceContext, sequences, sequenceTokens, tokens } = this.#pass!;
    return cost.denseNs(segment, tokens, sequenceContext, sequenceTokens, sequences);
  }

  residents(layer: number): Residents {
    return this.#fold.gpu.gpu.byLayer[layer]!;
  }

  gather(pass: Pass, layer: number): number {
    return this.#demand.gather(pass, layer);
  }

  end(_layer: number, _startNs: number): void {
    this.endNs = this.#fold.event.endNs;
  }

  observerOf(observer: Observer): Observer {
    return observer;
  }

  show(observer: Observer, layer: number): void {
    showExecution(this.#fold.gpu, this.#fold.event, observer, layer);
  }
}
