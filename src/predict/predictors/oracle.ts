// An oracle of a chosen quality: it knows the true path of the pass and spoils it to a given recall and precision. It shows what a predictor
// of that quality would gain.
import { COST, type PredictorDefinition } from '../predictor.js';
import { spoiledTruth } from '../spoiled-truth.js';

/** Registry entry. */
export const oracle: PredictorDefinition = {
  name: 'oracle',
  summary: 'the true path, spoiled to a given recall and precision',
  cites: 'an upper reference, no published system',
  parameters: {
    recall: { default: 1, description: 'share of the demanded experts that it names', min: 0, max: 1 },
    precision: { default: 1, description: 'share of the named experts that are demanded', min: 0.01, max: 1 },
    source: { default: '', description: 'where recall and precision are published; empty: nowhere, and it counts as seeing the future' },
    costNs: COST,
  },
  knows: ({ precision, recall, source }) =>
    source === ''
      ? { knows: 'future' }
      : { knows: 'published', recall: Number(recall), precision: Number(precision), source: String(source) },
  create: ({ model, random }, { recall, precision }) => {
    const quality = { recall: Number(recall), precision: Number(precision) };
    return spoiledTruth(model, () => quality, random);
  },
};
