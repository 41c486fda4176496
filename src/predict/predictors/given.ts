import type { ModelSpec } from '../../model/door.js';
import { COST, layerwise, type Predictor, predictor } from '../predictor.js';
import { publishedIn, spoiledTruth } from '../spoiled-truth.js';

/** The true path spoiled to a given recall and precision. */
export const oracle = predictor({
  name: 'oracle',
  summary: 'the true path, spoiled to a given recall and precision',
  cites: 'an upper reference, no published system',
  parameters: {
    recall: { default: 1, min: 0, max: 1, description: 'share of the demanded experts that it names' },
    precision: { default: 1, min: 0.01, max: 1, description: 'share of the named experts that are demanded' },
    source: {
      default: '',
      description: 'where recall and precision are published; empty: nowhere, and it counts as seeing the future',
    },
    costNs: COST,
  },
  knows: ({ precision, recall, source }) => publishedIn(source, { recall, precision }),
  create: ({ model, random }, { recall, precision }) => {
    const quality = { recall, precision };
    return spoiledTruth(model, () => quality, random, true);
  },
});

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
export const preGated = predictor({
  name: 'pre-gated',
  summary: 'the true experts: the model chooses them ahead of time',
  cites: 'Pre-gated MoE, arXiv 2308.12066 (ahead=1); Read-ME, arXiv 2410.19123 (ahead=0)',
  parameters: {
    ahead: {
      default: 1,
      min: 0,
      description: 'layers ahead whose experts are chosen; 0: the whole path, before the pass',
    },
    costNs: COST,
  },
  knows: () => ({ knows: 'future' }),
  create: ({ model }, { ahead }) => choosing(model, ahead),
});

/** No prediction: every expert of a layer, always. */
export const wholeLayer = predictor({
  name: 'whole-layer',
  summary: 'every expert of a layer, for systems that stream whole layers',
  cites: 'SE-MoE, arXiv 2205.10034; FlexGen, arXiv 2303.06865',
  parameters: { costNs: COST },
  create: ({ model }) => ({
    ...layerwise(model, ({ experts, offset }, scores) => void scores.fill(1, offset, offset + experts)),
    versions: new Uint32Array(model.layers.length),
  }),
});
