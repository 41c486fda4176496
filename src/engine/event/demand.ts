// The demand of one event (L1, L3): the distinct experts that a pass chose at a layer, in order of their last appearance.
import type { ModelSpec } from '../../model/spec.js';
import type { Pass } from '../../schedule/pass.js';
import { NULL_EXPERT } from '../../trace/trace.js';

/** What an event demands of one GPU, in the order of L3; how many members there are, whoever filled it says. */
export interface Demand {
  /** Members by dense id. */
  readonly ids: Int32Array;
  /** Activations of each member, n(e). */
  readonly counts: Int32Array;
  /** Activations of all members. */
  readonly activations: number;
  /** True where every member has one activation. */
  readonly single: boolean;
}

/** Gathers demands into arrays that the next event overwrites. */
export class EventDemand implements Demand {
  readonly ids: Int32Array;
  readonly counts: Int32Array;
  activations = 0;
  single = true;
  /** Activations of a layer one by one, by dense id: the first as many as {@link list} says. */
  listed = new Int32Array(0);
  readonly #offsets: Int32Array;
  /** Event that demanded each expert last, and its place among the members there. */
  readonly #stamp: Float64Array;
  readonly #place: Int32Array;
  #event = 0;

  constructor(model: ModelSpec) {
    const widest = model.layers.reduce((most, layer) => Math.max(most, layer.experts), 1);
    this.ids = new Int32Array(widest);
    this.counts = new Int32Array(widest);
    this.#offsets = Int32Array.from(model.layers, (layer) => layer.offset);
    this.#stamp = new Float64Array(model.experts);
    this.#place = new Int32Array(model.experts);
  }

  /** Gathers what `pass` chose at `layer` into the first members; @returns how many. */
  gather(pass: Pass, layer: number): number {
    this.single = pass.tokens === 1;
    return this.single ? this.#single(pass, layer) : this.#batch(pass, layer);
  }

  /** L7: lists every activation at a layer, token by token, each token's choices in rank order; @returns how many. */
  list({ choices, row, tokens, topK }: Pass, layer: number): number {
    if (this.listed.length < tokens * topK) this.listed = new Int32Array(tokens * topK);
    const { listed } = this;
    const offset = this.#offsets[layer]!;
    let count = 0;
    for (let token = 0; token < tokens; token++) {
      const start = token * row + layer * topK;
      for (let at = start; at < start + topK; at++) if (choices[at] !== NULL_EXPERT) listed[count++] = offset + choices[at]!;
    }
    return count;
  }

  /** Makes one activation of expert `id` the demand. */
  only(id: number): void {
    this.single = true;
    this.activations = 1;
    this.ids[0] = id;
    this.counts[0] = 1;
  }

  /** One token's choices are distinct, and in rank order already. */
  #single({ choices, topK }: Pass, layer: number): number {
    const { ids, counts } = this;
    const offset = this.#offsets[layer]!;
    const end = (layer + 1) * topK;
    let size = 0;
    for (let at = layer * topK; at < end; at++) {
      const expert = choices[at]!;
      if (expert === NULL_EXPERT) continue;
      ids[size] = offset + expert;
      counts[size++] = 1;
    }
    this.activations = size;
    return size;
  }

  /** Backwards, the first sight of an expert is its last appearance; the list is turned round at the end. */
  #batch({ choices, row, tokens, topK }: Pass, layer: number): number {
    const { ids, counts } = this;
    const offset = this.#offsets[layer]!;
    const event = ++this.#event;
    let activations = 0;
    let size = 0;
    for (let token = tokens - 1; token >= 0; token--) {
      const start = token * row + layer * topK;
      for (let at = start + topK - 1; at >= start; at--) {
        const expert = choices[at]!;
        if (expert === NULL_EXPERT) continue;
        activations++;
        const id = offset + expert;
        if (this.#stamp[id] === event) {
          counts[this.#place[id]!]! += 1;
        } else {
          this.#stamp[id] = event;
          this.#place[id] = size;
          ids[size] = id;
          counts[size++] = 1;
        }
      }
    }
    this.activations = activations;
    ids.subarray(0, size).reverse();
    counts.subarray(0, size).reverse();
    return size;
  }
}
