import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';
import { mixtureOf } from '../evidence/evidence-kinds.js';
import { type Evidence, evenShare, NEXT_TOKEN } from '../evidence.js';
import { COST, predictor } from '../predictor.js';

/** Pseudo-trials of each rank at a rate of one half. Ours. */
const SMOOTHING = 4;

/** Log-odds of each rank of the trace's `predicted` tensor, learned by layer during the run. */
export class Supplied implements Evidence {
  readonly #model: ModelSpec;
  /** Layers ahead of each equal part of a row; 0: before the pass. */
  readonly #ahead: readonly number[];
  #ranks = 0;
  #right = new Float64Array(0);
  #trials = new Float64Array(0);

  constructor(model: ModelSpec, ahead: readonly number[]) {
    this.#model = model;
    this.#ahead = ahead;
  }

  /** Latest available part for `layer`; -1: no part. */
  #partFor(after: number, layer: number): number {
    if (after === NEXT_TOKEN) return -1;
    let best = -1;
    for (let part = 0; part < this.#ahead.length; part++) {
      const ahead = this.#ahead[part]!;
      if (ahead > 0 && (after < 0 || layer - after > ahead)) continue;
      if (best < 0 || this.#ahead[best] === 0 || (ahead > 0 && ahead < this.#ahead[best]!)) best = part;
    }
    return best;
  }

  add(pass: Pass, token: number, after: number, layer: number, weight: number, into: Float64Array): boolean {
    const part = this.#partFor(after, layer);
    if (part < 0) return false;
    const { predicted, predictedK } = pass;
    const share = evenShare(this.#model.layers[layer]!);
    const from = (token * pass.layers + layer) * predictedK;
    const width = predictedK / this.#ahead.length;
    for (let rank = part * width; rank < (part + 1) * width; rank++) {
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

/** The trace's `predicted` tensor as a predictor. */
export const supplied = predictor({
  name: 'supplied',
  summary: "what the trace's own `predicted` tensor says",
  cites: 'any predictor outside moeprof; e.g. the next layer’s gate of Mixtral-offloading, arXiv 2312.17238',
  parameters: {
    ahead: {
      default: 1,
      min: 0,
      description: 'layers ahead for which a prediction is there when a layer is routed, where the trace does not say; 0: before the pass',
    },
    costNs: COST,
  },
  needs: ['predicted'],
  knows: () => ({ knows: 'recorded' }),
  create: (context, { ahead }) => {
    const { model, recorded = [] } = context;
    return mixtureOf(context, [{ evidence: new Supplied(model, recorded.length > 0 ? recorded : [ahead]), weight: 1 }]);
  },
});
