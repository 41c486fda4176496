import type { CostModel } from '../../hardware/door.js';
import type { Pass } from '../../schedule/door.js';
import type { Observer } from '../transfer/observer.js';
import type { EventDemand } from '../vocabulary/event.js';
import type { Residents } from '../vocabulary/hooks.js';
import type { EventFold } from './fold.js';
import { showExecution } from './show.js';

/** Work between the folds of a run's GPUs: division of demand, and the end of an event on all GPUs. */
export interface Exchange {
  /** End of the last event, ns. */
  readonly endNs: number;
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

/** A single GPU: nothing to divide or exchange. */
export class OneGpu implements Exchange {
  endNs = 0;
  readonly #fold: EventFold;
  readonly #demand: EventDemand;
  #pass: Pass | null = null;

  /** @param demand of the fold */
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
