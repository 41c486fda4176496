import type { CostModel } from '../../hardware/door.js';
import type { ModelSpec } from '../../model/door.js';

/** Ours: 28 to 32 come within .02 % of a fine grid in the median of 976 drawn runs. */
const PRICES = 32;
/** Prices from single experts' costs, before the geometric prices. Ours. */
const KINKS = 20;
/** Ratio of neighbouring geometric prices. Ours. */
const RATIO = 1.5;
/** First geometric price, a part of the CPU's time for an expert. Ours. */
const FIRST = 1 / 8;
/** Most rows with cached times. Ours. */
const REMEMBERED = 1024;

/** Times of single experts. */
export type ExpertCosts = Pick<CostModel, 'expertNs' | 'cpuExpertNs' | 'cpuQueues' | 'handoverNs' | 'onCpu'>;

/** Layers of equal expert costs. */
interface LayerClass {
  readonly layer: number;
  readonly handoverNs: number;
  /** `[rows, 2]`: expert time on the GPU and on a CPU queue, ns; 0: unknown yet. */
  readonly times: Float64Array;
  readonly single: (Float64Array | undefined)[];
}

/** Least time of an event with a price on loads: GPU and CPU share members at least cost (L19, docs/semantics.md). */
export class EventPrices {
  /** Prices of a load, ns, ascending from 0; Infinity without a CPU: only loads count. */
  readonly loadNs: Float64Array;
  readonly #cost: ExpertCosts;
  readonly #onCpu: boolean;
  readonly #classes: readonly LayerClass[];
  readonly #classOf: Uint16Array;
  /** By number of rows: members of the running event; all 0 between events. */
  #members = new Int32Array(1 << 12);
  /** Distinct row counts, ascending, with members and times on GPU and CPU. */
  readonly #rows: Int32Array;
  readonly #many: Float64Array;
  readonly #gpuNs: Float64Array;
  readonly #cpuNs: Float64Array;

  constructor(model: Pick<ModelSpec, 'layers'>, cost: ExpertCosts, onCpu: boolean) {
    this.#cost = cost;
    this.#onCpu = onCpu;
    const classes: LayerClass[] = [];
    const keys: string[] = [];
    this.#classOf = Uint16Array.from(model.layers, (_, layer) => {
      const handoverNs = cost.onCpu[layer] === 1 ? 0 : cost.handoverNs;
      const times = [1, 2, 7].map((rows) => [cost.expertNs(layer, rows), cost.cpuExpertNs(layer, rows)]);
      const key = [handoverNs, ...times].join();
      if (!keys.includes(key)) {
        keys.push(key);
        classes.push({ layer, handoverNs, times: new Float64Array(2 * REMEMBERED), single: [] });
      }
      return keys.indexOf(key);
    });
    this.#classes = classes;
    const widest = model.layers.reduce((most, { experts }) => Math.max(most, experts), 1);
    this.#rows = new Int32Array(widest);
    this.#many = new Float64Array(widest);
    this.#gpuNs = new Float64Array(widest);
    this.#cpuNs = new Float64Array(widest);
    this.loadNs = onCpu ? this.#pricesOf(model) : Float64Array.of(0, Number.POSITIVE_INFINITY);
  }

  /** Prices moving single rows or a whole event to the CPU, then a geometric series. */
  #pricesOf({ layers }: Pick<ModelSpec, 'layers'>): Float64Array {
    const prices = new Set([0]);
    for (const { handoverNs, layer } of this.#classes) {
      const { topK } = layers[layer]!;
      const cpuNs = this.#cpuExpertNs(layer, 1);
      prices.add(cpuNs).add(Math.max(0, (handoverNs + cpuNs * topK) / topK - this.#cost.expertNs(layer, 1)));
      for (let rows = 2; rows <= 8; rows++) prices.add(this.#cpuExpertNs(layer, rows));
      if (prices.size > KINKS) break;
    }
    for (let ns = FIRST * this.#cpuExpertNs(0, 1); prices.size < PRICES; ns *= RATIO) prices.add(ns);
    return Float64Array.from(prices).sort();
  }

  /** @param times number of equal events @param size single-row members @param sums by price */
  addSingle(layer: number, size: number, times: number, sums: Float64Array): void {
    const { single } = this.#classes[this.#classOf[layer]!]!;
    single[size] ??= this.#single(layer, size);
    const each = single[size]!;
    for (let k = 0; k < sums.length; k++) sums[k]! += times * each[k]!;
  }

  classOf(layer: number): number {
    return this.#classOf[layer]!;
  }

  /** A layer of each class. */
  get layers(): readonly number[] {
    return this.#classes.map(({ layer }) => layer);
  }

  #single(layer: number, size: number): Float64Array {
    const sums = new Float64Array(this.loadNs.length);
    this.#rows[0] = 1;
    this.#many[0] = size;
    this.#addGroups(layer, 1, 1, sums);
    return sums;
  }

  /** @param counts rows of members, the first `size` entries @param share of the GPU's work @param sums by price */
  add(layer: number, counts: Int32Array, size: number, share: number, sums: Float64Array): void {
    const rows = this.#rows;
    let groups = 0;
    for (let i = 0; i < size; i++) {
      const count = counts[i]!;
      if (count >= this.#members.length) this.#members = new Int32Array(2 ** Math.ceil(Math.log2(count + 1)));
      if (this.#members[count]!++ > 0) continue;
      let at = groups++;
      for (; at > 0 && rows[at - 1]! > count; at--) rows[at] = rows[at - 1]!;
      rows[at] = count;
    }
    for (let a = 0; a < groups; a++) {
      this.#many[a] = this.#members[rows[a]!]!;
      this.#members[rows[a]!] = 0;
    }
    this.#addGroups(layer, groups, share, sums);
  }

  /**
   * min(G, max over t in [0, 1] of t G + (1 - t) h + sum of n min(0, (1 - t) c - t g - price)): dual of the least over
   * CPU shares x of max(G - sum g x, h + sum c x) less price times sum x. Every t is a lower bound.
   */
  #addGroups(layer: number, groups: number, share: number, sums: Float64Array): void {
    const many = this.#many;
    const gpuNs = this.#gpuNs;
    const cpuNs = this.#cpuNs;
    const { handoverNs, times } = this.#classes[this.#classOf[layer]!]!;
    let allNs = 0;
    for (let a = 0; a < groups; a++) {
      this.#price(layer, this.#rows[a]!, times, a);
      gpuNs[a]! *= share;
      allNs += many[a]! * gpuNs[a]!;
    }
    const { loadNs } = this;
    if (!this.#onCpu) {
      for (let k = 0; k < sums.length; k++) sums[k]! += allNs;
      return;
    }
    for (let k = 0; k < sums.length; k++) {
      const price = loadNs[k]!;
      let slope = allNs - handoverNs;
      let t = slope > 0 ? 1 : 0;
      for (let a = 0; slope > 0 && a < groups; a++) {
        const bothNs = gpuNs[a]! + cpuNs[a]!;
        slope -= many[a]! * bothNs;
        if (slope <= 0) t = Math.min(1, Math.max(0, (cpuNs[a]! - price) / bothNs));
      }
      let ns = t * allNs + (1 - t) * handoverNs;
      for (let a = 0; a < groups; a++) {
        const gain = (1 - t) * cpuNs[a]! - t * gpuNs[a]! - price;
        if (gain < 0) ns += many[a]! * gain;
      }
      sums[k]! += Math.min(ns, allNs);
    }
  }

  #price(layer: number, rows: number, times: Float64Array, a: number): void {
    if (rows >= REMEMBERED) {
      this.#gpuNs[a] = this.#cost.expertNs(layer, rows);
      this.#cpuNs[a] = this.#cpuExpertNs(layer, rows);
      return;
    }
    if (times[2 * rows] === 0) {
      times[2 * rows] = this.#cost.expertNs(layer, rows);
      times[2 * rows + 1] = this.#cpuExpertNs(layer, rows);
    }
    this.#gpuNs[a] = times[2 * rows]!;
    this.#cpuNs[a] = times[2 * rows + 1]!;
  }

  #cpuExpertNs(layer: number, rows: number): number {
    return this.#cost.cpuExpertNs(layer, rows) / this.#cost.cpuQueues;
  }
}
