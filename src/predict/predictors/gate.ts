import { UserError } from '../../base/errors.js';
import { mixtureOf } from '../evidence/evidence-kinds.js';
import { COST, predictor } from '../predictor.js';
import { type Quality, spoiledTruth } from '../spoiled-truth.js';
import { Supplied } from './supplied.js';

/** Default distances of a recording, layers ahead. */
const USUAL_DISTANCES = [1];

interface Published {
  readonly recall: string;
  readonly precision: string;
  readonly decay: number;
}

/** Recall and precision by distance, times `decay` per unlisted layer. @throws UserError for a value outside (0, 1] */
export function gateQuality({ decay, precision, recall }: Published): (distance: number) => Quality {
  const recalls = sharesOf('recall', recall);
  const precisions = precision === 'recall' ? recalls : sharesOf('precision', precision);
  const at = (shares: readonly number[], distance: number): number => {
    const listed = Math.min(distance, shares.length);
    return shares[listed - 1]! * decay ** (distance - listed);
  };
  return (distance) => ({ recall: at(recalls, distance), precision: at(precisions, distance) });
}

function sharesOf(name: string, text: string): number[] {
  const shares = text.split(/[/,]/).map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (shares.every((share) => share > 0 && share <= 1)) return shares;
  throw new UserError(`predictor gate: ${name}: '${text}' is no list of shares; write 0.84, or 0.84/0.76 for one and two layers ahead`);
}

/** Next layers' gates on the hidden state: from the trace, or the truth spoiled to a published accuracy (L17). */
export const gate = predictor({
  name: 'gate',
  summary: 'the next layers’ gates on this layer’s hidden state: as recorded, else the truth spoiled to published accuracy',
  cites: 'Mixtral-offloading, arXiv 2312.17238; accuracy one layer ahead: DAOP, arXiv 2501.10375',
  parameters: {
    recall: {
      default: '0.84',
      description: 'published share of the demanded experts that it names, by distance: 0.84, or 0.84/0.76',
    },
    precision: {
      default: 'recall',
      description: 'published share of the named experts that are demanded, by distance; recall: the same',
    },
    // Ours: the gates of mini-finegrained-64x12l have .715, .601 and .536 one, two and three layers ahead (docs/predictors.md).
    decay: {
      default: 0.87,
      min: 0.01,
      max: 1,
      description: 'what is left of both for each layer beyond the last distance that is given',
    },
    source: { default: 'arXiv 2501.10375', description: 'where recall and precision are published' },
    costNs: COST,
  },
  runsGates: true,
  knows: (parameters, recorded) => {
    if (recorded !== undefined) return { knows: 'recorded' };
    return { knows: 'published', ...gateQuality(parameters)(1), source: parameters.source };
  },
  create: (context, parameters) => {
    const quality = gateQuality(parameters);
    const { model, random, recorded } = context;
    if (recorded === undefined) return spoiledTruth(model, (distance) => (Number.isFinite(distance) ? quality(distance) : null), random);
    const distances = recorded.length === 0 ? USUAL_DISTANCES : recorded;
    return mixtureOf(context, [{ evidence: new Supplied(model, distances), weight: 1 }]);
  },
});
