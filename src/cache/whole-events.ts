import type { ModelSpec } from '../model/door.js';
import { NULL_EXPERT } from '../trace/trace.js';
import { NONE } from './policy.js';
import type { Caches } from './scope.js';

/** Rows of choices: experts within the layer in rank order, {@link NULL_EXPERT} = none. */
interface Choices {
  readonly choices: Uint16Array;
  readonly tokens: number;
  readonly topK: number;
}

/** Hands whole events to policies with `demanded`. */
export class WholeEvents {
  readonly #byLayer: Caches['byLayer'];
  readonly #offsets: Int32Array;
  readonly #ids: Int32Array | null;
  #chosen = new Int32Array(0);

  private constructor(byLayer: Caches['byLayer'], model: ModelSpec, ids: Int32Array | null) {
    this.#byLayer = byLayer;
    this.#offsets = Int32Array.from(model.layers, (layer) => layer.offset);
    this.#ids = ids;
  }

  /**
   * Null: no policy takes whole events. @param model of the choices @param ids dense id in the caches by the model's, or
   * negative; null: the same
   */
  static of(byLayer: Caches['byLayer'], model: ModelSpec, ids: Int32Array | null = null): WholeEvents | null {
    return byLayer.some(({ policy }) => policy.demanded !== undefined) ? new WholeEvents(byLayer, model, ids) : null;
  }

  /** @param from first choice of the first token at the layer @param row choices between two tokens */
  demanded(layer: number, { choices, tokens, topK }: Choices, from: number, row: number): void {
    const { base, policy } = this.#byLayer[layer]!;
    if (this.#chosen.length < tokens * topK) this.#chosen = new Int32Array(tokens * topK);
    const chosen = this.#chosen;
    const ids = this.#ids;
    const offset = this.#offsets[layer]!;
    let at = 0;
    for (let token = 0; token < tokens; token++) {
      for (let rank = from + token * row, end = rank + topK; rank < end; rank++) {
        const expert = choices[rank]!;
        const id = expert === NULL_EXPERT ? NONE : ids === null ? offset + expert : ids[offset + expert]!;
        chosen[at++] = id < 0 ? NONE : id - base;
      }
    }
    policy.demanded!(layer, chosen, tokens, topK);
  }
}
