// Expert maps: the layers ahead look like those of the past tokens whose paths agree best with this one's so far. FineMoE's predictor.
import { COST, mixtureOf } from './members.js';
import { PathStore } from './path-store.js';
import type { PredictorDefinition } from './predictor.js';

/** Registry entry. */
export const expertMap: PredictorDefinition = {
  name: 'expert-map',
  summary: "the experts of past tokens whose path so far is most like this one's",
  cites: 'FineMoE, arXiv 2502.05370',
  parameters: {
    maps: { default: 1024, description: 'paths of past tokens that are kept', min: 32, max: 65536 },
    matches: { default: 16, description: 'most similar paths that vote', min: 1 },
    costNs: COST,
  },
  needs: [],
  create(context, { maps, matches, costNs }) {
    const evidence = new PathStore(context.model, context.topK, Math.floor(Number(maps)), Math.floor(Number(matches)));
    return mixtureOf(context, [{ evidence, weight: 0.5 }], Number(costNs));
  },
};
