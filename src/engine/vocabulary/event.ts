import type { ModelSpec, MoeLayer } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';
import type { Observer } from '../transfer/observer.js';

/** L1: distinct experts by last appearance (L3), the first `size` entries. */
export interface Demand {
  readonly size: number;
  /** Members, dense ids. */
  readonly ids: Int32Array;
  /** Activations by member, n(e). */
  readonly counts: Int32Array;
  readonly activations: number;
  readonly single: boolean;
}

/** Demand of a whole model, overwritten by the next event. */
export class EventDemand implements Demand {
  readonly ids: Int32Array;
  readonly counts: Int32Array;
  size = 0;
  activations = 0;
  single = true;
  /** L7: single activations of a layer, dense ids; {@link list} returns their number. */
  listed = new Int32Array(0);
  readonly #offsets: Int32Array;
  /** By dense id during gathering: 1 + index among members; 0: no member. */
  readonly #marks: Int32Array;

  constructor(model: ModelSpec) {
    const widest = model.layers.reduce((most, layer) => Math.max(most, layer.experts), 1);
    this.ids = new Int32Array(widest);
    this.counts = new Int32Array(widest);
    this.#offsets = Int32Array.from(model.layers, (layer) => layer.offset);
    this.#marks = new Int32Array(model.experts);
  }

  /** @returns number of members */
  gather(pass: Pass, layer: number): number {
    this.single = pass.tokens === 1;
    this.size = this.single ? this.#single(pass, layer) : this.#batch(pass, layer);
    return this.size;
  }

  /** L7: every activation, token by token, in rank order. @returns their number */
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

  only(id: number): void {
    this.single = true;
    this.size = 1;
    this.activations = 1;
    this.ids[0] = id;
    this.counts[0] = 1;
  }

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

  /** Backwards: first sight of an expert is its last appearance. */
  #batch({ choices, row, tokens, topK }: Pass, layer: number): number {
    const { ids, counts } = this;
    const marks = this.#marks;
    const offset = this.#offsets[layer]!;
    const none = NULL_EXPERT;
    let activations = 0;
    let size = 0;
    for (let token = tokens - 1; token >= 0; token--) {
      const start = token * row + layer * topK;
      for (let at = start + topK - 1; at >= start; at--) {
        const expert = choices[at]!;
        if (expert === none) continue;
        activations++;
        const id = offset + expert;
        const mark = marks[id]!;
        if (mark > 0) {
          counts[mark - 1]! += 1;
        } else {
          ids[size] = id;
          counts[size++] = 1;
          marks[id] = size;
        }
      }
    }
    for (let i = 0; i < size; i++) marks[ids[i]!] = 0;
    this.activations = activations;
    reverse(ids, size);
    reverse(counts, size);
    return size;
  }
}

/** Reverses the first `count` entries. */
export function reverse(values: Int32Array, count: number): void {
  for (let first = 0, last = count - 1; first < last; first++, last--) {
    const value = values[first]!;
    values[first] = values[last]!;
    values[last] = value;
  }
}

/** Running event on a GPU: demand, and fates of members by index in `demand`. */
export class RunningEvent {
  observer: Observer | null = null;
  readonly demand: Demand;
  /** The first `hits` entries. */
  readonly hit: Int32Array;
  hits = 0;
  /** Hits replaced by a substitute or a copy. */
  standIns = 0;
  /** The first `misses` entries. */
  readonly missed: Int32Array;
  misses = 0;
  /** Members executed by the GPU on arrival: the first `waits` entries. */
  readonly waiting: Int32Array;
  waits = 0;
  /** True: arrivals are in order (equal transfers requested at once). */
  inOrder = false;
  /** Known routing, and end on the GPU, ns. Fields: numbers passed between calls are allocated. */
  startNs = 0;
  endNs = 0;
  /** Tokens of the pass; true with prompt tokens. */
  tokens = 0;
  prefill = false;
  /** By awaited member: earliest execution, ns. */
  readonly readyNs: Float64Array;
  /** By awaited member: SSD delivery, ns; 0: no SSD wait. */
  readonly readNs: Float64Array;
  /** The first `cpuExperts` entries. */
  readonly onCpu: Int32Array;
  cpuExperts = 0;
  /** Last CPU members, awaited by the next event. */
  deferred = 0;
  /** CPU members with further projections on the GPU afterwards: all, or 0. */
  parts = 0;
  /** Member shared by CPU (0..1 of the work) and GPU; -1: no member. */
  shared = -1;
  cpuShare = 0;
  /** By CPU queue (socket): end of its part, ns. */
  readonly cpuNs: Float64Array;
  /** By CPU queue: SSD wait, ns. */
  readonly cpuReadNs: Float64Array;
  /** End of earlier work awaited by the event, ns; 0: no such work. */
  awaitedNs = 0;
  hitsEndNs = 0;
  /** End of the CPU's part, ns; 0: no part. */
  cpuEndNs = 0;
  stallNs = 0;

  constructor(demand: Demand, cpuQueues: number) {
    const widest = demand.ids.length;
    this.demand = demand;
    this.hit = new Int32Array(widest);
    this.missed = new Int32Array(widest);
    this.waiting = new Int32Array(widest);
    this.onCpu = new Int32Array(widest);
    this.cpuNs = new Float64Array(cpuQueues);
    this.readyNs = new Float64Array(widest);
    this.readNs = new Float64Array(widest);
    this.cpuReadNs = new Float64Array(cpuQueues);
  }

  begin({ decodeTokens, tokens }: Pass): void {
    this.tokens = tokens;
    this.prefill = decodeTokens < tokens;
  }
}

/** Insertion sort by readiness, ties in L3 order: demands are few and mostly sorted. */
export function sortByReadiness(order: Int32Array, count: number, readyNs: Float64Array): void {
  for (let k = 1; k < count; k++) {
    const i = order[k]!;
    const ns = readyNs[i]!;
    let at = k;
    for (; at > 0; at--) {
      const before = order[at - 1]!;
      if (readyNs[before]! < ns || (readyNs[before] === ns && before < i)) break;
      order[at] = before;
    }
    order[at] = i;
  }
}

/** Makes the first `count` members ready with the last: for runtimes awaiting all copies. */
export function arriveTogether(members: Int32Array, count: number, readyNs: Float64Array): void {
  let lastNs = 0;
  for (let k = 0; k < count; k++) lastNs = Math.max(lastNs, readyNs[members[k]!]!);
  for (let k = 0; k < count; k++) readyNs[members[k]!] = lastNs;
}

/** Gate weights of a layer's experts, summed over tokens, in `gates[offset .. offset + experts)`. */
export function gatherGates(
  pass: Pass,
  layer: number,
  { experts, offset }: Pick<MoeLayer, 'experts' | 'offset'>,
  gates: Float32Array,
): void {
  const { choices, row, tokens, topK } = pass;
  const weights = pass.weights!;
  gates.fill(0, offset, offset + experts);
  for (let token = 0; token < tokens; token++) {
    const from = token * row + layer * topK;
    for (let i = from; i < from + topK; i++) if (choices[i] !== NULL_EXPERT) gates[offset + choices[i]!]! += weights[i]!;
  }
}
