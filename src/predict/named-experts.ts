import type { ModelSpec } from '../model/door.js';
import type { Pass } from '../schedule/door.js';
import { NULL_EXPERT } from '../trace/trace.js';
import type { PredictionCost } from './cost.js';
import { either } from './predictor.js';

/** One pseudo-observation at the mean of measured models (reuse by the next token, 0.26 to 0.5). */
const PRIOR = { right: 0.4, trials: 1 };

/** The cost of naming experts: bench/prediction-cost.mjs, on the host that cost.ts names. */
export const NAMING: PredictionCost = { callNs: 350, tokenNs: 0, expertNs: 0.2, mostTokens: Number.POSITIVE_INFINITY };

/** Predictors that name experts without probabilities: the share of names that turn out right is learned per layer, and stands for all. */
export class NamedExperts {
  readonly #model: ModelSpec;
  readonly #right: Float64Array;
  readonly #trials: Float64Array;

  constructor(model: ModelSpec) {
    this.#model = model;
    this.#right = new Float64Array(model.layers.length).fill(PRIOR.right);
    this.#trials = new Float64Array(model.layers.length).fill(PRIOR.trials);
  }

  /** Judges the experts named for a token at a layer, `names[from .. from + count)`, by its known choices. */
  judge({ choices, row, topK }: Pass, token: number, layer: number, names: Uint16Array, from: number, count: number): void {
    this.#trials[layer]! += named(names, from, count);
    this.#right[layer]! += overlap(names, from, count, choices, token * row + layer * topK, topK);
  }

  clear(layer: number, scores: Float32Array): void {
    const { experts, offset } = this.#model.layers[layer]!;
    scores.fill(0, offset, offset + experts);
  }

  /** Adds one token's named experts of a layer to a batch's scores; names beyond the layer's experts are ignored. */
  score(layer: number, names: Uint16Array, from: number, count: number, scores: Float32Array): void {
    const { experts, offset } = this.#model.layers[layer]!;
    const probability = this.#right[layer]! / this.#trials[layer]!;
    for (let i = from; i < from + count; i++) {
      const expert = names[i]!;
      if (expert < experts) scores[offset + expert] = either(scores[offset + expert]!, probability);
    }
  }
}

/** By expert: how often the list being compared has it; all zero between calls. Comparing pairs would mispredict branches. */
const marks = new Uint8Array(NULL_EXPERT + 1);

/** Counts equal experts in `names[from .. from + count)` and `choices[at .. at + topK)`, NULL_EXPERT aside. @param topK below 256 */
export function overlap(names: Uint16Array, from: number, count: number, choices: Uint16Array, at: number, topK: number): number {
  for (let i = at; i < at + topK; i++) marks[choices[i]!]! += 1;
  marks[NULL_EXPERT] = 0;
  let equal = 0;
  for (let i = from; i < from + count; i++) equal += marks[names[i]!]!;
  for (let i = at; i < at + topK; i++) marks[choices[i]!] = 0;
  return equal;
}

/** Experts in `names[from .. from + count)` that are not NULL_EXPERT. */
export function named(names: Uint16Array, from: number, count: number): number {
  let some = 0;
  for (let i = from; i < from + count; i++) some += names[i] === NULL_EXPERT ? 0 : 1;
  return some;
}
