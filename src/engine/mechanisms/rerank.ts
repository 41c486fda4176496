import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';
import type { Residents, RunHooks } from '../vocabulary/hooks.js';
import type { Mechanism } from './mechanism.js';

/** Cache prior of "Mixture of cache-conditional experts" (arXiv 2412.00099), lambda scaled by the range of logits. */
interface RerankLimits {
  /** Bonus of a resident expert, log gate weight. */
  readonly lambda: number;
  /** Best choices always kept. */
  readonly keep: number;
}

interface RerankCounts {
  /** Choices, and choices unlike the gate's. */
  choices: number;
  changed: number;
  /** Resident choices: actual, and by the gate alone at the same moment. */
  resident: number;
  residentBefore: number;
  /** Gate weight of choices: actual, and by the gate alone. */
  weight: number;
  weightBefore: number;
}

/** Cache-aware routing: largest log gate weight plus a bonus for residents. Lost gate weight measures lost quality. */
export class Rerank implements RunHooks {
  readonly counts: RerankCounts = { choices: 0, changed: 0, resident: 0, residentBefore: 0, weight: 0, weightBefore: 0 };
  readonly #limits: RerankLimits;
  readonly #model: ModelSpec;
  #score = new Float64Array(0);
  #taken = new Uint8Array(0);

  constructor(model: ModelSpec, limits: RerankLimits) {
    this.#model = model;
    this.#limits = limits;
  }

  /** All tokens see the same residents. */
  choosing(pass: Pass, layer: number, { base, resident }: Residents): void {
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
        // The better rank wins ties: without a bonus the gate's choice stands.
        let best = -1;
        for (let rank = 0; rank < width; rank++) {
          if (taken[rank] === 1 || experts[from + rank] === NULL_EXPERT) continue;
          if (best < 0 || score[rank]! > score[best]!) best = rank;
        }
        if (best < 0) break;
        taken[best] = 1;
      }
      // Choices keep the gate's order; nulls fill up.
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

/** Choices biased to resident experts. */
export const RERANK: Mechanism = {
  name: 'rerank',
  law: 'L2',
  inRun({ plan: { inputs } }) {
    const { candidates, model, system } = inputs;
    return candidates === null ? null : { hooks: new Rerank(model, system.rerank!) };
  },
};
