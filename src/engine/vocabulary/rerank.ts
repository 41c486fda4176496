import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';

/** The bias of choices (the cache prior of "Mixture of cache-conditional experts", arXiv 2412.00099, which scales lambda by the range of the logits). */
interface RerankLimits {
  /** Bonus of a resident expert in log gate weight. */
  readonly lambda: number;
  /** Best ranked choices that are always kept. */
  readonly keep: number;
}

/** Counts: sums over tokens and layers. */
interface RerankCounts {
  /** Choices, and how many of them the gate alone would not have made. */
  choices: number;
  changed: number;
  /** Choices that were resident as made, and as the gate alone would have made them at the same moment. */
  resident: number;
  residentBefore: number;
  /** Gate weight of the choices as made, and as the gate alone would have made them. */
  weight: number;
  weightBefore: number;
}

/** Residency of one layer's cache: 1 at `id - base` of each expert with a slot. */
export interface Residents {
  readonly base: number;
  readonly resident: Uint8Array;
}

/** Cache-aware routing: candidates with the largest log gate weight plus a bonus if resident. Gate weight given up measures lost quality. */
export class Rerank {
  readonly counts: RerankCounts = { choices: 0, changed: 0, resident: 0, residentBefore: 0, weight: 0, weightBefore: 0 };
  readonly #limits: RerankLimits;
  readonly #model: ModelSpec;
  #score = new Float64Array(0);
  #taken = new Uint8Array(0);

  constructor(model: ModelSpec, limits: RerankLimits) {
    this.#model = model;
    this.#limits = limits;
  }

  /** Writes the choices at a layer, just known, into the pass. All tokens of the pass see the same residents. */
  choose(pass: Pass, layer: number, { base, resident }: Residents): void {
    const { lambda, keep } = this.#limits;
    const { counts } = this;
    const { choices, row, tokens, topK, weights } = pass;
    const { experts, row: wideRow, topK: width, weights: gates } = pass.candidates!;
    const { offset, topK: chosen } = this.#model.layers[layer]!;
    if (this.#score.length < width) {
      this.#score = new Float64Array(width);
      this.#taken = new Uint8Array(width);
    }
    const score = this.#score;
    const taken = this.#taken;
    const first = offset - base;
    for (let token = 0; token < tokens; token++) {
      const from = token * wideRow + layer * width;
      for (let rank = 0; rank < width; rank++) {
        taken[rank] = 0;
        const expert = experts[from + rank]!;
        if (expert === NULL_EXPERT) continue;
        const held = resident[first + expert]!;
        score[rank] = rank < keep ? Number.POSITIVE_INFINITY : Math.log(gates[from + rank]!) + lambda * held;
        if (rank >= chosen) continue;
        counts.residentBefore += held;
        counts.weightBefore += gates[from + rank]!;
      }
      for (let place = 0; place < chosen; place++) {
        // The better rank wins among equal scores, so that without a bonus the gate's own choice stands.
        let best = -1;
        for (let rank = 0; rank < width; rank++) {
          if (taken[rank] === 1 || experts[from + rank] === NULL_EXPERT) continue;
          if (best < 0 || score[rank]! > score[best]!) best = rank;
        }
        if (best < 0) break;
        taken[best] = 1;
      }
      // Choices stand in the order of the gate, as they would without re-ranking; if there are too few, nulls follow.
      let to = token * row + layer * topK;
      const end = to + topK;
      for (let rank = 0; rank < width; rank++) {
        if (taken[rank] === 0) continue;
        choices[to] = experts[from + rank]!;
        weights![to++] = gates[from + rank]!;
        counts.choices++;
        if (rank >= chosen) counts.changed++;
        counts.resident += resident[first + experts[from + rank]!]!;
        counts.weight += gates[from + rank]!;
      }
      choices.fill(NULL_EXPERT, to, end);
      weights!.fill(0, to, end);
    }
  }
}
