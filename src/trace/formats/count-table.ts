// Counts by layer and expert from files that list them one by one: sparse, in any order.
import { UserError } from '../../base/errors.js';
import type { Popularity } from '../popularity.js';

/** Maximum number of experts of a layer in a file. */
const LIMIT = 65_535;

/** Counts by layer and expert. */
export class CountTable {
  readonly #byLayer = new Map<number, Map<number, number>>();
  #experts = 0;

  /**
   * Adds to a count.
   * @param declared experts of a layer, where the file says
   * @throws UserError where a layer has no such expert
   */
  add(layer: number, expert: number, count: number, place: () => string, declared = LIMIT): void {
    const most = Math.min(declared, LIMIT);
    if (expert >= most) throw new UserError(`${place()}: expert ${expert}; a layer has ${most}`);
    const own = this.#byLayer.get(layer) ?? new Map<number, number>();
    own.set(expert, (own.get(expert) ?? 0) + count);
    this.#byLayer.set(layer, own);
    this.#experts = Math.max(this.#experts, expert + 1);
  }

  /**
   * All counts, layer by layer in the order of their numbers.
   * @param declared experts of a layer, where the file says; 0: as many as occur
   * @throws UserError where there is none
   */
  counts(path: string, format: string, declared = 0): Popularity {
    if (this.#byLayer.size === 0) throw new UserError(`${path}: has no counts of experts`);
    const experts = Math.max(declared, this.#experts);
    const layers = [...this.#byLayer.keys()].sort((a, b) => a - b);
    const row = (layer: number): Float64Array => Float64Array.from({ length: experts }, (_, id) => this.#byLayer.get(layer)!.get(id) ?? 0);
    return { path, format, model: null, counts: layers.map(row) };
  }
}
