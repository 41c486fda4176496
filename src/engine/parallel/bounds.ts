// The bounds of a run on several GPUs (L15): the same events with every expert resident where it lives, and with no expert kept anywhere.
import type { LinkSpec } from '../../hardware/spec.js';
import { Link } from '../transfer/link.js';
import { Clocks } from '../watch/bounds.js';
import type { Dispatch } from './dispatch.js';
import { type Pipeline, Sequence } from './pipeline.js';
import type { Shard } from './shard.js';

/** Clocks of the bounds. */
export class ParallelBounds extends Clocks {
  readonly #shards: readonly Shard[];
  readonly #dispatch: Dispatch;
  readonly #pipeline: Pipeline;
  readonly #sequences: readonly Sequence[];
  /** By GPU: the links that an expert crosses on its way there when nothing is cached. */
  readonly #links: readonly (readonly Link[])[];

  /**
   * @param links of one GPU, those nearest to the experts' home first
   * @param pipeline one of the bounds' own
   */
  constructor(shards: readonly Shard[], dispatch: Dispatch, links: readonly LinkSpec[], pipeline: Pipeline) {
    super(null);
    this.#shards = shards;
    this.#dispatch = dispatch;
    this.#pipeline = pipeline;
    this.#sequences = dispatch.demands.map(({ ids }) => new Sequence(ids.length));
    this.#links = shards.map(({ model }) => links.map((link) => new Link(link, new Float64Array(model.experts))));
  }

  /** The event that was dispatched last. */
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
    this.allResidentNs = pipeline.endNs(layer, sequences, busiest, this.allResidentNs);
    // All that an event loads has arrived before the next one: its links are idle at the start.
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
}
