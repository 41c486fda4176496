// True experts of a pass, spoiled to a given recall and precision.
import type { Random } from '../base/random.js';
import { type ModelSpec, type MoeLayer, mostExperts } from '../model/door.js';
import type { Known } from '../result/knowledge.js';
import type { Pass } from '../schedule/door.js';
import { NULL_EXPERT } from '../trace/trace.js';
import { layerwise, type Predictor } from './predictor.js';

/** Recall and precision at a distance, 0..1. */
export interface Quality {
  /** Named share of the demanded experts. */
  readonly recall: number;
  /** Demanded share of the named experts. */
  readonly precision: number;
}

/**
 * Score lost as fewer tokens choose the expert: misses of many tokens cost more on a CPU. Ours: with 0, 16 users of
 * gpt-oss-20b took 6 % longer under `moeprof`.
 */
const BY_LOAD = 0.05;

class Draw {
  /** Tokens per expert, by dense id. */
  readonly demanded: Int32Array;
  tokens = 1;
  /** By dense id: named if below the chance. */
  readonly drawn: Float64Array;
  readonly #model: ModelSpec;
  readonly #random: Random;
  #of = -1;
  #seenIn = -1;

  constructor(model: ModelSpec, random: Random) {
    this.#model = model;
    this.#random = random;
    this.demanded = new Int32Array(model.experts);
    this.drawn = new Float64Array(model.experts);
  }

  /** Draws once for pass `number`, reads `choices` once per running pass `seenIn`. */
  renew(number: number, seenIn: number, choices: Uint16Array, { row, topK }: Pass): void {
    if (number === this.#of && seenIn === this.#seenIn) return;
    if (number !== this.#of) for (let id = 0; id < this.drawn.length; id++) this.drawn[id] = this.#random.next();
    this.#of = number;
    this.#seenIn = seenIn;
    this.demanded.fill(0);
    this.tokens = Math.max(1, choices.length / row);
    for (let at = 0; at < choices.length; at += row) {
      for (const { index, offset } of this.#model.layers) {
        const from = at + index * topK;
        for (let i = from; i < from + topK; i++) if (choices[i] !== NULL_EXPERT) this.demanded[offset + choices[i]!]! += 1;
      }
    }
  }
}

/**
 * Names demanded experts with probability `recall`, others so that `precision` of all named are demanded. One draw per
 * expert and pass: corrections and the pass before agree, and higher recall names a superset.
 * @param qualityAt by distance in layers (infinite before the pass); null: no prediction
 * @param oracle true: also predicts the next pass, and ranks experts by load
 */
export function spoiledTruth(model: ModelSpec, qualityAt: (distance: number) => Quality | null, random: Random, oracle = false): Predictor {
  const draws = [new Draw(model, random), new Draw(model, random)];
  const byLoad = oracle ? BY_LOAD : 0;
  /** Loads of named demanded experts; false names take the same loads, so loads give nothing away. */
  const loads = new Int32Array(mostExperts(model));
  const name = ({ experts, offset }: MoeLayer, scores: Float32Array, { demanded, drawn, tokens }: Draw, distance: number): void => {
    const end = offset + experts;
    const quality = qualityAt(distance);
    scores.fill(0, offset, end);
    if (quality === null) return;
    const { precision, recall } = quality;
    let hits = 0;
    let others = 0;
    for (let id = offset; id < end; id++) {
      if (demanded[id] === 0) others++;
      else if (drawn[id]! < recall) loads[hits++] = demanded[id]!;
    }
    // Expected false names: hits x (1 - precision) / precision, spread evenly over experts not demanded.
    const chance = others === 0 ? 0 : Math.min(1, (hits * (1 - precision)) / precision / others);
    for (let id = offset; id < end; id++) {
      const right = demanded[id]! > 0;
      if (drawn[id]! >= (right ? recall : chance)) continue;
      const load = right ? demanded[id]! : loads[Math.floor((hits * drawn[id]!) / chance)]!;
      scores[id] = precision * (1 - byLoad * (1 - load / tokens));
    }
  };
  const named = layerwise(model, (layer, scores, pass, after) => {
    const draw = draws[pass.number & 1]!;
    draw.renew(pass.number, pass.number, pass.choices.subarray(0, pass.tokens * pass.row), pass);
    name(layer, scores, draw, after < 0 ? Number.POSITIVE_INFINITY : layer.index - after);
  });
  if (!oracle) return named;
  const next = (pass: Pass, layer: number, scores: Float32Array): void => {
    const draw = draws[(pass.number + 1) & 1]!;
    draw.renew(pass.number + 1, pass.number, pass.following(), pass);
    name(model.layers[layer]!, scores, draw, Number.POSITIVE_INFINITY);
  };
  return { ...named, next };
}

/** Knowledge of a spoiled truth (L17): quality published by `source`, or the future if empty. */
export const publishedIn = (source: string, quality: Quality): Known =>
  source === '' ? { knows: 'future' } : { knows: 'published', ...quality, source };
