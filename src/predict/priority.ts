// The priority of a prediction: its probability, reduced for each layer that it looks ahead, as in MoE-Infinity.
import type { ModelSpec } from '../model/spec.js';
import type { Predictor } from './predictor.js';

/**
 * The scores of a predictor times 1 - (x - l) / (L + 1), for layer x of L after layer l (MoE-Infinity, arXiv 2401.14361; before the pass l
 * is -1). What the next pass demands is not weighed.
 */
export function byDistance({ layers }: ModelSpec, predictor: Predictor): Predictor {
  const decayed: Predictor = {
    observe: (pass, layer) => predictor.observe(pass, layer),
    predict(pass, after, horizon, scores) {
      predictor.predict(pass, after, horizon, scores);
      const last = Math.min(layers.length - 1, after + horizon);
      for (let layer = after + 1; layer <= last; layer++) {
        const { experts, offset } = layers[layer]!;
        const weight = 1 - (layer - after) / (layers.length + 1);
        for (let id = offset; id < offset + experts; id++) scores[id]! *= weight;
      }
    },
    next: (pass, layer, scores) => predictor.next?.(pass, layer, scores),
    measured: () => predictor.measured?.() ?? {},
    close: () => predictor.close?.(),
  };
  // Versions tell of the layer that was known, too, so that they change with the weight.
  return predictor.versions === undefined ? decayed : { ...decayed, versions: predictor.versions };
}
