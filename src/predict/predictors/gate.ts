import { UserError } from '../../base/errors.js';
import { member } from '../../base/members.js';
import type { Parameters } from '../../base/parameters.js';
import { mixtureOf } from '../evidence/evidence-kinds.js';
import { COST, type PredictorDefinition } from '../predictor.js';
import { type Quality, spoiledTruth } from '../spoiled-truth.js';
import { Supplied } from './supplied.js';

/** Default distances of a recording, layers ahead. */
const USUAL_DISTANCES = [1];

/** Recall and precision by distance, times `decay` per unlisted layer. @throws UserError for a value outside (0, 1] */
export function gateQuality({ decay, precision, recall }: Parameters): (distance: number) => Quality {
  const recalls = sharesOf('recall', String(recall));
  const precisions = precision === 'recall' ? recalls : sharesOf('precision', String(precision));
  const at = (shares: readonly number[], distance: number): number => {
    const listed = Math.min(distance, shares.length);
    return shares[listed - 1]! * Number(decay) ** (distance - listed);
  };
  return (distance) => ({ recall: at(recalls, distance), precision: at(precisions, distance) });
}

function sharesOf(name: string, text: string): number[] {
  const shares = text.split(/[/,]/).map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (shares.every((share) => share > 0 && share <= 1)) return shares;
  throw new UserError(`predictor gate: ${name}: '${text}' is no list of shares; write 0.84, or 0.84/0.76 for one and two layers ahead`);
}

/** Next layers' gates on the hidden state: from the trace, or the truth spoiled to a published accuracy (L17). */
export const gate: PredictorDefinition = {
  ...member('predictor', 'gate', { costNs: COST }),
  runsGates: true,
  knows: ({ recall, source, ...parameters }, recorded) => {
    if (recorded !== undefined) return { knows: 'recorded' };
    return { knows: 'published', ...gateQuality({ ...parameters, recall: recall! })(1), source: String(source) };
  },
  create: (context, parameters) => {
    const quality = gateQuality(parameters);
    const { model, random, recorded } = context;
    if (recorded === undefined) return spoiledTruth(model, (distance) => (Number.isFinite(distance) ? quality(distance) : null), random);
    const distances = recorded.length === 0 ? USUAL_DISTANCES : recorded;
    return mixtureOf(context, [{ evidence: new Supplied(model, distances), weight: 1 }]);
  },
};
