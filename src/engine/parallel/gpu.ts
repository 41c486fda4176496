import type { EventFold } from '../event/fold.js';
import type { Shard } from '../memory/shard.js';
import { sortByReadiness } from '../vocabulary/event.js';
import { Sequence } from './pipeline.js';

/** One of several GPUs: events in its shard's ids, and its chain of executions. */
export class ParallelGpu {
  readonly shard: Shard;
  readonly fold: EventFold;
  readonly sequence: Sequence;

  constructor(fold: EventFold, shard: Shard) {
    this.shard = shard;
    this.fold = fold;
    this.sequence = new Sequence(fold.event.demand.ids.length);
  }

  /**
   * Orders the members by execution: hits, then arrivals. @param startNs routing known @returns end of execution with
   * all activations present, ns
   */
  lineUp(startNs: number): number {
    const { sequence } = this;
    const { event } = this.fold;
    sequence.clear();
    if (event.demand.size === 0) {
      event.hits = event.standIns = event.waits = 0;
      return startNs;
    }
    const { counts } = event.demand;
    const { cpuEndNs, hit, hits, readyNs, waiting, waits } = event;
    for (let k = 0; k < hits; k++) sequence.add(counts[hit[k]!]!, startNs);
    sortByReadiness(waiting, waits, readyNs);
    for (let k = 0; k < waits; k++) sequence.add(counts[waiting[k]!]!, readyNs[waiting[k]!]!);
    sequence.cpuNs = cpuEndNs;
    return event.endNs;
  }
}
