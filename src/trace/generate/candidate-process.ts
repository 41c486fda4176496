// Synthetic rows with candidates: more ranks than the model's top-k, with gate weights, for routing that depends on which experts are
// resident. The first k ranks are the choices without candidates; the further ones come from the same popularity and memory, and do not
// depend on token ids.
import { UserError } from '../../base/errors.js';
import { Random } from '../../base/random.js';
import type { ModelSpec } from '../../model/spec.js';
import { NULL_EXPERT } from '../trace.js';
import { RoutingProcess } from './routing-process.js';
import type { RoutingProfile } from './routing-profile.js';

/** Extends rows by candidates. */
export class CandidateProcess {
  /** Candidates per layer: the requested number, or the experts of the largest layer if fewer. */
  readonly width: number;
  readonly #model: ModelSpec;
  readonly #runnersUp: RoutingProcess;
  readonly #random: Random;
  readonly #row: Uint16Array;

  /**
   * @param part as in {@link RoutingProcess}
   * @throws UserError where there are fewer candidates than choices, or whole requests are routed
   */
  constructor(model: ModelSpec, profile: RoutingProfile, seed: number, candidates: number, part = '') {
    const widest = Math.max(...model.layers.map((layer) => layer.topK));
    if (profile.per === 'request') throw new UserError(`${model.name} routes whole requests, which have no candidates; leave them out`);
    if (candidates < widest) throw new UserError(`${candidates} candidates are fewer than ${model.name} chooses; take at least ${widest}`);
    const layers = model.layers.map((layer) => ({ ...layer, topK: Math.min(layer.experts, candidates) }));
    this.width = Math.max(...layers.map((layer) => layer.topK));
    this.#model = model;
    this.#runnersUp = new RoutingProcess(
      { ...model, layers },
      { ...profile, vocabulary: undefined },
      seed,
      'trace/synthetic/candidates',
      part,
    );
    this.#random = new Random(seed, `trace/synthetic/weights${part}`);
    this.#row = new Uint16Array(layers.length * this.#runnersUp.topK);
  }

  /** Starts a request. */
  begin(): void {
    this.#runnersUp.begin();
  }

  /**
   * Writes the row `[layers, width]` that extends `chosen`, `[layers, topK]`, and its weights.
   *
   * Weights are the softmax, over the candidates, of logits that are the largest of independent Gumbel variates: the r-th weight is in
   * proportion to 1 / (e1 + ... + er) with standard exponential e, which falls like 1 / r.
   */
  next(chosen: Uint16Array, topK: number, ids: Uint16Array, weights: Float32Array, at: number): void {
    const row = this.#row;
    const { width } = this;
    this.#runnersUp.next(row, 0);
    for (const { index, topK: choices } of this.#model.layers) {
      const to = at + index * width;
      const own = chosen.subarray(index * topK, index * topK + choices);
      ids.set(own, to);
      let rank = choices;
      for (let i = index * width; i < (index + 1) * width && rank < width; i++) {
        const expert = row[i]!;
        if (expert !== NULL_EXPERT && !own.includes(expert)) ids[to + rank++] = expert;
      }
      let exponentials = 0;
      let sum = 0;
      for (let r = 0; r < rank; r++) {
        exponentials += this.#random.exponential();
        sum += weights[to + r] = 1 / exponentials;
      }
      for (let r = 0; r < rank; r++) weights[to + r]! /= sum;
      ids.fill(NULL_EXPERT, to + rank, to + width);
      weights.fill(0, to + rank, to + width);
    }
  }
}
