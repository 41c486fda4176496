// The kinds of evidence by name, and how a mixture is put together from them: what `ensemble` and `adaptive` combine.
import { UserError } from '../base/errors.js';
import type { Parameter, Parameters } from '../base/parameters.js';
import { didYouMean } from '../base/text.js';
import type { WeightedEvidence } from './evidence.js';
import { History } from './history.js';
import { Mixture } from './mixture.js';
import { PathStore } from './path-store.js';
import type { PredictorContext, PredictorNeed } from './predictor.js';
import { SameLayer } from './same-layer.js';
import { TokenExperts } from './token-experts.js';
import { trainedOn } from './training.js';
import { Transitions } from './transitions.js';

/** Parameter of predictors with transition tables. */
export const REACH: Parameter = { default: 1, description: 'layers ahead that have a transition table of their own', min: 1 };
/** Parameter of predictors that look token ids up: 16,384 ids of a model with 6,144 experts take 100 MB. */
export const IDS: Parameter = { default: 16384, description: 'token ids that are told apart, first come, first served', min: 1 };
/** Parameter of predictors that combine kinds of evidence. */
export const PARTS: Parameter = {
  default: 'transition+history+markov',
  description: 'kinds of evidence: transition, history, markov, expert-map, token-table',
};

/**
 * Kinds of evidence that can be combined, by name. `reach` is that of the transition tables, which `markov` leaves the near layers to.
 *
 * The weights are ours and only those before the first fit. They are small because a naive-Bayes sum over k dependent experts
 * overstates its case. Halved or doubled, they change the recall of `ensemble` by at most 0.15 points on four traces (see evidence.ts).
 */
const KINDS: Readonly<Record<string, (context: PredictorContext, reach: number, ids: number) => WeightedEvidence>> = {
  transition: ({ model }, reach) => ({ evidence: new Transitions(model, reach), weight: 0.3 }),
  history: ({ model, slots }) => ({ evidence: new History(model, slots), weight: 0.6 }),
  markov: ({ model, slots, topK }, reach) => ({ evidence: new SameLayer(model, slots, topK, reach), weight: 0.2 }),
  'expert-map': ({ model, topK }) => ({ evidence: new PathStore(model, topK, 1024, 16), weight: 0.4 }),
  'token-table': ({ model }, _reach, ids) => ({ evidence: new TokenExperts(model, ids), weight: 0.4 }),
};

/**
 * Makes the evidence that the values of {@link PARTS}, {@link REACH} and {@link IDS} name.
 * @throws UserError for an unknown kind
 */
export function evidenceOf(context: PredictorContext, { parts, reach, ids }: Parameters): WeightedEvidence[] {
  const names = String(parts).split('+');
  const covered = names.includes('transition') ? Number(reach) : 0;
  return names.map((name) => {
    const make = KINDS[name];
    if (make === undefined) throw new UserError(`predictor: parts: "${name}" is unknown; ${didYouMean(name, Object.keys(KINDS))}`);
    return make(context, name === 'markov' ? covered : Number(reach), Number(ids));
  });
}

/** What the trace must carry for the kinds that `parts` names. */
export function needsOf({ parts }: Parameters): readonly PredictorNeed[] {
  return String(parts).split('+').includes('token-table') ? ['tokenIds'] : [];
}

/** A mixture of this evidence that has learned from the training traces. */
export function mixtureOf(context: PredictorContext, evidence: readonly WeightedEvidence[], costNs: number): Mixture {
  return trainedOn(new Mixture(context.model, evidence, costNs), context.training);
}
