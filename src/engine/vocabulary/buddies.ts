import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';

/** Substitutes among a GPU's experts. */
export interface StandIns {
  /** Dense id of a substitute; -1: no candidate. @param may true: allowed now */
  of(id: number, layer: number, may: (other: number) => boolean): number;
}

/** BuddyMoE: the substitute most often chosen together with an expert so far. */
export class Buddies implements StandIns {
  readonly #model: ModelSpec;
  /** By layer, `[experts, experts]`: tokens with both experts. */
  readonly #together: readonly Float64Array[];

  constructor(model: ModelSpec) {
    this.#model = model;
    this.#together = model.layers.map(({ experts }) => new Float64Array(experts * experts));
  }

  judge({ choices, row, tokens, topK }: Pass, layer: number): void {
    const together = this.#together[layer]!;
    const { experts } = this.#model.layers[layer]!;
    for (let token = 0; token < tokens; token++) {
      const from = token * row + layer * topK;
      for (let a = from; a < from + topK; a++) {
        if (choices[a] === NULL_EXPERT) continue;
        for (let b = from; b < from + topK; b++) {
          if (b !== a && choices[b] !== NULL_EXPERT) together[choices[a]! * experts + choices[b]!]! += 1;
        }
      }
    }
  }

  of(id: number, layer: number, may: (other: number) => boolean): number {
    const { experts, offset } = this.#model.layers[layer]!;
    const together = this.#together[layer]!;
    const row = (id - offset) * experts;
    let best = -1;
    let most = 0;
    for (let other = 0; other < experts; other++) {
      if (together[row + other]! <= most || !may(offset + other)) continue;
      most = together[row + other]!;
      best = offset + other;
    }
    return best;
  }
}
