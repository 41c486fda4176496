// From a network's probabilities for each token to the probability that the pass demands an expert.
import type { ModelSpec } from '../../model/door.js';
import { either } from '../predictor.js';

/** Probabilities are rounded to this, far below what matters and far above what arithmetic differs by from one CPU to another. */
const RESOLUTION = 2 ** 20;

/**
 * Fills the scores of the layers `(after, last]`: an expert is demanded where any of the tokens uses it, and they are taken as independent.
 * @param logits `[tokens, experts]`
 */
export function unionOf(
  logits: Float32Array,
  tokens: number,
  { experts: width, layers }: ModelSpec,
  after: number,
  last: number,
  scores: Float32Array,
): void {
  for (let layer = after + 1; layer <= last; layer++) {
    const { experts, offset } = layers[layer]!;
    scores.fill(0, offset, offset + experts);
    for (let token = 0; token < tokens; token++) {
      const row = token * width;
      for (let id = offset; id < offset + experts; id++) {
        const probability = Math.round(RESOLUTION / (1 + Math.exp(-logits[row + id]!))) / RESOLUTION;
        scores[id] = either(scores[id]!, probability);
      }
    }
  }
}

/** Measured times of a model per call and per token, ns; empty where no token has been predicted. */
export function wallTimes(calls: number, tokens: number, wallMs: number): Readonly<Record<string, number>> {
  if (tokens === 0) return {};
  return {
    'predict.calls': calls,
    'predict.wall_ns_per_call': Math.round((wallMs * 1e6) / calls),
    'predict.wall_ns_per_token': Math.round((wallMs * 1e6) / tokens),
  };
}
