import type { BeladyBound } from '../../cache/bounds/belady-bound.js';
import { type ModelSpec, mostTopK } from '../../model/door.js';
import { EventPrices, type ExpertCosts } from './prices.js';

/** Fewest reads of a memory, and their time. */
export interface FewestLoads {
  /** MIN with bypass over all layers. */
  readonly belady: BeladyBound;
  /** True: only the floor passes events to `belady`. */
  readonly own: boolean;
  /** Smallest expert on the whole link, ns. */
  readonly transferNs: number;
  /** Most experts in memory, buffers included. */
  readonly slots: number;
}

/** Inputs of one GPU's floor. */
export interface FlooredGpu {
  readonly model: Pick<ModelSpec, 'layers'>;
  /** Without faults. */
  readonly cost: ExpertCosts;
  readonly onCpu: boolean;
  readonly loads: FewestLoads;
  /** SSD reads, with GPU and DRAM as a single memory; null: DRAM holds every expert. */
  readonly reads: FewestLoads | null;
}

/** Proof since a moment between two passes. */
interface Since {
  /** By price of a load in the last pass: least time of a run, ns. */
  least: Float64Array;
  other: Float64Array;
  /** Fewest SSD reads before. */
  readonly reads: number;
  /** Dense work before the moment, ns, counted by the next pass with an event. */
  tailNs: number;
}

/** In each pass a load has a price of {@link EventPrices.loadNs}: all choices give bounds, the best is kept. */
class GpuFloor {
  denseNs = 0;
  #gapsNs = 0;
  readonly #gpu: FlooredGpu;
  readonly #prices: EventPrices;
  /** By price: weight of work, and of a load, ns. */
  readonly #workShare: Float64Array;
  readonly #countedNs: Float64Array;
  /** By price: least time of the running pass's events, ns. */
  readonly #eventsNs: Float64Array;
  /** `[layer classes, members]`: single-row events of the running pass. */
  readonly #single: Float64Array;
  readonly #width: number;
  #demanded = 0;
  #misses = 0;
  /** Least GPU time of an expert after the last load, ns; 0: the CPU may have computed the expert. */
  #lastNs: number;
  readonly #begin: Since;
  readonly #marks = new Set<Since>();

  constructor(gpu: FlooredGpu) {
    const { cost, loads, model, onCpu } = gpu;
    this.#gpu = gpu;
    this.#lastNs = onCpu ? 0 : model.layers.reduce((least, _, layer) => Math.min(least, cost.expertNs(layer, 1)), Number.POSITIVE_INFINITY);
    const prices = new EventPrices(model, cost, onCpu);
    this.#prices = prices;
    this.#workShare = prices.loadNs.map((ns) => 1 / (1 + ns / loads.transferNs));
    this.#countedNs = prices.loadNs.map((ns, k) => (ns === Number.POSITIVE_INFINITY ? loads.transferNs : ns * this.#workShare[k]!));
    this.#eventsNs = new Float64Array(prices.loadNs.length);
    this.#width = mostTopK(model) + 1;
    this.#single = new Float64Array(prices.layers.length * this.#width);
    this.#begin = { least: new Float64Array(prices.loadNs.length), other: new Float64Array(prices.loadNs.length), reads: 0, tailNs: 0 };
  }

  /** @param share least GPU share of the work @param single true: every member has one row */
  event(layer: number, ids: Int32Array, counts: Int32Array, size: number, single: boolean, share: number): void {
    const { loads, reads } = this.#gpu;
    this.#gapsNs += this.denseNs;
    this.denseNs = 0;
    if (loads.own) loads.belady.event(layer, ids, size);
    reads?.belady.event(layer, ids, size);
    this.#demanded += size;
    if (share < 1) this.#lastNs = 0;
    if (single && share === 1 && size < this.#width) this.#single[this.#prices.classOf(layer) * this.#width + size]!++;
    else this.#prices.add(layer, counts, size, share, this.#eventsNs);
  }

  passEnded(): void {
    const sums = this.#eventsNs;
    const { layers } = this.#prices;
    for (let at = 0; at < this.#single.length; at++) {
      const times = this.#single[at]!;
      if (times === 0) continue;
      this.#prices.addSingle(layers[Math.floor(at / this.#width)]!, at % this.#width, times, sums);
      this.#single[at] = 0;
    }
    const misses = this.#demanded - this.#gpu.loads.belady.hits;
    const loads = misses - this.#misses;
    this.#misses = misses;
    for (let k = 0; k < sums.length; k++) sums[k] = (sums[k]! + this.#gapsNs) * this.#workShare[k]! + loads * this.#countedNs[k]!;
    this.#moveOn(this.#begin);
    for (const since of this.#marks) this.#moveOn(since);
    this.#gapsNs = 0;
    sums.fill(0);
  }

  /** A lower price is free. A higher price costs slots loads, each by the rise of a load's weight. */
  #moveOn(since: Since): void {
    const { least, other } = since;
    const counted = this.#countedNs;
    const { slots } = this.#gpu.loads;
    // A GPU without an event in the pass keeps all dense work before it.
    const paidNs = this.#gapsNs > 0 ? since.tailNs : 0;
    let fallen = Number.NEGATIVE_INFINITY;
    for (let k = least.length - 1; k >= 0; k--) {
      fallen = Math.max(fallen, least[k]!);
      other[k] = fallen;
    }
    let risen = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < least.length; k++) {
      const lyingNs = slots * counted[k]!;
      risen = Math.max(risen, least[k]! + lyingNs);
      other[k] = Math.max(other[k]!, risen - lyingNs) + this.#eventsNs[k]! - paidNs * this.#workShare[k]!;
    }
    since.tailNs -= paidNs;
    since.least = other;
    since.other = least;
  }

  /** Memory contents need no further load. */
  mark(): Since {
    const { slots } = this.#gpu.loads;
    const least = this.#countedNs.map((ns) => -slots * ns);
    const since = { least, other: new Float64Array(least.length), reads: this.#reads, tailNs: this.denseNs };
    this.#marks.add(since);
    return since;
  }

  /** Least time from a moment to the last pass's end, ns; null: from the start. Forgets the moment. */
  sinceNs(mark: Since | null): number {
    const since = mark ?? this.#begin;
    this.#marks.delete(since);
    const { reads } = this.#gpu;
    const lying = mark === null ? 0 : (reads?.slots ?? 0);
    const readNs = reads === null ? 0 : reads.transferNs * Math.max(0, this.#reads - since.reads - lying);
    const loadedNs = this.#demanded === 0 ? 0 : since.least.at(-1)! + this.#lastNs;
    return since.least.reduce((most, ns) => Math.max(most, ns), Math.max(readNs, loadedNs)) + this.denseNs - since.tailNs;
  }

  get #reads(): number {
    const { reads } = this.#gpu;
    return reads === null ? 0 : this.#demanded - reads.belady.hits;
  }
}

/** A moment of a run for {@link Floor.mark}. */
export type FloorMark = readonly Since[];

/** L19, docs/semantics.md: the largest of the GPUs' floors: no run with the same demands is faster. */
export class Floor {
  readonly #gpus: readonly GpuFloor[];

  constructor(gpus: readonly FlooredGpu[]) {
    this.#gpus = gpus.map((gpu) => new GpuFloor(gpu));
  }

  dense(ns: number): void {
    for (let g = 0; g < this.#gpus.length; g++) this.#gpus[g]!.denseNs += ns;
  }

  /** @param counts rows by member, the first `size` entries @param share as in {@link GpuFloor.event} */
  event(gpu: number, layer: number, ids: Int32Array, counts: Int32Array, size: number, single: boolean, share = 1): void {
    if (size > 0) this.#gpus[gpu]!.event(layer, ids, counts, size, single, share);
  }

  passEnded(): void {
    for (let g = 0; g < this.#gpus.length; g++) this.#gpus[g]!.passEnded();
  }

  /** Moment between two passes, for a single {@link sinceNs}. */
  mark(): FloorMark {
    return this.#gpus.map((gpu) => gpu.mark());
  }

  /** Least time of any run from a moment to the last pass's end, ns; null: from the start. */
  sinceNs(mark: FloorMark | null): number {
    return this.#gpus.reduce((most, gpu, g) => Math.max(most, gpu.sinceNs(mark?.[g] ?? null)), 0);
  }
}
