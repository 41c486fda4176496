// Popularity: every token uses the experts that most tokens use. Knows nothing of the request; what a static placement bets on.
import { COST, mixtureOf } from './members.js';
import type { PredictorDefinition } from './predictor.js';

/** Registry entry. */
export const popularity: PredictorDefinition = {
  name: 'popularity',
  summary: 'the experts that are used most often',
  cites: 'static placement of Fiddler, arXiv 2402.07033',
  parameters: { costNs: COST },
  needs: [],
  create: (context, { costNs }) => mixtureOf(context, [], Number(costNs)),
};
