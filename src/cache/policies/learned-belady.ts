// Belady's rule on next uses that are learned during the run.
import type { PolicyDefinition } from '../policy.js';
import { ExpectedUsePolicy } from './expected-use.js';

/**
 * Belady's rule on learned next uses, after LRB (Song et al., NSDI 2020) and Parrot (Liu et al., ICML 2020): next uses are estimated from
 * each expert's own past and from similar passes, with weights fitted during the run. Needs no predictor.
 */
export const learnedBelady: PolicyDefinition = {
  name: 'learned-belady',
  summary: 'evicts the expert whose next use is expected last, as learned from past uses and similar passes',
  cites: 'after LRB, NSDI 2020, and Parrot, ICML 2020',
  needs: ['expected'],
  create: (context) => new ExpectedUsePolicy(context, true),
};
