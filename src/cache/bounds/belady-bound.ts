import { within } from '../../base/errors.js';
import { expertSizes, type ModelSpec } from '../../model/door.js';
import { type Caches, divide, type Scope } from '../scope.js';
import { Optimum } from './optimum.js';

/**
 * Bound on demand hits of any policy with this capacity and scope (L8, L15). Equal sizes: Belady's MIN with bypass by
 * event (L2), without the pins of L4; policies under L3-L5 have fewer choices. Unequal sizes: the smaller of two bounds,
 * from all experts as small as the smallest and from {@link Relaxation}. At a change of capacity the experts used latest
 * leave.
 */
export class BeladyBound {
  readonly #optima: readonly Optimum[];
  /** By optimum: experts; bytes of each. */
  readonly #experts: readonly number[];
  readonly #expertBytes: readonly number[];
  /** By MoE layer: optimum of its experts; dense id of that optimum's id 0. */
  readonly #byLayer: readonly Optimum[];
  readonly #bases: Int32Array;
  readonly #split: Caches['split'];
  readonly #relaxation: Relaxation | null;

  /** @param quotas experts per MoE layer, null: even split @param preloaded true: residents before the first event */
  constructor(model: ModelSpec, scope: Scope, capacityBytes: number, quotas: readonly number[] | null, preloaded: boolean) {
    within('L15', 'capacity of the bound, bytes,', capacityBytes);
    const { experts, layers } = model;
    const { shares, split } = divide(model, capacityBytes, scope, quotas);
    const byLayer = scope === 'layer';
    const sizes = layers.map(({ expertBytes }) => expertBytes);
    this.#split = split;
    this.#experts = byLayer ? layers.map((layer) => layer.experts) : [experts];
    this.#expertBytes = byLayer ? sizes : [Math.min(...sizes)];
    this.#optima = shares.map((bytes, cache) => new Optimum(this.#experts[cache]!, this.#slots(bytes, cache), preloaded));
    this.#byLayer = layers.map((_, l) => this.#optima[byLayer ? l : 0]!);
    this.#bases = Int32Array.from(layers, ({ offset }) => (byLayer ? offset : 0));
    const alike = byLayer || sizes.every((bytes) => bytes === sizes[0]);
    this.#relaxation = alike ? null : new Relaxation(expertSizes(model), capacityBytes, preloaded);
  }

  /** Counts an event. @param ids members by dense id, the first `count` entries */
  event(layer: number, ids: Int32Array, count: number): void {
    this.#byLayer[layer]!.event(ids, count, this.#bases[layer]!);
    this.#relaxation?.event(ids, count);
  }

  get exact(): boolean {
    return this.#relaxation === null;
  }

  /** Changes the capacity between events, up to the constructor's. */
  resize(capacityBytes: number): void {
    for (const [cache, bytes] of this.#split(capacityBytes).entries()) this.#optima[cache]!.resize(this.#slots(bytes, cache));
    this.#relaxation?.resize(capacityBytes);
  }

  get hits(): number {
    const hits = this.#optima.length === 1 ? this.#optima[0]!.hits : this.#optima.reduce((sum, optimum) => sum + optimum.hits, 0);
    return this.#relaxation === null ? hits : Math.min(hits, this.#relaxation.hits);
  }

  #slots(bytes: number, cache: number): number {
    return Math.min(this.#experts[cache]!, Math.floor(bytes / this.#expertBytes[cache]!));
  }
}

/** Bins per doubling of cost: costs within a bin differ by less than half a percent. */
const BINS = 256;
/** Doublings of cost covered: 1 byte to 2^63 bytes. */
const DOUBLINGS = 64;
/** No use yet. */
const NEVER = -2;

/**
 * Bound for experts of different sizes, for which the optimum is NP-hard, in constant memory. A hit costs bytes x
 * events between two uses; the budget is capacity x events, spent on the cheapest hits (PFOO-U; Berger et al.,
 * SIGMETRICS 2018).
 */
export class Relaxation {
  readonly #sizes: Float64Array;
  readonly #last: Float64Array;
  /** By bin: possible hits; least cost. */
  readonly #count = new Float64Array(BINS * DOUBLINGS);
  readonly #least = new Float64Array(BINS * DOUBLINGS).fill(Number.POSITIVE_INFINITY);
  #event = 0;
  #room = 0;
  #capacityBytes: number;
  readonly #preloaded: boolean;

  /** @param sizes bytes by expert, each at least 1 @param preloaded true: residents before the first event */
  constructor(sizes: Float64Array, capacityBytes: number, preloaded: boolean) {
    this.#sizes = sizes;
    this.#capacityBytes = capacityBytes;
    this.#preloaded = preloaded;
    this.#last = new Float64Array(sizes.length).fill(preloaded ? -1 : NEVER);
  }

  /** L2. @param ids distinct members, the first `count` entries */
  event(ids: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) this.#use(ids[i]!);
    // The gap before the first event counts only if experts may be preloaded.
    if (this.#event > 0 || this.#preloaded) this.#room += this.#capacityBytes;
    this.#event++;
  }

  resize(capacityBytes: number): void {
    this.#capacityBytes = capacityBytes;
  }

  get hits(): number {
    let left = this.#room;
    let hits = 0;
    for (let bin = 0; bin < this.#count.length; bin++) {
      const possible = this.#count[bin]!;
      if (possible === 0) continue;
      const least = this.#least[bin]!;
      const taken = Math.min(possible, Math.floor(left / least));
      hits += taken;
      if (taken < possible) break;
      left -= taken * least;
    }
    return hits;
  }

  #use(id: number): void {
    const last = this.#last[id]!;
    this.#last[id] = this.#event;
    const bytes = this.#sizes[id]!;
    if (last === NEVER || bytes > this.#capacityBytes) return;
    const cost = bytes * (this.#event - last);
    const bin = Math.floor(Math.log2(cost) * BINS);
    this.#count[bin]! += 1;
    if (cost < this.#least[bin]!) this.#least[bin] = cost;
  }
}
