// Ensemble: transitions, the request's history and whatever else is named, weighed against one another while the run goes on.
import { COST, IDS, membersOf, mixtureOf, REACH } from './members.js';
import type { PredictorDefinition } from './predictor.js';

/** Registry entry. */
export const ensemble: PredictorDefinition = {
  name: 'ensemble',
  summary: 'a log-linear mixture of transitions, history and others, its weights fitted online',
  cites: 'logarithmic opinion pool (Genest and Zidek, Statistical Science 1(1), 1986) with weights by logistic regression',
  parameters: {
    parts: { default: 'transition+history+markov', description: 'kinds of evidence: transition, history, markov, expert-map, token-table' },
    reach: REACH,
    ids: IDS,
    costNs: COST,
  },
  needs: [],
  needsWith: ({ parts }) => (String(parts).split('+').includes('token-table') ? ['tokenIds'] : []),
  create: (context, { parts, reach, ids, costNs }) =>
    mixtureOf(context, membersOf(String(parts), context, Number(reach), Number(ids)), Number(costNs)),
};
