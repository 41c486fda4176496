// Two sizes of an expert: a miss that matters little is served from a low-precision copy, which is a shorter transfer, or not served at all.
// What that costs in quality a routing trace cannot tell; how much was served so is counted.
import type { ModelSpec } from '../../model/spec.js';
import type { Pass } from '../../schedule/pass.js';
import { NULL_EXPERT } from '../../trace/trace.js';

/** When a miss is degraded. */
export interface PrecisionLimits {
  /** What importance is read from: gate weights, or the rank alone as if the weights were equal. */
  readonly by: 'weights' | 'rank';
  /** Bytes of a low-precision copy as a share of the expert's. */
  readonly copyBytes: number;
  /** Misses whose token has put more than this share of its weight on better-ranked experts are served from the copy. */
  readonly lowAbove: number;
  /** Misses beyond this share are skipped. */
  readonly skipAbove: number;
}

/** How a miss is served. */
export const PRECISION = { full: 0, low: 1, skipped: 2 } as const;

/** Which misses of the running event are degraded, and how. */
export interface Precision {
  readonly limits: PrecisionLimits;
  /** How a miss of the running event is served, one of {@link PRECISION}. */
  of(id: number): number;
}

/** Unimportance of the members of the running event: HOBBIT's cumulative gate score (arXiv 2411.01433, eq. 2). */
export class MissPrecision implements Precision {
  readonly limits: PrecisionLimits;
  readonly #model: ModelSpec;
  /** By dense id, over the tokens of the pass: the smallest share of a token's weight that its better-ranked experts have. */
  readonly #unimportance: Float32Array;

  constructor(model: ModelSpec, limits: PrecisionLimits) {
    this.#model = model;
    this.limits = limits;
    this.#unimportance = new Float32Array(model.experts);
  }

  /** Judges a layer whose routing is known. Choices are in rank order. */
  judge({ choices, row, tokens, topK, weights }: Pass, layer: number): void {
    const { offset, experts } = this.#model.layers[layer]!;
    const unimportance = this.#unimportance.fill(1, offset, offset + experts);
    const equal = this.limits.by === 'rank';
    for (let token = 0; token < tokens; token++) {
      const from = token * row + layer * topK;
      let total = 0;
      for (let i = from; i < from + topK; i++) if (choices[i] !== NULL_EXPERT) total += equal ? 1 : weights![i]!;
      let before = 0;
      for (let i = from; i < from + topK; i++) {
        if (choices[i] === NULL_EXPERT) continue;
        const id = offset + choices[i]!;
        unimportance[id] = Math.min(unimportance[id]!, total > 0 ? before / total : 0);
        before += equal ? 1 : weights![i]!;
      }
    }
  }

  of(id: number): number {
    const unimportance = this.#unimportance[id]!;
    if (unimportance <= this.limits.lowAbove) return PRECISION.full;
    return unimportance <= this.limits.skipAbove ? PRECISION.low : PRECISION.skipped;
  }
}
