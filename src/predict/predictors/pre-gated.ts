// Pre-gating: the model itself was trained to choose its experts ahead of time, so the prediction is the choice and always right.
import type { ModelSpec } from '../../model/door.js';
import { COST, type Predictor, type PredictorDefinition } from '../predictor.js';

/**
 * Gives the true experts of the layers whose choice has been made, and nothing of the others.
 * @param ahead layers ahead that are chosen by the time a layer is routed; 0: the whole path, before the pass
 */
function choosing({ layers }: ModelSpec, ahead: number): Predictor {
  return {
    observe() {},
    predict(pass, after, horizon, scores) {
      const last = Math.min(layers.length - 1, after + horizon);
      for (let layer = after + 1; layer <= last; layer++) {
        const { experts, offset } = layers[layer]!;
        scores.fill(0, offset, offset + experts);
        if (ahead > 0 && (after < 0 || layer - after > ahead)) continue;
        for (let token = 0; token < pass.tokens; token++) {
          const count = pass.listChosen(token, layer);
          for (let i = 0; i < count; i++) scores[offset + pass.chosen[i]!] = 1;
        }
      }
    },
  };
}

/** Registry entry. */
export const preGated: PredictorDefinition = {
  name: 'pre-gated',
  summary: 'the true experts: the model chooses them ahead of time',
  cites: 'Pre-gated MoE, arXiv 2308.12066 (ahead=1); Read-ME, arXiv 2410.19123 (ahead=0)',
  parameters: {
    ahead: { default: 1, description: 'layers ahead whose experts are chosen; 0: the whole path, before the pass', min: 0 },
    costNs: COST,
  },
  knows: () => ({ knows: 'future' }),
  create: ({ model }, { ahead }) => choosing(model, Number(ahead)),
};
