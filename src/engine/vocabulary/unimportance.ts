import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import type { GateShare } from '../../system/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';

type By = GateShare['by'];

/**
 * Unimportance of a choice: better-ranked experts' share of the token's gate weight (HOBBIT, arXiv 2411.01433, eq. 2;
 * L13).
 */
export interface Unimportance {
  /** Least share of better-ranked experts over the pass's tokens with expert `id`, 0..1. */
  of(by: By, id: number): number;
}

/** Shares of a whole model's experts. */
export class TokenUnimportance implements Unimportance {
  readonly #model: ModelSpec;
  readonly #shares: ReadonlyMap<By, Float32Array>;

  constructor(model: ModelSpec, ways: Iterable<By>) {
    this.#model = model;
    this.#shares = new Map(Array.from(ways, (by) => [by, new Float32Array(model.experts)]));
  }

  /** Judges a known layer. Choices are in rank order. */
  judge({ choices, row, tokens, topK, weights }: Pass, layer: number): void {
    const { offset, experts } = this.#model.layers[layer]!;
    for (const [by, shares] of this.#shares) {
      shares.fill(1, offset, offset + experts);
      const equal = by === 'rank' || weights === null;
      for (let token = 0; token < tokens; token++) {
        const from = token * row + layer * topK;
        let total = 0;
        for (let i = from; i < from + topK; i++) if (choices[i] !== NULL_EXPERT) total += equal ? 1 : weights![i]!;
        let before = 0;
        for (let i = from; i < from + topK; i++) {
          if (choices[i] === NULL_EXPERT) continue;
          const id = offset + choices[i]!;
          shares[id] = Math.min(shares[id]!, total > 0 ? before / total : 0);
          before += equal ? 1 : weights![i]!;
        }
      }
    }
  }

  of(by: By, id: number): number {
    return this.#shares.get(by)![id]!;
  }
}
