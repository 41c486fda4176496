// One event: the distinct experts of a pass at a layer, by last appearance (L1, L3), and the fate of each. The next one overwrites it.
import type { ModelSpec, MoeLayer } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';
import type { Observer } from '../transfer/observer.js';

/** The demand of an event on one GPU, in the order of L3: the first entries; their number is passed separately. */
export interface Demand {
  /** Members by dense id. */
  readonly ids: Int32Array;
  /** Activations of each member, n(e). */
  readonly counts: Int32Array;
  readonly activations: number;
  readonly single: boolean;
}

/** Gathers the demands of a whole model. */
export class EventDemand implements Demand {
  readonly ids: Int32Array;
  readonly counts: Int32Array;
  activations = 0;
  single = true;
  /** Activations of a layer one by one, by dense id; {@link list} returns their number. */
  listed = new Int32Array(0);
  readonly #offsets: Int32Array;
  /** By dense id while a demand is gathered: 1 + the expert's index among the members; 0: it is none. */
  readonly #marks: Int32Array;

  constructor(model: ModelSpec) {
    const widest = model.layers.reduce((most, layer) => Math.max(most, layer.experts), 1);
    this.ids = new Int32Array(widest);
    this.counts = new Int32Array(widest);
    this.#offsets = Int32Array.from(model.layers, (layer) => layer.offset);
    this.#marks = new Int32Array(model.experts);
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

  /** Walks backwards, so that the first sight of an expert is its last appearance; the list is reversed at the end. */
  #batch({ choices, row, tokens, topK }: Pass, layer: number): number {
    const { ids, counts } = this;
    const marks = this.#marks;
    const offset = this.#offsets[layer]!;
    let activations = 0;
    let size = 0;
    for (let token = tokens - 1; token >= 0; token--) {
      const start = token * row + layer * topK;
      for (let at = start + topK - 1; at >= start; at--) {
        const expert = choices[at]!;
        if (expert === NULL_EXPERT) continue;
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

/** The running event on one GPU: its demand, and the fate of each member. Members are given by their index in `demand`. */
export class RunningEvent {
  observer: Observer | null = null;
  readonly demand: Demand;
  /** Hits: the first `hits` entries. */
  readonly hit: Int32Array;
  hits = 0;
  /** Number of those that another expert or a copy stands in for. */
  standIns = 0;
  /** Misses: the first `misses` entries. */
  readonly missed: Int32Array;
  misses = 0;
  /** Members that the GPU executes when they have arrived: the first `waits` entries. */
  readonly waiting: Int32Array;
  waits = 0;
  /** True if they arrive in this order: transfers of one size requested at one time, and nothing else. */
  inOrder = false;
  /** Time at which the routing of its layer is known, and its end on this GPU, ns. Fields, since numbers that calls hand on are allocated. */
  startNs = 0;
  endNs = 0;
  /** Its pass: number of tokens; whether it has prompt tokens; whether it is large enough that the GPU computes misses instead of the CPU. */
  tokens = 0;
  prefill = false;
  offloaded = false;
  /** Time at which each awaited member can be executed, ns. */
  readonly readyNs: Float64Array;
  /** Time at which the SSD has delivered the weights of each awaited member, ns, if DRAM is a cache of it; 0: no wait for the SSD. */
  readonly readNs: Float64Array;
  /** Members that the CPU computes: the first `cpuExperts` entries. */
  readonly onCpu: Int32Array;
  cpuExperts = 0;
  /** Number of those, at the end, whose results the next event awaits. */
  deferred = 0;
  /** Number of those whose other projections the GPU executes after them: all, or none. */
  parts = 0;
  /** Member that the CPU computes a share of, 0..1, and the GPU the rest; -1: none. */
  shared = -1;
  cpuShare = 0;
  /** End of each CPU queue's part, ns: one per socket if sockets compute in parallel. */
  readonly cpuNs: Float64Array;
  /** Wait of each CPU queue for the SSD, ns. */
  readonly cpuReadNs: Float64Array;
  hitsEndNs = 0;
  /** End of the CPU's part, ns; 0: it has none. */
  cpuEndNs = 0;
  stallNs = 0;

  /** @param demand filled anew for every event, never with more members than its arrays have room for @param cpuQueues queues of the CPU */
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

  /** The events that follow are those of a pass; from `offloadFrom` tokens on the GPU computes misses instead of the CPU. */
  begin({ decodeTokens, tokens }: Pass, offloadFrom: number): void {
    this.tokens = tokens;
    this.prefill = decodeTokens < tokens;
    this.offloaded = tokens >= offloadFrom;
  }
}

/** Insertion sort of members by readiness, ties in the order of L3: demands are few and mostly in order. */
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

/** Makes the first `count` members ready when the last one is, for runtimes that wait for all copies. */
export function arriveTogether(members: Int32Array, count: number, readyNs: Float64Array): void {
  let lastNs = 0;
  for (let k = 0; k < count; k++) lastNs = Math.max(lastNs, readyNs[members[k]!]!);
  for (let k = 0; k < count; k++) readyNs[members[k]!] = lastNs;
}

/** Writes the gate weights of a layer's experts, summed over tokens, into `gates[offset .. offset + experts)`. @param pass with weights */
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
