// The kinds of evidence by name, and how a mixture is put together from them: what the ensemble combines, and what each predictor that
// counts is made of.
import { UserError } from '../base/errors.js';
import type { Parameter } from '../base/parameters.js';
import { didYouMean } from '../base/text.js';
import type { Evidence } from './evidence.js';
import { History } from './history.js';
import { Mixture } from './mixture.js';
import { PathStore } from './path-store.js';
import type { PredictorContext } from './predictor.js';
import { SameLayer } from './same-layer.js';
import { TokenExperts } from './token-experts.js';
import { trainOn } from './training.js';
import { Transitions } from './transitions.js';

/** An evidence, and its weight before anything has been fitted. */
export interface Member {
  readonly evidence: Evidence;
  readonly weight: number;
}

/** Parameter that every predictor has. */
export const COST: Parameter = { default: 0, description: 'modelled cost of one prediction, ns', min: 0 };
/** Parameter of predictors with transition tables. */
export const REACH: Parameter = { default: 1, description: 'layers ahead that have a transition table of their own', min: 1 };
/** Parameter of predictors that look token ids up: 16,384 ids of a model with 6,144 experts take 100 MB. */
export const IDS: Parameter = { default: 16384, description: 'token ids that are told apart, first come, first served', min: 1 };

/**
 * Kinds of evidence that can be combined, by name. A naive-Bayes sum over k dependent experts overstates its case: small weights.
 * `reach` is that of the transition tables, which `markov` leaves the near layers to.
 */
const KINDS: Readonly<Record<string, (context: PredictorContext, reach: number, ids: number) => Member>> = {
  transition: ({ model }, reach) => ({ evidence: new Transitions(model, reach), weight: 0.3 }),
  history: ({ model, slots }) => ({ evidence: new History(model, slots), weight: 0.6 }),
  markov: ({ model, slots, topK }, reach) => ({ evidence: new SameLayer(model, slots, topK, reach), weight: 0.2 }),
  'expert-map': ({ model, topK }) => ({ evidence: new PathStore(model, topK, 1024, 16), weight: 0.4 }),
  'token-table': ({ model }, _reach, ids) => ({ evidence: new TokenExperts(model, ids), weight: 0.4 }),
};

/**
 * Makes the members that `parts` names.
 * @param parts names joined by `+`
 * @throws UserError for an unknown name
 */
export function membersOf(parts: string, context: PredictorContext, reach: number, ids: number): Member[] {
  const names = parts.split('+');
  const covered = names.includes('transition') ? reach : 0;
  return names.map((part) => {
    const make = KINDS[part];
    if (make === undefined) throw new UserError(`predictor: parts: "${part}" is unknown; ${didYouMean(part, Object.keys(KINDS))}`);
    return make(context, part === 'markov' ? covered : reach, ids);
  });
}

/** A mixture of these members that has learned from the training traces. */
export function mixtureOf(context: PredictorContext, members: readonly Member[], costNs: number): Mixture {
  const mixture = new Mixture({ model: context.model, members, costNs });
  trainOn(mixture, context.training);
  return mixture;
}
