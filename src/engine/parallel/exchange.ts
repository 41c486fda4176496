import type { CostModel } from '../../hardware/door.js';
import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import type { Exchange } from '../event/engine.js';
import type { Observer } from '../transfer/observer.js';
import type { Residents } from '../vocabulary/hooks.js';
import { imbalance, type ParallelCounters, type Recorder } from '../vocabulary/recorder.js';
import type { Dispatch } from './dispatch.js';
import type { Gathered } from './gathered.js';
import type { ParallelGpu } from './gpu.js';
import { shardObserver, showEvent } from './observer.js';
import type { Pipeline, Sequence } from './pipeline.js';
import { RequestShares } from './requests.js';

interface ExchangeParts {
  readonly model: ModelSpec;
  readonly gpus: readonly ParallelGpu[];
  readonly dispatch: Dispatch;
  readonly pipeline: Pipeline;
  readonly recorder: Recorder;
  readonly counters: ParallelCounters;
}

/** Several GPUs: at every MoE layer activations go to their experts and return. */
export class AllToAll implements Exchange {
  endNs = 0;
  readonly #parts: ExchangeParts;
  readonly #sequences: readonly Sequence[];
  readonly #requests: RequestShares;
  readonly #activations: Float64Array;
  /** By GPU: end of the running event without exchange time, ns. */
  readonly #endNs: Float64Array;
  /** By whole-model id: 1 if a GPU holds the expert of the routed layer. */
  readonly #resident: Uint8Array;
  readonly #anywhere: Residents;

  constructor(parts: ExchangeParts) {
    const { gpus, model } = parts;
    this.#parts = parts;
    this.#sequences = gpus.map(({ sequence }) => sequence);
    this.#requests = new RequestShares(gpus.length);
    this.#activations = new Float64Array(gpus.length);
    this.#endNs = new Float64Array(gpus.length);
    this.#resident = new Uint8Array(model.experts);
    this.#anywhere = { base: 0, resident: this.#resident };
  }

  divide(pass: Pass): void {
    this.#requests.divide(pass);
  }

  denseNs(cost: CostModel, segment: number): number {
    return this.#requests.denseNs(cost, segment);
  }

  gather(pass: Pass, layer: number): number {
    return this.#parts.dispatch.gather(pass, layer);
  }

  end(layer: number, startNs: number): void {
    const { dispatch, gpus, pipeline, recorder } = this.#parts;
    for (let g = 0; g < gpus.length; g++) this.#endNs[g] = gpus[g]!.lineUp(startNs);
    this.endNs = pipeline.endNs(layer, this.#sequences, dispatch.busiest, startNs);
    if (pipeline.gathered !== null) this.#computeOwn(pipeline.gathered, layer, startNs);
    // The slowest GPU's end; exchange time is counted separately.
    const slowestNs = this.#endNs.reduce((most, endNs) => Math.max(most, endNs), startNs);
    for (const endNs of this.#endNs) {
      recorder.layers.stallNs[layer]! += slowestNs - endNs;
      recorder.phase.stallNs += slowestNs - endNs;
    }
    this.#count(layer, this.endNs - slowestNs);
  }

  observerOf(observer: Observer, gpu: number): Observer {
    // Executions are shown with the exchange: only then are activations' arrival times known.
    return shardObserver(observer, this.#parts.gpus[gpu]!.shard);
  }

  show(observer: Observer, layer: number, startNs: number): void {
    const { gpus, pipeline } = this.#parts;
    showEvent(observer, gpus, pipeline, layer, startNs, this.endNs);
  }

  #computeOwn({ workNs }: Gathered, layer: number, startNs: number): void {
    for (let g = 0; g < workNs.length; g++) {
      this.#parts.recorder.spent(layer, startNs + workNs[g]! - this.#endNs[g]!, 0);
      this.#endNs[g] = startNs + workNs[g]!;
    }
  }

  residents(layer: number): Residents {
    const { gpus, model } = this.#parts;
    const { experts, offset } = model.layers[layer]!;
    const resident = this.#resident.fill(0, offset, offset + experts);
    for (const { fold, shard } of gpus) {
      const { gpu } = fold.gpu;
      const local = shard.model.layers[layer]!;
      for (let id = local.offset; id < local.offset + local.experts; id++) if (gpu.holds(id, layer)) resident[shard.whole[id]!] = 1;
    }
    return this.#anywhere;
  }

  /** @param exchangeNs event time in exchanges of activations or weights */
  #count(layer: number, exchangeNs: number): void {
    const { counters, dispatch, gpus, pipeline, recorder } = this.#parts;
    const { gathered } = pipeline;
    for (let g = 0; g < dispatch.demands.length; g++) {
      const { size } = dispatch.demands[g]!;
      const { activations } = gathered === null ? dispatch.demands[g]! : { activations: gathered.activations[g]! };
      counters.demanded[g]! += size;
      const { hits, standIns } = gpus[g]!.fold.event;
      counters.hits[g]! += hits - standIns;
      counters.activations[g]! += activations;
      this.#activations[g] = activations;
    }
    counters.events++;
    counters.eventImbalance += imbalance(this.#activations);
    if (gathered === null) counters.crossed += dispatch.crossing;
    else {
      counters.gathered++;
      counters.gatheredBytes += gathered.bytes[layer]!;
    }
    counters.exchangeNs += Math.max(0, exchangeNs);
    recorder.phase.exchangeNs += Math.max(0, exchangeNs);
    counters.degrees += pipeline.degree;
  }
}
