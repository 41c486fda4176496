import { type NextUse, worthAfter } from '../../cache/next-use/next-use.js';
import type { ModelSpec } from '../../model/door.js';

/** Expected next use of a GPU's experts: predictions of the running pass, then learned later uses. */
export class ExpectedUse {
  /** By dense id, 0..1. */
  readonly values: Float32Array;
  /** By MoE layer: changes with `values`. */
  readonly version: Uint32Array;
  readonly #model: ModelSpec;
  readonly later: NextUse;

  constructor(model: ModelSpec, later: NextUse) {
    this.#model = model;
    this.later = later;
    this.values = new Float32Array(model.experts);
    this.version = new Uint32Array(model.layers.length);
  }

  /** Predicted layer of the running pass: use now with the chance, else later. */
  ahead(layer: number, chances: Float32Array): void {
    const { experts, offset } = this.#model.layers[layer]!;
    const later = this.later.values;
    const { values } = this;
    const end = offset + experts;
    for (let id = offset; id < end; id++) {
      const chance = chances[id]!;
      values[id] = chance + (1 - chance) * worthAfter(later[id]!, 1);
    }
    this.version[layer]! += 1;
  }

  /** Known layer after learning: use in later passes only. */
  done(layer: number): void {
    const { experts, offset } = this.#model.layers[layer]!;
    this.values.set(this.later.values.subarray(offset, offset + experts), offset);
    this.version[layer]! += 1;
  }
}
