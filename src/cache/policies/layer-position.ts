import { IdLists } from '../id-lists.js';
import { type CachePolicy, type Clock, NONE, type Pins, type PolicyContext, policy } from '../policy.js';

class LayerPosition implements CachePolicy {
  readonly #lists: IdLists;
  readonly #layerOf: Uint16Array;
  readonly #layers: number;
  readonly #clock: Clock;

  constructor({ experts, layerOf, layers, clock }: PolicyContext) {
    this.#lists = new IdLists(experts, layers);
    this.#layerOf = layerOf;
    this.#layers = layers;
    this.#clock = clock;
  }

  touch(id: number): void {
    this.#lists.moveToFront(this.#lists.end + this.#layerOf[id]!, id);
  }

  insert(id: number): void {
    this.#lists.pushFront(this.#lists.end + this.#layerOf[id]!, id);
  }

  remove(id: number): void {
    this.#lists.unlink(id);
  }

  victim(_incoming: number, pins: Pins): number {
    for (let step = 0; step < this.#layers; step++) {
      const layer = (this.#clock.layer + this.#layers - step) % this.#layers;
      const id = this.#lists.oldest(this.#lists.end + layer, pins);
      if (id !== NONE) return id;
    }
    return NONE;
  }
}

/** EdgeMoE: evicts from the layer needed last, i.e. the running layer, then the layer before; LRU within a layer. */
export const layerPosition = policy({
  name: 'layer-position',
  summary: 'evicts from the layer that is executed again last',
  cites: 'EdgeMoE, arXiv 2308.14352',
  create: (context) => new LayerPosition(context),
});
