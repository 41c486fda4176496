import type { Pass } from '../../schedule/door.js';
import { EVERYWHERE } from '../../system/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';
import type { Shard } from '../memory/shard.js';
import { type Demand, reverse } from '../vocabulary/event.js';
import type { Gathered } from './gathered.js';

/** Demand of a GPU, by local ids, in L3 order. */
export class ShardDemand implements Demand {
  readonly ids: Int32Array;
  readonly counts: Int32Array;
  activations = 0;
  single = true;
  size = 0;

  constructor(widest: number) {
    this.ids = new Int32Array(widest);
    this.counts = new Int32Array(widest);
  }

  /** @returns members so far */
  add(id: number): number {
    this.ids[this.size] = id;
    this.counts[this.size++] = 1;
    return this.size;
  }
}

/** Requests are data parallel, activations travel to experts' homes and back. */
export class Dispatch {
  readonly demands: readonly ShardDemand[];
  /** Activations computed away from their token's GPU. */
  crossing = 0;
  /** Most activations from or to a GPU: they decide an all-to-all's time, as ports send and receive at once. */
  busiest = 0;
  /** False if every GPU has every expert: no activation travels. */
  readonly exchanges: boolean;
  readonly gathered: Gathered | null;
  readonly #shards: readonly Shard[];
  readonly #homes: Int32Array;
  readonly #sent: Int32Array;
  readonly #received: Int32Array;
  /** `[GPUs, experts]` during gathering, by whole-model id: 1 + index among the GPU's members; 0: no member. */
  readonly #marks: Int32Array;
  readonly #offsets: Int32Array;

  /** @param homes by whole-model id: GPU, or EVERYWHERE @param offsets whole-model id of each layer's first expert */
  constructor(shards: readonly Shard[], homes: Int32Array, offsets: Int32Array, gathered: Gathered | null = null) {
    this.gathered = gathered;
    this.#shards = shards;
    this.#homes = homes;
    this.#offsets = offsets;
    this.demands = shards.map(({ model }) => new ShardDemand(model.layers.reduce((most, layer) => Math.max(most, layer.experts), 1)));
    this.#sent = new Int32Array(shards.length);
    this.#received = new Int32Array(shards.length);
    this.#marks = new Int32Array(shards.length * homes.length);
    this.exchanges = homes.some((home) => home !== EVERYWHERE);
  }

  /** Divides choices backwards: first sight of an expert is its last appearance. @returns members on all GPUs */
  gather(pass: Pass, layer: number): number {
    const { choices, gpu: gpuOf, row, tokens, topK } = pass;
    this.gathered?.count(pass, layer);
    const { demands } = this;
    const homes = this.#homes;
    const marks = this.#marks;
    const sent = this.#sent.fill(0);
    const received = this.#received.fill(0);
    const offset = this.#offsets[layer]!;
    for (const demand of demands) demand.size = 0;
    for (let token = tokens - 1; token >= 0; token--) {
      const from = gpuOf[token]!;
      const start = token * row + layer * topK;
      for (let at = start + topK - 1; at >= start; at--) {
        const expert = choices[at]!;
        if (expert === NULL_EXPERT) continue;
        const id = offset + expert;
        const home = homes[id]!;
        const to = home === EVERYWHERE ? from : home;
        if (to !== from) {
          sent[from]! += 1;
          received[to]! += 1;
        }
        const mark = marks[to * homes.length + id]!;
        if (mark > 0) demands[to]!.counts[mark - 1]! += 1;
        else marks[to * homes.length + id] = demands[to]!.add(this.#shards[to]!.own[id]!);
      }
    }
    let members = 0;
    this.crossing = this.busiest = 0;
    for (let gpu = 0; gpu < demands.length; gpu++) {
      members += this.#close(gpu);
      this.crossing += sent[gpu]!;
      this.busiest = Math.max(this.busiest, sent[gpu]!, received[gpu]!);
    }
    return members;
  }

  #close(gpu: number): number {
    const demand = this.demands[gpu]!;
    const { whole } = this.#shards[gpu]!;
    const from = gpu * this.#homes.length;
    let activations = 0;
    for (let i = 0; i < demand.size; i++) {
      this.#marks[from + whole[demand.ids[i]!]!] = 0;
      activations += demand.counts[i]!;
    }
    demand.activations = activations;
    demand.single = activations === demand.size;
    reverse(demand.ids, demand.size);
    reverse(demand.counts, demand.size);
    return demand.size;
  }
}
