// Divides the activations of a pass at a layer over GPUs. Requests are divided over GPUs (data parallel), and experts live where they were
// placed (expert parallel). An activation whose expert lives on another GPU is sent there (dispatch), and its result is sent back (combine).
import type { Pass } from '../../schedule/door.js';
import { EVERYWHERE } from '../../system/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';
import type { Shard } from '../memory/shard.js';
import type { Demand } from '../vocabulary/event.js';

/** The demand of one GPU, by its own ids, in the order of L3. */
export class ShardDemand implements Demand {
  readonly ids: Int32Array;
  readonly counts: Int32Array;
  activations = 0;
  single = true;
  /** Members. */
  size = 0;

  /** @param widest most experts of one layer */
  constructor(widest: number) {
    this.ids = new Int32Array(widest);
    this.counts = new Int32Array(widest);
  }
}

/** Divides demands over GPUs. */
export class Dispatch {
  /** By GPU; the next event overwrites them. */
  readonly demands: readonly ShardDemand[];
  /** Activations of the event that leave the GPU of their token. */
  crossing = 0;
  /** The most that leave one GPU or reach one: it decides the time of an all-to-all, since ports send and receive at once. */
  busiest = 0;
  /** False where every expert lives everywhere: nothing is ever sent. */
  readonly exchanges: boolean;
  readonly #shards: readonly Shard[];
  readonly #homes: Int32Array;
  readonly #sent: Int32Array;
  readonly #received: Int32Array;
  /** By GPU: last event that demanded each of its experts, and the expert's index among its members. */
  readonly #stamps: readonly Float64Array[];
  readonly #places: readonly Int32Array[];
  readonly #offsets: Int32Array;
  #event = 0;

  /**
   * @param shards of all GPUs
   * @param homes by dense id of the whole model: GPU, or EVERYWHERE
   * @param offsets dense id of each layer's first expert in the whole model
   */
  constructor(shards: readonly Shard[], homes: Int32Array, offsets: Int32Array) {
    this.#shards = shards;
    this.#homes = homes;
    this.#offsets = offsets;
    this.demands = shards.map(({ model }) => new ShardDemand(model.layers.reduce((most, layer) => Math.max(most, layer.experts), 1)));
    this.#sent = new Int32Array(shards.length);
    this.#received = new Int32Array(shards.length);
    this.#stamps = shards.map(({ model }) => new Float64Array(model.experts));
    this.#places = shards.map(({ model }) => new Int32Array(model.experts));
    this.exchanges = homes.some((home) => home !== EVERYWHERE);
  }

  /**
   * Divides what `pass` chose at `layer`. An expert that lives everywhere computes each activation where its token is.
   * Backwards, the first sight of an expert is its last appearance; the lists are turned round at the end.
   * @returns members on all GPUs
   */
  gather({ choices, gpu: gpuOf, row, tokens, topK }: Pass, layer: number): number {
    const { demands } = this;
    const gpus = demands.length;
    const homes = this.#homes;
    const offset = this.#offsets[layer]!;
    const event = ++this.#event;
    for (const demand of demands) {
      demand.size = demand.activations = 0;
      demand.single = true;
    }
    this.#sent.fill(0);
    this.#received.fill(0);
    this.crossing = 0;
    for (let token = tokens - 1; token >= 0; token--) {
      const from = gpuOf[token]!;
      const start = token * row + layer * topK;
      for (let at = start + topK - 1; at >= start; at--) {
        const expert = choices[at]!;
        if (expert === NULL_EXPERT) continue;
        const home = homes[offset + expert]!;
        const to = home === EVERYWHERE ? from : home;
        if (to !== from) {
          this.crossing++;
          this.#sent[from]! += 1;
          this.#received[to]! += 1;
        }
        this.#add(to, this.#shards[to]!.own[offset + expert]!, event);
      }
    }
    let members = 0;
    for (const demand of demands) {
      reverse(demand.ids, demand.size);
      reverse(demand.counts, demand.size);
      members += demand.size;
    }
    this.busiest = 0;
    for (let gpu = 0; gpu < gpus; gpu++) this.busiest = Math.max(this.busiest, this.#sent[gpu]!, this.#received[gpu]!);
    return members;
  }

  #add(gpu: number, id: number, event: number): void {
    const demand = this.demands[gpu]!;
    const stamps = this.#stamps[gpu]!;
    const places = this.#places[gpu]!;
    demand.activations++;
    if (stamps[id] === event) {
      demand.counts[places[id]!]! += 1;
      demand.single = false;
    } else {
      stamps[id] = event;
      places[id] = demand.size;
      demand.ids[demand.size] = id;
      demand.counts[demand.size++] = 1;
    }
  }
}

/** Reverses the first `count` entries. */
function reverse(values: Int32Array, count: number): void {
  for (let first = 0, last = count - 1; first < last; first++, last--) {
    const value = values[first]!;
    values[first] = values[last]!;
    values[last] = value;
  }
}
