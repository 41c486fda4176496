import type { Random } from '../../base/random.js';
import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import { COST, layerwise, type Predictor, predictor } from '../predictor.js';
import { publishedIn } from '../spoiled-truth.js';

/**
 * Routing of drafts: a token's choice is named with probability `recall`, else a random expert not chosen by the token.
 */
function draftRouting(model: ModelSpec, recall: number, random: Random): Predictor {
  /** By dense id: first drafting step that names the expert; 0: unnamed. */
  const named = new Int32Array(model.experts);
  let of = -1;
  const name = (id: number, step: number): void => {
    if (named[id] === 0 || step < named[id]!) named[id] = step;
  };
  const draw = (pass: Pass): void => {
    of = pass.number;
    named.fill(0);
    for (let token = 0; token < pass.tokens; token++) {
      const step = pass.draftStep[token]!;
      if (step === 0) continue;
      for (const { experts, index, offset } of model.layers) {
        const count = pass.listChosen(token, index);
        for (let i = 0; i < count; i++) {
          if (random.next() < recall) name(offset + pass.chosen[i]!, step);
          else if (count < experts) name(offset + otherThan(pass.chosen, count, random.below(experts - count)), step);
        }
      }
    }
  };
  const predictor = layerwise(model, ({ experts, offset }, scores, pass) => {
    if (of !== pass.number) draw(pass);
    for (let id = offset; id < offset + experts; id++) scores[id] = named[id]! > 0 && named[id]! <= pass.drafted ? recall : 0;
  });
  return { ...predictor, drafts: true };
}

function otherThan(chosen: Uint16Array, count: number, place: number): number {
  for (let expert = 0, left = place; ; expert++) {
    if (chosen.indexOf(expert) >= 0 && chosen.indexOf(expert) < count) continue;
    if (left-- === 0) return expert;
  }
}

/**
 * A draft model's choices for the verifying pass: the truth spoiled to a published accuracy, as no trace holds drafts.
 */
export const draft = predictor({
  name: 'draft',
  summary: 'what a draft model chose for the tokens that it ran while drafting: the truth, spoiled to published accuracy',
  cites: 'MoE-SpeQ, arXiv 2511.14102; SP-MoE, arXiv 2510.10302',
  parameters: {
    recall: {
      default: 0.909,
      min: 0.01,
      max: 1,
      description: "published share of a token's experts that the draft chooses too",
    },
    source: {
      default: 'arXiv 2511.14102',
      description: 'where that is published; empty: nowhere, and it counts as seeing the future',
    },
    costNs: COST,
  },
  drafts: true,
  knows: ({ recall, source }) => publishedIn(source, { recall, precision: recall }),
  create: ({ model, random }, { recall }) => draftRouting(model, recall, random),
});
