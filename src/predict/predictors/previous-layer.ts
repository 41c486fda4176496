// Layer-level persistence (SLP): a token uses experts of the same ids as at the layer before. Ids of different layers are unrelated, so it
// does no better than chance; it is the weaker baseline of ExpertFlow.
import type { ModelSpec } from '../../model/door.js';
import { NAMING, NamedExperts } from '../named-experts.js';
import { COST, type Predictor, type PredictorDefinition } from '../predictor.js';
import { trainedOn } from '../training.js';

/** Predicts the last known layer's ids. */
function sameIds(model: ModelSpec): Predictor {
  const names = new NamedExperts(model);
  return {
    observe(pass, layer) {
      if (layer === 0) return;
      const { choices, row, tokens, topK } = pass;
      for (let token = 0; token < tokens; token++) names.judge(pass, token, layer, choices, token * row + (layer - 1) * topK, topK);
    },
    predict({ choices, row, tokens, topK }, after, horizon, scores) {
      const last = Math.min(model.layers.length - 1, after + horizon);
      for (let layer = after + 1; layer <= last; layer++) {
        names.clear(layer, scores);
        if (after < 0) continue;
        for (let token = 0; token < tokens; token++) names.score(layer, choices, token * row + after * topK, topK, scores);
      }
    },
  };
}

/** Registry entry. */
export const previousLayer: PredictorDefinition = {
  name: 'previous-layer',
  summary: 'experts of the same ids as at the last layer that is known',
  cites: 'baseline SLP of ExpertFlow, arXiv 2410.17954',
  parameters: { costNs: COST },
  cost: () => NAMING,
  create: (context) => trainedOn(sameIds(context.model), context.training),
};
