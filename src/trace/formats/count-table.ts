import { UserError } from '../../base/errors.js';
import { remembered } from '../../base/objects.js';

const LIMIT = 65_535;

/** Counts by layer and expert from files that list them one by one: sparse, in any order. */
export class CountTable {
  readonly #place: () => string;
  readonly #byLayer = new Map<number, Map<number, number>>();
  #experts = 0;

  /** @param place of the running count, for messages */
  constructor(place: () => string) {
    this.#place = place;
  }

  /** Adds to a count. @param declared experts of a layer, if the file gives them @throws UserError if a layer has no such expert */
  add(layer: number, expert: number, count: number, declared = LIMIT): void {
    const most = Math.min(declared, LIMIT);
    if (expert >= most) throw new UserError(`${this.#place()}: expert ${expert}; a layer has ${most}`);
    const counts = remembered(this.#byLayer, layer, () => new Map<number, number>());
    counts.set(expert, (counts.get(expert) ?? 0) + count);
    this.#experts = Math.max(this.#experts, expert + 1);
  }

  /** All counts, by layer. @param declared experts of a layer, if the file has them; 0: as many as occur @throws UserError if there is none */
  counts(path: string, declared = 0): Float64Array[] {
    if (this.#byLayer.size === 0) throw new UserError(`${path}: has no counts of experts`);
    const experts = Math.max(declared, this.#experts);
    return inOrder(this.#byLayer).map((counts) => Float64Array.from({ length: experts }, (_, id) => counts.get(id) ?? 0));
  }
}

/** What layers have, in the order of their numbers. */
export const inOrder = <T>(byLayer: ReadonlyMap<number, T>): T[] => [...byLayer].sort(([a], [b]) => a - b).map(([, value]) => value);
