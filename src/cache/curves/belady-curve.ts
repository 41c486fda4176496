import type { ModelSpec } from '../../model/door.js';
import { BeladyBound } from '../bounds/belady-bound.js';
import { Optima } from '../bounds/optima.js';
import type { Scope } from '../scope.js';
import { cacheLevels } from './levels.js';
import { upTo } from './stack-distance.js';

/** {@link BeladyBound} at several capacities, evenly split, in one pass (`optima.ts`) if sizes are equal. */
export class BeladyCurve {
  readonly #caches;
  readonly #byLayer: readonly Optima[];
  readonly #bases: Int32Array;
  /** By capacity; null: one pass counts all. */
  readonly #bounds: readonly BeladyBound[] | null;

  /** @param capacities bytes, at most 31 @param preloaded as in {@link BeladyBound} */
  constructor(model: ModelSpec, scope: Scope, capacities: readonly number[], preloaded: boolean) {
    const caches = cacheLevels(
      model,
      scope,
      capacities.map((bytes) => ({ bytes, quotas: null })),
    );
    this.#caches = caches.map((cache) => ({ ...cache, optima: new Optima(cache.sizes.length, cache.slots, preloaded) }));
    const uniform = caches.every((cache) => cache.uniform);
    this.#bounds = uniform ? null : capacities.map((bytes) => new BeladyBound(model, scope, bytes, null, preloaded));
    const ofLayer = model.layers.map((_, l) => this.#caches[scope === 'layer' ? l : 0]!);
    this.#byLayer = ofLayer.map(({ optima }) => optima);
    this.#bases = Int32Array.from(ofLayer, ({ base }) => base);
  }

  /** Counts an event. @param ids members by dense id, the first `count` entries */
  event(layer: number, ids: Int32Array, count: number): void {
    if (this.#bounds === null) this.#byLayer[layer]!.event(ids, count, this.#bases[layer]!);
    else for (const bound of this.#bounds) bound.event(layer, ids, count);
  }

  hits(): number[] {
    if (this.#bounds !== null) return this.#bounds.map(({ hits }) => hits);
    const [first] = this.#caches;
    return first!.levelOf.map((_, capacity) =>
      this.#caches.reduce((sum, { levelOf, optima }) => sum + upTo(optima.hits, levelOf[capacity]!), 0),
    );
  }
}
