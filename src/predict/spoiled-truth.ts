// The true experts of a pass, spoiled to a given recall and precision: for a predictor that cannot run on a trace.
import type { Parameters } from '../base/parameters.js';
import type { Random } from '../base/random.js';
import type { ModelSpec } from '../model/door.js';
import type { Known } from '../result/knowledge.js';
import type { Pass } from '../schedule/door.js';
import { layerwise, type Predictor } from './predictor.js';

/** Recall and precision at one distance, 0..1. */
export interface Quality {
  /** Share of the demanded experts that it names. */
  readonly recall: number;
  /** Share of the named experts that are demanded. */
  readonly precision: number;
}

/** Marks of an expert while a pass is drawn. */
const FALSE = 0;
const TRUE = 1;

/**
 * Names demanded experts with probability `recall`, others so that `precision` of all named are demanded. One draw per expert and pass:
 * correction keeps it, and higher recall names a superset.
 * @param qualityAt by distance in layers (infinite before the pass); null: no prediction
 */
export function spoiledTruth(model: ModelSpec, qualityAt: (distance: number) => Quality | null, random: Random): Predictor {
  const marks = new Uint8Array(model.experts);
  /** The draw of each expert: it is named if the chance is larger. */
  const drawn = new Float64Array(model.experts);
  let of = -1;
  const draw = (pass: Pass): void => {
    of = pass.number;
    marks.fill(FALSE);
    for (const { experts, index, offset } of model.layers) {
      for (let token = 0; token < pass.tokens; token++) {
        const count = pass.listChosen(token, index);
        for (let i = 0; i < count; i++) marks[offset + pass.chosen[i]!] = TRUE;
      }
      for (let id = offset; id < offset + experts; id++) drawn[id] = random.next();
    }
  };
  return layerwise(model, ({ experts, index, offset }, scores, pass, after) => {
    if (of !== pass.number) draw(pass);
    const end = offset + experts;
    const quality = qualityAt(after < 0 ? Number.POSITIVE_INFINITY : index - after);
    scores.fill(0, offset, end);
    if (quality === null) return;
    const { precision, recall } = quality;
    let hits = 0;
    let others = 0;
    for (let id = offset; id < end; id++) {
      if (marks[id] === FALSE) others++;
      else if (drawn[id]! < recall) hits++;
    }
    // Expected false names: hits x (1 - precision) / precision, spread evenly over the experts that are not demanded.
    const chance = others === 0 ? 0 : Math.min(1, (hits * (1 - precision)) / precision / others);
    for (let id = offset; id < end; id++) if (drawn[id]! < (marks[id] === TRUE ? recall : chance)) scores[id] = precision;
  });
}

/** The knowledge of a spoiled truth (L17): a quality that `source` published, or the future if that is empty. */
export const publishedIn = (source: Parameters[string], quality: Quality): Known =>
  source === '' ? { knows: 'future' } : { knows: 'published', ...quality, source: String(source) };
