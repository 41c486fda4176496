// Supplied by the trace: what some predictor outside moeprof said (the `predicted` tensor) is replayed as it was said. How far each of its
// ranks may be trusted is learned on the way; experts that it does not name are left to their popularity.
import type { ModelSpec } from '../model/spec.js';
import type { Pass } from '../schedule/pass.js';
import { NULL_EXPERT } from '../trace/trace.js';
import { type Evidence, NEXT_TOKEN } from './evidence.js';
import { mixtureOf } from './evidence-kinds.js';
import { evenShare } from './log-odds.js';
import { COST, type PredictorDefinition } from './predictor.js';

/** Pseudo-trials of each rank, right at the rate of a fair guess. */
const SMOOTHING = 4;

/** Log-odds of each rank of the supplied prediction, by layer. */
class Supplied implements Evidence {
  readonly #model: ModelSpec;
  /** Layers ahead for which a prediction is there by the time a layer is routed; 0: before the pass. */
  readonly #ahead: number;
  /** Ranks; allocated when the first pass shows how many there are. */
  #ranks = 0;
  /** `[layers, ranks]`. */
  #right = new Float64Array(0);
  #trials = new Float64Array(0);

  constructor(model: ModelSpec, ahead: number) {
    this.#model = model;
    this.#ahead = ahead;
  }

  add(pass: Pass, token: number, after: number, layer: number, weight: number, into: Float64Array): boolean {
    if (after === NEXT_TOKEN || (this.#ahead > 0 && (after < 0 || layer - after > this.#ahead))) return false;
    const { predicted, predictedK } = pass;
    const share = evenShare(this.#model.layers[layer]!);
    const from = (token * pass.layers + layer) * predictedK;
    for (let rank = 0; rank < predictedK; rank++) {
      const expert = predicted![from + rank]!;
      if (expert === NULL_EXPERT) continue;
      const at = layer * this.#ranks + rank;
      const right = (this.#ranks === 0 ? 0 : this.#right[at]!) + SMOOTHING * 0.5;
      const trials = (this.#ranks === 0 ? 0 : this.#trials[at]!) + SMOOTHING;
      into[expert]! += weight * (Math.log(right / (trials - right)) - Math.log(share / (1 - share)));
    }
    return true;
  }

  learn(pass: Pass, token: number, layer: number, counted: boolean): void {
    if (!counted) return;
    const { choices, predicted, predictedK, row, topK } = pass;
    if (this.#ranks === 0) {
      this.#ranks = predictedK;
      this.#right = new Float64Array(pass.layers * predictedK);
      this.#trials = new Float64Array(pass.layers * predictedK);
    }
    const from = (token * pass.layers + layer) * predictedK;
    const now = token * row + layer * topK;
    for (let rank = 0; rank < predictedK; rank++) {
      const expert = predicted![from + rank]!;
      if (expert === NULL_EXPERT) continue;
      this.#trials[layer * this.#ranks + rank]! += 1;
      for (let i = now; i < now + topK; i++) if (choices[i] === expert) this.#right[layer * this.#ranks + rank]! += 1;
    }
  }
}

/** Registry entry. */
export const supplied: PredictorDefinition = {
  name: 'supplied',
  summary: "what the trace's own `predicted` tensor says",
  cites: 'any predictor outside moeprof; e.g. the next layer’s gate of Mixtral-offloading, arXiv 2312.17238',
  parameters: {
    ahead: { default: 1, description: 'layers ahead for which a prediction is there when a layer is routed; 0: before the pass', min: 0 },
    costNs: COST,
  },
  needs: ['predicted'],
  create: (context, { ahead }) => mixtureOf(context, [{ evidence: new Supplied(context.model, Number(ahead)), weight: 1 }]),
};
