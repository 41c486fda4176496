import type { PolicyDefinition } from '../policy.js';
import { ExpectedUsePolicy } from './expected-use.js';

/**
 * Belady's rule on learned next uses, after LRB (Song et al., NSDI 2020) and Parrot (Liu et al., ICML 2020): what each expert's own past and
 * similar passes say of its next use is fitted while the run goes on. Needs no predictor.
 */
export const learnedBelady: PolicyDefinition = {
  name: 'learned-belady',
  summary: 'evicts the expert whose next use is expected last, as learned from past uses and similar passes',
  cites: 'after LRB, NSDI 2020, and Parrot, ICML 2020',
  needs: ['expected'],
  create: (context) => new ExpectedUsePolicy(context, true),
};
