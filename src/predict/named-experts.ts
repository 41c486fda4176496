import type { ModelSpec } from '../model/door.js';
import type { Pass } from '../schedule/door.js';
import { NULL_EXPERT } from '../trace/trace.js';
import type { PredictionCost } from './cost.js';
import { either } from './predictor.js';

/** A pseudo-observation at the mean of measured models (reuse by the next token: 0.26 to 0.5). */
const PRIOR = { right: 0.4, trials: 1 };

/** Cost of naming experts: bench/prediction-cost.mjs, on the host of cost.ts. */
export const NAMING: PredictionCost = { callNs: 350, tokenNs: 0, expertNs: 0.2, mostTokens: Number.POSITIVE_INFINITY };

/** Probability: the learned share of correct names per layer. */
export class NamedExperts {
  readonly #model: ModelSpec;
  readonly #right: Float64Array;
  readonly #trials: Float64Array;

  constructor(model: ModelSpec) {
    this.#model = model;
    this.#right = new Float64Array(model.layers.length).fill(PRIOR.right);
    this.#trials = new Float64Array(model.layers.length).fill(PRIOR.trials);
  }

  /** Compares `names[from .. from + count)` with a token's known choices at a layer. */
  judge({ choices, row, topK }: Pass, token: number, layer: number, names: Uint16Array, from: number, count: number): void {
    this.#trials[layer]! += named(names, from, count);
    this.#right[layer]! += overlap(names, from, count, choices, token * row + layer * topK, topK);
  }

  clear(layer: number, scores: Float32Array): void {
    const { experts, offset } = this.#model.layers[layer]!;
    scores.fill(0, offset, offset + experts);
  }

  /** Adds named experts to a batch's scores; names beyond the layer's experts are ignored. */
  score(layer: number, names: Uint16Array, from: number, count: number, scores: Float32Array): void {
    const { experts, offset } = this.#model.layers[layer]!;
    const probability = this.#right[layer]! / this.#trials[layer]!;
    for (let i = from; i < from + count; i++) {
      const expert = names[i]!;
      if (expert < experts) scores[offset + expert] = either(scores[offset + expert]!, probability);
    }
  }
}

/** Occurrences by expert, all zero between calls. Comparing pairs would mispredict branches. */
const marks = new Uint8Array(NULL_EXPERT + 1);

/** Equal in `names[from .. from + count)` and `choices[at .. at + topK)`, without NULL_EXPERT. @param topK to 255 */
export function overlap(names: Uint16Array, from: number, count: number, choices: Uint16Array, at: number, topK: number): number {
  for (let i = at; i < at + topK; i++) marks[choices[i]!]! += 1;
  marks[NULL_EXPERT] = 0;
  let equal = 0;
  for (let i = from; i < from + count; i++) equal += marks[names[i]!]!;
  for (let i = at; i < at + topK; i++) marks[choices[i]!] = 0;
  return equal;
}

/** Experts in `names[from .. from + count)`, without NULL_EXPERT. */
export function named(names: Uint16Array, from: number, count: number): number {
  let some = 0;
  for (let i = from; i < from + count; i++) some += names[i] === NULL_EXPERT ? 0 : 1;
  return some;
}
