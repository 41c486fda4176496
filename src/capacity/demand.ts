// Counts of a trace's demand that no cache changes: counted once while its blocks are read, for all curves.
import type { ModelSpec } from '../model/spec.js';
import { NULL_EXPERT } from '../trace/trace.js';
import { splitAtWarmup } from './job.js';

/** Counts the demand of rows after the warm-up. */
export class DemandCount {
  /** Tokens after the warm-up. */
  tokens = 0;
  /** Events: layers of a token with at least one choice. */
  events = 0;
  /** Members of events, by layer. */
  readonly demanded: Float64Array;
  /** Activations by layer and expert. */
  readonly activations: readonly Float64Array[];
  readonly #topK: number;
  readonly #warmup: number;
  /** Experts that were demanded at all, the warm-up included. */
  readonly #seen: readonly Uint8Array[];
  /** First uses after the warm-up: misses that no cache avoids. */
  compulsory = 0;
  #done = 0;

  /** @param warmup tokens at the start that are not counted */
  constructor(model: ModelSpec, topK: number, warmup: number) {
    this.#topK = topK;
    this.#warmup = warmup;
    this.demanded = new Float64Array(model.layers.length);
    this.activations = model.layers.map((layer) => new Float64Array(layer.experts));
    this.#seen = model.layers.map((layer) => new Uint8Array(layer.experts));
  }

  /** Counts rows `[0, tokens)`. */
  rows(experts: Uint16Array, tokens: number): void {
    splitAtWarmup(this.#done, tokens, this.#warmup, (from, to, counted) => {
      const first = this.#count(experts, from, to, counted ? 1 : 0);
      if (!counted) return;
      this.tokens += to - from;
      this.compulsory += first;
    });
    this.#done += tokens;
  }

  /** @returns experts seen for the first time */
  #count(experts: Uint16Array, from: number, to: number, weight: 0 | 1): number {
    const layers = this.demanded.length;
    const topK = this.#topK;
    let first = 0;
    let at = from * layers * topK;
    for (let row = from; row < to; row++) {
      for (let layer = 0; layer < layers; layer++) {
        const seen = this.#seen[layer]!;
        const activations = this.activations[layer]!;
        let members = 0;
        for (const end = at + topK; at < end; at++) {
          const expert = experts[at]!;
          if (expert === NULL_EXPERT) continue;
          members++;
          activations[expert]! += weight;
          first += 1 - seen[expert]!;
          seen[expert] = 1;
        }
        this.demanded[layer]! += members * weight;
        if (members > 0) this.events += weight;
      }
    }
    return first;
  }
}
