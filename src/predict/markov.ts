// Same-layer Markov chain: the experts that followed those of the request's previous token, at the same layer.
import { COST, membersOf, mixtureOf } from './members.js';
import type { PredictorDefinition } from './predictor.js';

/** Registry entry. */
export const markov: PredictorDefinition = {
  name: 'markov',
  summary: "the same layer's experts that tend to follow those of the previous token",
  cites: 'first-order Markov chain over one layer, read as naive Bayes',
  parameters: { costNs: COST },
  needs: [],
  create: (context, { costNs }) => mixtureOf(context, membersOf('markov', context, 0, 1), Number(costNs)),
};
