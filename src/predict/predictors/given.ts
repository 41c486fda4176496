// Predictors that learn nothing, since what they name is given: by the pass itself, spoiled or not, or by the layer.
import { member } from '../../base/members.js';
import type { ModelSpec } from '../../model/door.js';
import { COST, layerwise, type Predictor, type PredictorDefinition } from '../predictor.js';
import { publishedIn, spoiledTruth } from '../spoiled-truth.js';

/** Spoils the true path of the pass to a given recall and precision: what a predictor of that quality would gain. */
export const oracle: PredictorDefinition = {
  ...member('predictor', 'oracle', { costNs: COST }),
  knows: ({ precision, recall, source }) => publishedIn(source!, { recall: Number(recall), precision: Number(precision) }),
  create: ({ model, random }, { recall, precision }) => {
    const quality = { recall: Number(recall), precision: Number(precision) };
    return spoiledTruth(model, () => quality, random, true);
  },
};

/** Gives the true experts of layers whose choice has been made. @param ahead layers that are chosen when one is routed; 0: the whole path */
const choosing = (model: ModelSpec, ahead: number): Predictor =>
  layerwise(model, ({ experts, index, offset }, scores, pass, after) => {
    scores.fill(0, offset, offset + experts);
    if (ahead > 0 && (after < 0 || index - after > ahead)) return;
    for (let token = 0; token < pass.tokens; token++) {
      const count = pass.listChosen(token, index);
      for (let i = 0; i < count; i++) scores[offset + pass.chosen[i]!] = 1;
    }
  });

/** Pre-gating: the model itself was trained to choose its experts ahead of time, so the prediction is the choice and always right. */
export const preGated: PredictorDefinition = {
  ...member('predictor', 'pre-gated', { costNs: COST }),
  knows: () => ({ knows: 'future' }),
  create: ({ model }, { ahead }) => choosing(model, Number(ahead)),
};

/** No prediction: every expert of a layer, always. */
export const wholeLayer: PredictorDefinition = {
  ...member('predictor', 'whole-layer', { costNs: COST }),
  create: ({ model }) => ({
    ...layerwise(model, ({ experts, offset }, scores) => void scores.fill(1, offset, offset + experts)),
    versions: new Uint32Array(model.layers.length),
  }),
};
