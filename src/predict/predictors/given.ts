import { member } from '../../base/members.js';
import type { ModelSpec } from '../../model/door.js';
import { COST, layerwise, type Predictor, type PredictorDefinition } from '../predictor.js';
import { publishedIn, spoiledTruth } from '../spoiled-truth.js';

/** The true path spoiled to a given recall and precision. */
export const oracle: PredictorDefinition = {
  ...member('predictor', 'oracle', { costNs: COST }),
  knows: ({ precision, recall, source }) => publishedIn(source!, { recall: Number(recall), precision: Number(precision) }),
  create: ({ model, random }, { recall, precision }) => {
    const quality = { recall: Number(recall), precision: Number(precision) };
    return spoiledTruth(model, () => quality, random, true);
  },
};

/** True experts of already chosen layers. @param ahead layers chosen in advance; 0: the whole path */
const choosing = (model: ModelSpec, ahead: number): Predictor =>
  layerwise(model, ({ experts, index, offset }, scores, pass, after) => {
    scores.fill(0, offset, offset + experts);
    if (ahead > 0 && (after < 0 || index - after > ahead)) return;
    for (let token = 0; token < pass.tokens; token++) {
      const count = pass.listChosen(token, index);
      for (let i = 0; i < count; i++) scores[offset + pass.chosen[i]!] = 1;
    }
  });

/** Pre-gating: the model chooses experts ahead of time, so predictions are right. */
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
