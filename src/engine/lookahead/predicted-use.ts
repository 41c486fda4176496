import type { ModelSpec } from '../../model/door.js';
import type { Predictor } from '../../predict/predictor.js';
import type { Pass } from '../../schedule/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';

/**
 * Weight of the newest next-pass prediction: a lasting chance is worth more than a chance at the next token only. Ours.
 */
const NEWEST = 0.5;
/** Weight of newest demand, for predictors without next-pass predictions. Ours. */
const NEWEST_DEMAND = 1 / 16;

/** Demand in the running pass and, as a cache lives longer, in later passes. */
export class PredictedUse {
  /** By dense id, 0..1. */
  readonly predicted: Float32Array;
  /** By MoE layer: changes with `predicted`. */
  readonly version: Uint32Array;
  readonly #model: ModelSpec;
  readonly #later: Float32Array;
  readonly #scratch: Float32Array;

  constructor(model: ModelSpec) {
    this.#model = model;
    this.predicted = new Float32Array(model.experts);
    this.version = new Uint32Array(model.layers.length);
    this.#later = new Float32Array(model.experts);
    this.#scratch = new Float32Array(model.experts);
  }

  /** Predicted layer of the running pass: demand now, or later. */
  ahead(layer: number, scores: Float32Array): void {
    const { offset, experts } = this.#model.layers[layer]!;
    const { predicted } = this;
    const later = this.#later;
    for (let id = offset; id < offset + experts; id++) predicted[id] = scores[id]! + (1 - scores[id]!) * later[id]!;
    this.version[layer]! += 1;
  }

  /** Known and observed layer: demand by later passes only. */
  done(pass: Pass, layer: number, predictor: Predictor): void {
    const { offset, experts } = this.#model.layers[layer]!;
    const { predicted } = this;
    const later = this.#later;
    if (predictor.next === undefined) {
      this.#remember(pass, layer);
    } else {
      const next = this.#scratch;
      predictor.next(pass, layer, next);
      for (let id = offset; id < offset + experts; id++) later[id]! += NEWEST * (next[id]! - later[id]!);
    }
    for (let id = offset; id < offset + experts; id++) predicted[id] = later[id]!;
    this.version[layer]! += 1;
  }

  #remember({ choices, row, tokens, topK }: Pass, layer: number): void {
    const { offset, experts } = this.#model.layers[layer]!;
    const later = this.#later;
    const demanded = this.#scratch.fill(0, offset, offset + experts);
    for (let token = 0; token < tokens; token++) {
      const from = token * row + layer * topK;
      for (let i = from; i < from + topK; i++) if (choices[i] !== NULL_EXPERT) demanded[offset + choices[i]!] = 1;
    }
    for (let id = offset; id < offset + experts; id++) later[id]! += NEWEST_DEMAND * (demanded[id]! - later[id]!);
  }
}
