// An oracle of a chosen quality: it knows the pass's true path and spoils it to a given recall and precision. What a predictor of that
// quality would buy, without having one.
import type { Random } from '../base/random.js';
import type { ModelSpec } from '../model/spec.js';
import type { Pass } from '../schedule/pass.js';
import { COST, type Predictor, type PredictorDefinition } from './predictor.js';

/** Marks of a demanded expert while a path is drawn; one that is demanded and will not be named. */
const TRUE = 2;
const MISSED = 3;

/** Names true experts with probability `recall`, and false ones so that `precision` of all it names are true. */
function spoiled({ experts: ids, layers }: ModelSpec, recall: number, precision: number, random: Random): Predictor {
  /** What the oracle says of the running pass: drawn once per pass, so that correction does not reroll it. */
  const named = new Uint8Array(ids);
  let drawn = -1;
  const draw = (pass: Pass, layer: number): void => {
    const { experts, offset } = layers[layer]!;
    named.fill(0, offset, offset + experts);
    for (let token = 0; token < pass.tokens; token++) {
      const count = pass.listChosen(token, layer);
      for (let i = 0; i < count; i++) named[offset + pass.chosen[i]!] = TRUE;
    }
    let hits = 0;
    let falseExperts = 0;
    for (let id = offset; id < offset + experts; id++) {
      if (named[id] !== TRUE) falseExperts++;
      else if (random.next() < recall) hits++;
      else named[id] = MISSED;
    }
    // Expected false names: hits x (1 - precision) / precision, spread evenly over the experts that are not demanded.
    const chance = falseExperts === 0 ? 0 : Math.min(1, (hits * (1 - precision)) / precision / falseExperts);
    for (let id = offset; id < offset + experts; id++) {
      if (named[id] === 0) named[id] = chance > 0 && random.next() < chance ? 1 : 0;
      else if (named[id] === MISSED) named[id] = 0;
    }
  };
  return {
    observe() {},
    predict(pass, after, horizon, scores) {
      if (drawn !== pass.number) {
        drawn = pass.number;
        for (let layer = 0; layer < layers.length; layer++) draw(pass, layer);
      }
      const last = Math.min(layers.length - 1, after + horizon);
      for (let layer = after + 1; layer <= last; layer++) {
        const { experts, offset } = layers[layer]!;
        for (let id = offset; id < offset + experts; id++) scores[id] = named[id]! > 0 ? precision : 0;
      }
    },
  };
}

/** Registry entry. */
export const oracle: PredictorDefinition = {
  name: 'oracle',
  summary: 'the true path, spoiled to a given recall and precision',
  cites: 'an upper reference, no published system',
  parameters: {
    recall: { default: 1, description: 'share of the demanded experts that it names', min: 0, max: 1 },
    precision: { default: 1, description: 'share of the named experts that are demanded', min: 0.01, max: 1 },
    costNs: COST,
  },
  create: ({ model, random }, { recall, precision }) => spoiled(model, Number(recall), Number(precision), random),
};
