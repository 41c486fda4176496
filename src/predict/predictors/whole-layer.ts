// Names every expert of a layer: no prediction, for systems that stream whole layers.
import type { ModelSpec } from '../../model/door.js';
import { COST, type Predictor, type PredictorDefinition } from '../predictor.js';

/** Names them all, always. */
function everyExpert({ layers }: ModelSpec): Predictor {
  return {
    versions: new Uint32Array(layers.length),
    observe() {},
    predict(_pass, after, horizon, scores) {
      const last = Math.min(layers.length - 1, after + horizon);
      for (let layer = after + 1; layer <= last; layer++) {
        const { experts, offset } = layers[layer]!;
        scores.fill(1, offset, offset + experts);
      }
    },
  };
}

/** Registry entry. */
export const wholeLayer: PredictorDefinition = {
  name: 'whole-layer',
  summary: 'every expert of a layer, for systems that stream whole layers',
  cites: 'SE-MoE, arXiv 2205.10034; FlexGen, arXiv 2303.06865',
  parameters: { costNs: COST },
  create: ({ model }) => everyExpert(model),
};
