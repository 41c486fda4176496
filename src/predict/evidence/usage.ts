// How often each expert of each layer is used: the prior of all other evidence, and the only evidence of the popularity predictor.
import { fastLog } from '../../base/log-odds.js';
import type { ModelSpec } from '../../model/spec.js';
import type { Pass } from '../../schedule/pass.js';
import { evenShare } from '../log-odds.js';

/** Counts of uses by expert, and their log-odds, renewed as the counts grow by an eighth. */
export class Usage {
  /** Tokens that chose each expert, by dense id. */
  readonly used: Float64Array;
  /** Tokens counted, by layer. */
  readonly tokens: Float64Array;
  readonly #model: ModelSpec;
  readonly #logOdds: Float64Array;
  readonly #dueAt: Float64Array;

  constructor(model: ModelSpec) {
    this.#model = model;
    this.used = new Float64Array(model.experts);
    this.tokens = new Float64Array(model.layers.length);
    this.#logOdds = new Float64Array(model.experts);
    this.#dueAt = new Float64Array(model.layers.length);
  }

  /** Counts what a token chose at a layer. */
  learn(pass: Pass, token: number, layer: number): void {
    const { offset } = this.#model.layers[layer]!;
    const count = pass.listChosen(token, layer);
    for (let i = 0; i < count; i++) this.used[offset + pass.chosen[i]!]! += 1;
    this.tokens[layer]! += 1;
  }

  /** A number that grows whenever what {@link write} writes of a layer changes. */
  state(layer: number): number {
    if (this.tokens[layer]! >= this.#dueAt[layer]!) this.#renew(layer);
    return this.#dueAt[layer]!;
  }

  /** Writes `bias` plus `weight` times the log-odds of use of each expert of a layer; uses are smoothed by an even share of one token's. */
  write(layer: number, bias: number, weight: number, into: Float64Array): void {
    if (this.tokens[layer]! >= this.#dueAt[layer]!) this.#renew(layer);
    const { experts, offset } = this.#model.layers[layer]!;
    const logOdds = this.#logOdds;
    for (let e = 0; e < experts; e++) into[e] = bias + weight * logOdds[offset + e]!;
  }

  #renew(layer: number): void {
    const { experts, offset } = this.#model.layers[layer]!;
    const tokens = this.tokens[layer]!;
    const share = evenShare(this.#model.layers[layer]!);
    for (let id = offset; id < offset + experts; id++) {
      const used = this.used[id]! + share;
      this.#logOdds[id] = fastLog(used) - fastLog(tokens + 1 - used);
    }
    this.#dueAt[layer] = tokens + 1 + tokens / 8;
  }
}
