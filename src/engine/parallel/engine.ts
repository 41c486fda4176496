import type { CostModel } from '../../hardware/door.js';
import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import type { OneGpuRun } from '../event/engine.js';
import type { Shard } from '../memory/shard.js';
import type { Observer } from '../transfer/observer.js';
import { gatherGates } from '../vocabulary/event.js';
import type { Fold } from '../vocabulary/fold.js';
import type { Gpu } from '../vocabulary/gpu.js';
import { imbalance, type ParallelCounters, type Recorder } from '../vocabulary/recorder.js';
import type { Residents } from '../vocabulary/rerank.js';
import type { ParallelBounds } from './bounds.js';
import type { Dispatch } from './dispatch.js';
import type { Gathered } from './gathered.js';
import { ParallelGpu } from './gpu.js';
import { shardObserver, showEvent } from './observer.js';
import type { Pipeline, Sequence } from './pipeline.js';
import { RequestShares } from './requests.js';

interface ParallelRun extends Pick<OneGpuRun, 'judges' | 'faults' | 'rerank'> {
  readonly model: ModelSpec;
  readonly cost: CostModel;
  readonly gpus: readonly Gpu[];
  readonly shards: readonly Shard[];
  readonly dispatch: Dispatch;
  readonly pipeline: Pipeline;
  /** By whole-model id; null: unused by policies. */
  readonly gates: Float32Array | null;
  readonly recorder: Recorder;
  readonly counters: ParallelCounters;
  readonly bounds: ParallelBounds;
}

/** L1-L14 on each of several GPUs: at every MoE layer activations go to their experts and return. */
export class ParallelEngine implements Fold {
  nowNs = 0;

  #observer: Observer | null = null;
  readonly #run: ParallelRun;
  readonly #gpus: readonly ParallelGpu[];
  readonly #sequences: readonly Sequence[];
  readonly #requests: RequestShares;
  readonly #activations: Float64Array;
  /** By GPU: end of the running event without exchange time, ns. */
  readonly #endNs: Float64Array;
  /** By whole-model id: 1 if a GPU holds the expert of the routed layer. */
  readonly #resident: Uint8Array;
  readonly #anywhere: Residents;

  constructor(run: ParallelRun) {
    const { dispatch, gpus, shards } = run;
    this.#run = run;
    this.#gpus = gpus.map((gpu, g) => new ParallelGpu(gpu, shards[g]!, dispatch.demands[g]!));
    this.#sequences = this.#gpus.map(({ sequence }) => sequence);
    this.#requests = new RequestShares(gpus.length);
    this.#activations = new Float64Array(gpus.length);
    this.#endNs = new Float64Array(gpus.length);
    this.#resident = new Uint8Array(run.model.experts);
    this.#anywhere = { base: 0, resident: this.#resident };
  }

  observe(observer: Observer): void {
    this.#observer = observer;
    // showEvent shows executions: only then are activations' arrival times known.
    for (const { fold, shard } of this.#gpus) fold.observe(shardObserver(observer, shard));
  }

  resize(gpu: number, capacityBytes: number, nowNs: number): number {
    return this.#gpus[gpu]!.fold.resize(capacityBytes, nowNs);
  }

  run(pass: Pass): void {
    const { cost, model, recorder } = this.#run;
    const layers = model.layers.length;
    const startNs = this.nowNs;
    recorder.begin(pass);
    this.#requests.divide(pass);
    this.#observer?.passStarted(pass, startNs);
    if (pass.draftNs > 0) recorder.tailNs += this.#dense(-1, pass.draftNs);
    for (const { fold } of this.#gpus) fold.begin(pass, startNs);
    let denseNs = 0;
    for (let layer = 0; layer < layers; layer++) {
      if (cost.repeats[layer] === 0) denseNs = this.#requests.denseNs(cost, layer);
      recorder.layers.denseNs[layer]! += this.#dense(layer, denseNs);
      this.#runLayer(pass, layer);
    }
    recorder.tailNs += this.#dense(layers, this.#requests.denseNs(cost, layers) + cost.passNs);
    for (const { fold } of this.#gpus) fold.prefetcher?.ended(this.nowNs - startNs);
    this.#run.bounds.passEnded();
    this.#observer?.passEnded(pass, startNs, this.nowNs);
  }

  /** @param segment dense segment; -1: drafting @returns `ns` */
  #dense(segment: number, ns: number): number {
    this.#run.bounds.dense(ns);
    this.#run.recorder.phase.denseNs += ns;
    if (segment < 0) this.#observer?.drafted?.(this.nowNs, this.nowNs + ns);
    else this.#observer?.dense(segment, this.nowNs, this.nowNs + ns);
    this.nowNs += ns;
    return ns;
  }

  #runLayer(pass: Pass, layer: number): void {
    const { bounds, dispatch, faults, gates, judges, model, pipeline, recorder, rerank } = this.#run;
    const startNs = this.nowNs;
    if (rerank !== null) rerank.choose(pass, layer, this.#residents(layer));
    const members = dispatch.gather(pass, layer);
    for (const { demand, fold } of this.#gpus) fold.known(pass, layer, demand.size, startNs);
    if (faults !== null && startNs >= faults.nextNs) faults.strike(startNs);
    if (members === 0) {
      for (const { fold } of this.#gpus) fold.prefetcher?.replan(pass, layer, startNs);
      return;
    }
    if (gates !== null) gatherGates(pass, layer, model.layers[layer]!, gates);
    for (const judge of judges) judge.judge(pass, layer);
    for (let g = 0; g < this.#gpus.length; g++) this.#endNs[g] = this.#gpus[g]!.start(pass, layer, gates, startNs);
    this.nowNs = pipeline.endNs(layer, this.#sequences, dispatch.busiest, startNs);
    if (pipeline.gathered !== null) this.#computeOwn(pipeline.gathered, layer, startNs);
    // The slowest GPU's end; exchange time is counted separately.
    const slowestNs = this.#endNs.reduce((most, endNs) => Math.max(most, endNs), startNs);
    for (const endNs of this.#endNs) {
      recorder.layers.stallNs[layer]! += slowestNs - endNs;
      recorder.phase.stallNs += slowestNs - endNs;
    }
    recorder.layers.events[layer]! += 1;
    recorder.phase.events++;
    this.#count(layer, this.nowNs - slowestNs);
    if (this.#observer !== null) showEvent(this.#observer, this.#gpus, pipeline, layer, startNs, this.nowNs);
    for (const { demand, fold } of this.#gpus) fold.ended(demand.size, this.nowNs);
    bounds.event(layer);
  }

  #computeOwn({ workNs }: Gathered, layer: number, startNs: number): void {
    for (let g = 0; g < workNs.length; g++) {
      this.#run.recorder.spent(layer, startNs + workNs[g]! - this.#endNs[g]!, 0);
      this.#endNs[g] = startNs + workNs[g]!;
    }
  }

  #residents(layer: number): Residents {
    const { experts, offset } = this.#run.model.layers[layer]!;
    const resident = this.#resident.fill(0, offset, offset + experts);
    for (const {
      gpu: { gpu },
      shard,
    } of this.#gpus) {
      const local = shard.model.layers[layer]!;
      for (let id = local.offset; id < local.offset + local.experts; id++) if (gpu.holds(id, layer)) resident[shard.whole[id]!] = 1;
    }
    return this.#anywhere;
  }

  /** @param exchangeNs event time in exchanges of activations or weights */
  #count(layer: number, exchangeNs: number): void {
    const { counters, dispatch, pipeline, recorder } = this.#run;
    const { gathered } = pipeline;
    for (let g = 0; g < dispatch.demands.length; g++) {
      const { size } = dispatch.demands[g]!;
      const { activations } = gathered === null ? dispatch.demands[g]! : { activations: gathered.activations[g]! };
      counters.demanded[g]! += size;
      const { hits, standIns } = this.#gpus[g]!.fold.event;
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
