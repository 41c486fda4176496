// ExpertFlow's cache: next uses are expected from what is predicted of this pass and what is learned of later ones.
import type { PolicyDefinition } from '../policy.js';
import { ExpectedUsePolicy } from './expected-use.js';

/**
 * Predictive locality-aware expert caching of ExpertFlow, arXiv 2410.17954: predicted experts are kept, finished ones make room, across all
 * layers where the scope is global. The paper ranks by the predicted paths of the running batches; here learned expectations of later passes
 * count too, so that an expert is not evicted merely because this pass does not use it.
 */
export const plec: PolicyDefinition = {
  name: 'plec',
  summary: 'evicts the expert whose next use is expected last, by what is predicted of this pass and learned of later ones',
  cites: 'PLEC of ExpertFlow, arXiv 2410.17954',
  parameters: {
    selective: { default: true, description: 'stream an expert that is expected later than every resident, instead of inserting it' },
  },
  needs: ['expected'],
  takes: ['predicted'],
  create: (context, { selective }) => new ExpectedUsePolicy(context, selective === true),
};
