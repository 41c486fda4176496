// The bound on hits in every result (L8, L15). It needs no future, so it is counted event by event beside the run; see `optimum.ts`.
import { expertSizes, type ModelSpec } from '../../model/spec.js';
import { type Caches, divide, type Scope } from '../scope.js';
import { Optimum } from './optimum.js';
import { Relaxation } from './relaxation.js';

/**
 * Hits that no policy of this capacity and scope exceeds on the same events without prefetch.
 *
 * Where the experts of a cache have one size it is Belady's MIN with bypass, judged event by event (L2) but free of the pins of L4: after
 * an event the cache holds those of the residents and the demanded that are used soonest. Whatever a policy may do under L3-L5 is a
 * choice of the same kind with fewer choices, so the greedy choice, optimal here by the usual exchange argument, bounds them all; the
 * policy `belady` itself, held to pins and order, stays a few hits below it. Sequential replay, where each activation is an event, has
 * no pins and the two agree.
 *
 * Where sizes differ (global scope over unequal layers) it is the smaller of two bounds on MIN: as if all experts were as small as the
 * smallest, and {@link Relaxation}.
 *
 * Where the capacity changes during the run, it changes for the bound at the same events, and what is used latest leaves: to keep
 * what is used sooner is as good a choice at every capacity, so the argument holds.
 */
export class BeladyBound {
  readonly #optima: readonly Optimum[];
  /** By optimum: number of its experts, and bytes of one. */
  readonly #experts: readonly number[];
  readonly #expertBytes: readonly number[];
  /** By MoE layer: the optimum of its experts, and the dense id of that one's id 0. */
  readonly #byLayer: readonly Optimum[];
  readonly #bases: Int32Array;
  readonly #split: Caches['split'];
  /** Null: the experts of a cache have one size. */
  readonly #relaxation: Relaxation | null;

  /**
   * @param quotas experts per MoE layer, instead of the even split; layer scope only
   * @param preloaded true: the best experts may be resident before the first event, as those of a placement that is loaded beforehand are
   */
  constructor(model: ModelSpec, scope: Scope, capacityBytes: number, quotas: readonly number[] | null, preloaded: boolean) {
    const { experts, layers } = model;
    const { shares, split } = divide(model, capacityBytes, scope, quotas);
    const own = scope === 'layer';
    const sizes = layers.map(({ expertBytes }) => expertBytes);
    this.#split = split;
    this.#experts = own ? layers.map((layer) => layer.experts) : [experts];
    this.#expertBytes = own ? sizes : [Math.min(...sizes)];
    this.#optima = shares.map((bytes, cache) => new Optimum(this.#experts[cache]!, this.#slots(bytes, cache), preloaded));
    this.#byLayer = layers.map((_, l) => this.#optima[own ? l : 0]!);
    this.#bases = Int32Array.from(layers, ({ offset }) => (own ? offset : 0));
    const alike = own || sizes.every((bytes) => bytes === sizes[0]);
    this.#relaxation = alike ? null : new Relaxation(expertSizes(model), capacityBytes, preloaded);
  }

  /**
   * One event.
   * @param ids members by dense id, the first `count` entries
   */
  event(layer: number, ids: Int32Array, count: number): void {
    this.#byLayer[layer]!.event(ids, count, this.#bases[layer]!);
    this.#relaxation?.event(ids, count);
  }

  /** True where the bound is MIN itself. */
  get exact(): boolean {
    return this.#relaxation === null;
  }

  /** Changes the capacity between two events, to at most that of the constructor. */
  resize(capacityBytes: number): void {
    for (const [cache, bytes] of this.#split(capacityBytes).entries()) this.#optima[cache]!.resize(this.#slots(bytes, cache));
    this.#relaxation?.resize(capacityBytes);
  }

  /** The bound on the hits of all events so far. */
  get hits(): number {
    const hits = this.#optima.length === 1 ? this.#optima[0]!.hits : this.#optima.reduce((sum, optimum) => sum + optimum.hits, 0);
    return this.#relaxation === null ? hits : Math.min(hits, this.#relaxation.hits);
  }

  #slots(bytes: number, cache: number): number {
    return Math.min(this.#experts[cache]!, Math.floor(bytes / this.#expertBytes[cache]!));
  }
}
