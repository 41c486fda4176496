import type { Pass } from '../../schedule/door.js';
import { EventFold } from '../event/engine.js';
import { copyLayer, type Shard } from '../memory/shard.js';
import { sortByReadiness } from '../vocabulary/event.js';
import type { Gpu } from '../vocabulary/gpu.js';
import type { ShardDemand } from './dispatch.js';
import { Sequence } from './pipeline.js';

/** One of several GPUs: events in its shard's ids, and its chain of executions. */
export class ParallelGpu {
  readonly gpu: Gpu;
  readonly shard: Shard;
  readonly fold: EventFold;
  readonly sequence: Sequence;
  readonly demand: ShardDemand;

  constructor(gpu: Gpu, shard: Shard, demand: ShardDemand) {
    this.gpu = gpu;
    this.shard = shard;
    this.demand = demand;
    this.fold = new EventFold(gpu, demand);
    this.sequence = new Sequence(demand.ids.length);
  }

  /**
   * Judges, places and orders the demand. @param gates of the whole model @returns execution time with all activations
   * present, ns
   */
  start(pass: Pass, layer: number, gates: Float32Array | null, startNs: number): number {
    const { fold, sequence } = this;
    const { size } = this.demand;
    if (size === 0) {
      fold.event.hits = fold.event.standIns = fold.event.waits = 0;
      sequence.clear();
      fold.prefetcher?.replan(pass, layer, startNs);
      return startNs;
    }
    if (gates !== null) copyLayer(this.shard, layer, gates, this.gpu.gates!);
    fold.event.startNs = startNs;
    fold.run(pass, layer, size, true);
    this.#lineUp(startNs);
    return fold.event.endNs;
  }

  /** Members in order of execution: hits, then arrivals. */
  #lineUp(startNs: number): void {
    const { sequence } = this;
    const { counts } = this.demand;
    const { cpuEndNs, hit, hits, readyNs, waiting, waits } = this.fold.event;
    sequence.clear();
    for (let k = 0; k < hits; k++) sequence.add(counts[hit[k]!]!, startNs);
    sortByReadiness(waiting, waits, readyNs);
    for (let k = 0; k < waits; k++) sequence.add(counts[waiting[k]!]!, readyNs[waiting[k]!]!);
    sequence.cpuNs = cpuEndNs;
  }
}
