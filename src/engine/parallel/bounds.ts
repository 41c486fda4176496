import type { CostModel, LinkSpec } from '../../hardware/door.js';
import { Clocks, cpuNs, type Limits } from '../foresight/clocks.js';
import { WORK } from '../foresight/demand-block.js';
import type { Shard } from '../memory/shard.js';
import { Link } from '../transfer/link.js';
import type { Dispatch } from './dispatch.js';
import { type Pipeline, Sequence } from './pipeline.js';

/** L15: the same events with every expert resident, and with no cache. */
export class ParallelBounds extends Clocks {
  readonly #shards: readonly Shard[];
  readonly #dispatch: Dispatch;
  readonly #pipeline: Pipeline;
  readonly #sequences: readonly Sequence[];
  readonly #links: readonly (readonly Link[])[];
  readonly #cost: CostModel;
  readonly #onCpu: boolean;

  /** @param links of a GPU, nearest to the experts' home first @param pipeline separate from the run's */
  constructor(
    shards: readonly Shard[],
    dispatch: Dispatch,
    links: readonly LinkSpec[],
    pipeline: Pipeline,
    cost: CostModel,
    known: Limits,
    onCpu: boolean,
  ) {
    super(known);
    this.#cost = cost;
    this.#onCpu = onCpu;
    this.#shards = shards;
    this.#dispatch = dispatch;
    this.#pipeline = pipeline;
    this.#sequences = dispatch.demands.map(({ ids }) => new Sequence(ids.length));
    this.#links = shards.map(({ model }) => links.map((link) => new Link(link, new Float64Array(model.experts))));
  }

  event(layer: number): void {
    const { busiest, demands } = this.#dispatch;
    const { expertBytes } = this.#shards[0]!.model.layers[layer]!;
    const pipeline = this.#pipeline;
    const sequences = this.#sequences;
    for (let gpu = 0; gpu < demands.length; gpu++) {
      const { counts, size } = demands[gpu]!;
      sequences[gpu]!.clear();
      for (let i = 0; i < size; i++) sequences[gpu]!.add(counts[i]!, this.allResidentNs);
    }
    const endNs = pipeline.endNs(layer, sequences, busiest, this.allResidentNs);
    this.#know(layer, endNs - this.allResidentNs);
    this.allResidentNs = endNs;
    // An event's loads arrive before the next event: links start idle.
    for (let gpu = 0; gpu < demands.length; gpu++) {
      const { ids, size } = demands[gpu]!;
      const links = this.#links[gpu]!;
      for (let i = 0; i < size; i++) {
        let readyNs = this.noCacheNs;
        for (let l = 0; l < links.length; l++) readyNs = links[l]!.demand(ids[i]!, expertBytes, readyNs);
        sequences[gpu]!.readyNs[i] = readyNs;
      }
    }
    this.noCacheNs = pipeline.endNs(layer, sequences, busiest, this.noCacheNs);
  }

  /** @param residentNs event time with all experts resident */
  #know(layer: number, residentNs: number): void {
    const { floor, found } = this;
    if (floor === null && found === null) return;
    const cost = this.#cost;
    const { demands } = this.#dispatch;
    const { exchangeNs, gathered } = this.#pipeline;
    for (let gpu = 0; gpu < demands.length; gpu++) {
      const { counts, ids, single, size } = demands[gpu]!;
      let gpuNs = 0;
      for (let i = 0; i < size; i++) gpuNs += cost.expertNs(layer, counts[i]!);
      // With missing experts an event may still send activations: the lesser work counts.
      const leastNs = gathered === null ? gpuNs : Math.min(gpuNs, gathered.workNs[gpu]!);
      floor?.event(gpu, layer, ids, counts, size, single, gpuNs === 0 ? 1 : leastNs / gpuNs);
      if (found === null) continue;
      found.work[WORK.gpu] = leastNs;
      found.work[WORK.cpu] = this.#onCpu ? cpuNs(cost, layer, counts, size, single) : Number.POSITIVE_INFINITY;
      found.demand(gpu, ids, size);
    }
    if (found === null) return;
    found.work[WORK.resident] = residentNs;
    found.work[WORK.back] = gathered === null ? exchangeNs : 0;
    found.event();
  }
}
