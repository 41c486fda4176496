import type { ModelSpec } from '../../model/door.js';
import type { Predictor } from '../../predict/predictor.js';
import type { Pass } from '../../schedule/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';

/**
 * Weight of the newest prediction of the next pass: likely at every token is worth more than at the next only. Ours.
 */
const NEWEST = 0.5;
/** The same for observed demand, without predictions of the next pass. Ours. */
const NEWEST_DEMAND = 1 / 16;

/** Predictions for policies: how much experts are wanted in this pass and, as caches live longer, in the next ones. */
export class PredictedUse {
  /** By dense id, 0..1. */
  readonly predicted: Float32Array;
  /** By MoE layer: changes with the layer's `predicted`. */
  readonly version: Uint32Array;
  readonly #model: ModelSpec;
  /** Smoothed probability of a demand after the running pass. */
  readonly #later: Float32Array;
  readonly #scratch: Float32Array;

  constructor(model: ModelSpec) {
    this.#model = model;
    this.predicted = new Float32Array(model.experts);
    this.version = new Uint32Array(model.layers.length);
    this.#later = new Float32Array(model.experts);
    this.#scratch = new Float32Array(model.experts);
  }

  /** A predicted layer of the running pass: wanted now, or later. */
  ahead(layer: number, scores: Float32Array): void {
    const { offset, experts } = this.#model.layers[layer]!;
    const { predicted } = this;
    const later = this.#later;
    for (let id = offset; id < offset + experts; id++) predicted[id] = scores[id]! + (1 - scores[id]!) * later[id]!;
    this.version[layer]! += 1;
  }

  /** A known layer: wanted by later passes, if at all. */
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

  /** Share of recent passes with a demand, newer ones weighing more. */
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
