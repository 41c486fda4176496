import { UserError } from '../../base/errors.js';
import { remembered } from '../../base/objects.js';

/** Exclusive limit of expert ids. */
const LIMIT = 65_535;

/** Sparse counts by layer and expert, in any order. */
export class CountTable {
  readonly #place: () => string;
  readonly #byLayer = new Map<number, Map<number, number>>();
  #experts = 0;

  constructor(place: () => string) {
    this.#place = place;
  }

  /** Adds to a count. @param declared experts, if known @throws UserError for an expert out of range */
  add(layer: number, expert: number, count: number, declared = LIMIT): void {
    const most = Math.min(declared, LIMIT);
    if (expert >= most) throw new UserError(`${this.#place()}: expert ${expert}; a layer has ${most}`);
    const counts = remembered(this.#byLayer, layer, () => new Map<number, number>());
    counts.set(expert, (counts.get(expert) ?? 0) + count);
    this.#experts = Math.max(this.#experts, expert + 1);
  }

  /** Counts by layer. @param declared experts of a layer; 0: as many as occur @throws UserError if empty */
  counts(path: string, declared = 0): Float64Array[] {
    if (this.#byLayer.size === 0) throw new UserError(`${path}: has no counts of experts`);
    const experts = Math.max(declared, this.#experts);
    return inOrder(this.#byLayer).map((counts) => Float64Array.from({ length: experts }, (_, id) => counts.get(id) ?? 0));
  }
}

/** Values by ascending layer number. */
export const inOrder = <T>(byLayer: ReadonlyMap<number, T>): T[] => [...byLayer].sort(([a], [b]) => a - b).map(([, value]) => value);
