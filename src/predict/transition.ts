// Cross-layer transition: the experts a token has just used tell which it will use at the next layers. Farther layers, and a pass of which
// nothing is known yet, are predicted from the request's previous token.
import { COST, type Member, mixtureOf, REACH } from './members.js';
import type { PredictorDefinition } from './predictor.js';
import { PreviousToken } from './previous-token.js';
import { Transitions } from './transitions.js';

/** Registry entry. */
export const transition: PredictorDefinition = {
  name: 'transition',
  summary: "the next layers' experts from the true experts of this one, by a table of log-odds",
  cites: 'naive Bayes over expert transitions; the count-based end of ExpertFlow, arXiv 2410.17954, and MoE-Infinity, arXiv 2401.14361',
  parameters: {
    reach: REACH,
    previous: { default: false, description: "also weigh the previous token's experts where a transition table speaks" },
    costNs: COST,
  },
  needs: [],
  create(context, { reach, previous, costNs }) {
    const { model, slots, topK } = context;
    const members: Member[] = [
      { evidence: new Transitions(model, Number(reach)), weight: 0.3 },
      { evidence: new PreviousToken(model, slots, topK, previous === true ? 0 : Number(reach)), weight: 0.6 },
    ];
    return mixtureOf(context, members, Number(costNs));
  },
};
