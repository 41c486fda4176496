// What policies see of predictions: how much each expert is wanted, now and at its next turn. The planner of prefetches needs the running
// pass only; a cache lives longer, so that what the next passes are likely to want counts as well.
import type { ModelSpec } from '../model/spec.js';
import type { Predictor } from '../predict/predictor.js';
import type { Pass } from '../schedule/pass.js';

/**
 * Weight of the newest prediction of the next pass against those before: an expert that is a little likely at every token is worth
 * more than one that is as likely at the next token only.
 */
const NEWEST = 0.5;

/** The predictions of a run as its policies see them. */
export class Outlook {
  /** By dense id, 0..1. */
  readonly predicted: Float32Array;
  /** By MoE layer: changes whenever `predicted` of the layer does. */
  readonly version: Uint32Array;
  readonly #model: ModelSpec;
  /** Smoothed probability that a pass after the running one demands each expert. */
  readonly #later: Float32Array;
  readonly #scratch: Float32Array;

  constructor(model: ModelSpec) {
    this.#model = model;
    this.predicted = new Float32Array(model.experts);
    this.version = new Uint32Array(model.layers.length);
    this.#later = new Float32Array(model.experts);
    this.#scratch = new Float32Array(model.experts);
  }

  /** A layer of the running pass has been predicted: its experts are wanted then, or later. */
  ahead(layer: number, scores: Float32Array): void {
    const { offset, experts } = this.#model.layers[layer]!;
    const { predicted } = this;
    const later = this.#later;
    for (let id = offset; id < offset + experts; id++) predicted[id] = scores[id]! + (1 - scores[id]!) * later[id]!;
    this.version[layer]! += 1;
  }

  /** A layer is known and has been observed: its experts are wanted by later passes only, if at all. */
  done(pass: Pass, layer: number, predictor: Predictor): void {
    const { offset, experts } = this.#model.layers[layer]!;
    const { predicted } = this;
    if (predictor.next === undefined) {
      predicted.fill(0, offset, offset + experts);
    } else {
      const next = this.#scratch;
      const later = this.#later;
      predictor.next(pass, layer, next);
      for (let id = offset; id < offset + experts; id++) {
        later[id]! += NEWEST * (next[id]! - later[id]!);
        predicted[id] = later[id]!;
      }
    }
    this.version[layer]! += 1;
  }
}
