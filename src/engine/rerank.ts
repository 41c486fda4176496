// Cache-aware routing: among a token's candidates, those are chosen whose log gate weight plus a bonus for being resident is largest. It
// changes what the model computes, so that fewer experts have to be loaded; what that costs in quality shows in the weight given up.
import type { ModelSpec } from '../model/spec.js';
import type { Pass } from '../schedule/pass.js';
import { NULL_EXPERT } from '../trace/trace.js';

/** How choices are biased (the cache prior of "Mixture of cache-conditional experts", arXiv 2412.00099, which scales lambda by the range of the logits). */
export interface RerankLimits {
  /** What residence adds to the log gate weight. */
  readonly lambda: number;
  /** Best ranked choices that are always kept. */
  readonly keep: number;
}

/** What was counted: sums over tokens and layers. */
export interface RerankCounts {
  /** Choices made, and those among them that the gate alone would not have made. */
  choices: number;
  changed: number;
  /** Choices that were resident as made, and as the gate alone would have made them at the same moment. */
  resident: number;
  residentBefore: number;
  /** Gate weight of the choices as made, and as the gate alone would have made them. */
  weight: number;
  weightBefore: number;
}

/** Which experts of one layer's cache own a slot: 1 at `id - base`. */
export interface Residents {
  readonly base: number;
  readonly resident: Uint8Array;
}

/** Chooses anew, layer by layer. */
export class Rerank {
  readonly counts: RerankCounts = { choices: 0, changed: 0, resident: 0, residentBefore: 0, weight: 0, weightBefore: 0 };
  readonly #limits: RerankLimits;
  readonly #model: ModelSpec;
  // The candidates of the running pass, as read: [tokens, layers, candidates].
  #experts = new Uint16Array(0);
  #weights = new Float32Array(0);
  readonly #score: Float64Array;
  readonly #taken: Uint8Array;

  /** @param candidates choices per token and layer of the passes to come */
  constructor(model: ModelSpec, limits: RerankLimits, candidates: number) {
    this.#model = model;
    this.#limits = limits;
    this.#score = new Float64Array(candidates);
    this.#taken = new Uint8Array(candidates);
  }

  /** Takes the candidates of a pass and leaves in it what the gate alone chooses, for whoever looks at layers that are still to come. */
  begin(pass: Pass): void {
    const { choices, row, tokens, topK, weights } = pass;
    const cells = tokens * row;
    if (this.#experts.length < cells) {
      this.#experts = new Uint16Array(cells);
      this.#weights = new Float32Array(cells);
    }
    this.#experts.set(choices.subarray(0, cells));
    this.#weights.set(weights!.subarray(0, cells));
    for (const { index, topK: chosen } of this.#model.layers) {
      for (let token = 0; token < tokens; token++) {
        const at = token * row + index * topK;
        for (let rank = chosen; rank < topK; rank++) {
          choices[at + rank] = NULL_EXPERT;
          weights![at + rank] = 0;
        }
      }
    }
  }

  /**
   * Writes the choices at a layer into the pass, whose routing has just become known. All tokens of the pass see the same residents.
   * @param cache the layer's
   */
  choose(pass: Pass, layer: number, { base, resident }: Residents): void {
    const { lambda, keep } = this.#limits;
    const { offset, topK: chosen } = this.#model.layers[layer]!;
    const { choices, row, tokens, topK, weights } = pass;
    const score = this.#score;
    const taken = this.#taken;
    const held = offset - base;
    const { counts } = this;
    for (let token = 0; token < tokens; token++) {
      const at = token * row + layer * topK;
      for (let rank = 0; rank < topK; rank++) {
        const expert = this.#experts[at + rank]!;
        if (expert === NULL_EXPERT) {
          score[rank] = Number.NEGATIVE_INFINITY;
          continue;
        }
        const own = resident[held + expert]!;
        const weight = this.#weights[at + rank]!;
        score[rank] = rank < keep ? Number.POSITIVE_INFINITY : Math.log(weight) + lambda * own;
        if (rank >= chosen) continue;
        counts.residentBefore += own;
        counts.weightBefore += weight;
      }
      taken.fill(0);
      for (let place = 0; place < chosen; place++) {
        // Of equal scores the better rank wins, so that without a bonus the gate's own choice stands.
        let best = -1;
        for (let rank = 0; rank < topK; rank++) {
          if (taken[rank] === 1 || this.#experts[at + rank] === NULL_EXPERT) continue;
          if (best < 0 || score[rank]! > score[best]!) best = rank;
        }
        if (best < 0) break;
        taken[best] = 1;
      }
      // Choices stand in the order of the gate, as they would without re-ranking.
      let place = 0;
      for (let rank = 0; rank < topK; rank++) {
        if (taken[rank] === 0) continue;
        const expert = this.#experts[at + rank]!;
        choices[at + place] = expert;
        weights![at + place] = this.#weights[at + rank]!;
        counts.choices++;
        if (rank >= chosen) counts.changed++;
        counts.resident += resident[held + expert]!;
        counts.weight += this.#weights[at + rank]!;
        place++;
      }
      for (; place < topK; place++) {
        choices[at + place] = NULL_EXPERT;
        weights![at + place] = 0;
      }
    }
  }
}
