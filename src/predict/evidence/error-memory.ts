// Evidence from recent mistakes, after the error memory of ReLoop2: if recent predictions in the same situation were wrong, the next one is
// corrected at once, long before counts change. A situation is the token's first expert at the layer before.
import { sigmoid } from '../../base/log-odds.js';
import type { ModelSpec } from '../../model/spec.js';
import type { Pass } from '../../schedule/pass.js';
import { NULL_EXPERT } from '../../trace/trace.js';
import type { Evidence } from '../evidence.js';

/**
 * Share of a correction that remains each time its key occurs: a memory of about the last dozen occurrences. Ours: 0.84 costs `adaptive` 0.2 to
 * 1.7 points of recall one layer ahead on four traces (see evidence.ts); 0.96 changes it by -0.2 to 0.35.
 */
const FADING = 0.92;

/** Corrections of log-odds by layer and key. */
export class ErrorMemory implements Evidence {
  readonly #model: ModelSpec;
  /** Rows of layer l start at `#start[l]`: one of `experts[l]` for each expert of the layer before, and one for "nothing known". */
  readonly #start: Float64Array;
  readonly #corrections: Float32Array;
  /** Size of a correction step; raised while the routing drifts. */
  rate: number;

  constructor(model: ModelSpec, rate: number) {
    this.#model = model;
    this.rate = rate;
    this.#start = new Float64Array(model.layers.length);
    let size = 0;
    for (const { index, experts } of model.layers) {
      this.#start[index] = size;
      size += (1 + (model.layers[index - 1]?.experts ?? 0)) * experts;
    }
    this.#corrections = new Float32Array(size);
  }

  add(pass: Pass, token: number, after: number, layer: number, weight: number, into: Float64Array): boolean {
    const { experts } = this.#model.layers[layer]!;
    const row = this.#row(pass, token, after, layer);
    for (let e = 0; e < experts; e++) into[e]! += weight * this.#corrections[row + e]!;
    return true;
  }

  /** Corrections are learned from the whole prediction, by {@link correct}. */
  learn(): void {}

  /**
   * Moves the corrections that a token's prediction used towards its choices: a step down the gradient of the log-loss.
   * @param logits log-odds of `layer` that were predicted when layer - 1 was known, corrections included
   */
  correct(pass: Pass, token: number, layer: number, logits: Float64Array): void {
    const { experts } = this.#model.layers[layer]!;
    const row = this.#row(pass, token, layer - 1, layer);
    const corrections = this.#corrections;
    for (let e = 0; e < experts; e++) corrections[row + e] = FADING * corrections[row + e]! - this.rate * sigmoid(logits[e]!);
    const count = pass.listChosen(token, layer);
    for (let i = 0; i < count; i++) corrections[row + pass.chosen[i]!]! += this.rate;
  }

  /** The row of a token's first expert at the layer before; one row for all tokens where that is unknown. */
  #row(pass: Pass, token: number, after: number, layer: number): number {
    const { experts } = this.#model.layers[layer]!;
    let key = 0;
    if (layer > 0 && after === layer - 1) {
      const first = pass.choices[token * pass.row + after * pass.topK]!;
      if (first !== NULL_EXPERT) key = first + 1;
    }
    return this.#start[layer]! + key * experts;
  }
}
