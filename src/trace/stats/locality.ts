// Frequency and reuse distance of experts, in one pass over the rows: the only properties that an expert cache profits from.
import { giniOf } from '../generate/popularity-shape.js';
import { NULL_EXPERT, type RoutingTrace, type TraceChunk } from '../trace.js';

/** Windows of tokens within which reuse is counted. */
export const REUSE_WINDOWS = [1, 2, 4, 8, 16] as const;

/** The distribution of a layer's load over its experts. */
export interface LayerSkew {
  /** Activations of each expert. */
  readonly counts: Float64Array;
  /** Load of the hottest expert over the mean load. */
  readonly hottestOverMean: number;
  /** Gini coefficient of the load: 0 even. */
  readonly gini: number;
  /** Entropy of the load over that of an even one, 0..1. */
  readonly entropy: number;
  /** Experts that are never chosen. */
  readonly unused: number;
  /** Share of the load on the most popular tenth and quarter of the experts (rounded to whole experts). */
  readonly topTenth: number;
  readonly topQuarter: number;
  /**
   * Reuse within the last 1, 2, 4, 8, 16 tokens of the same request: of a token's choices at this layer, the share that one of those tokens
   * chose too. The first token of a request is excluded.
   */
  readonly reuse: readonly number[];
}

/** Counts frequency and reuse over rows. */
export class Locality {
  readonly #layers: number;
  readonly #topK: number;
  readonly #experts: readonly number[];
  readonly #counts: readonly Float64Array[];
  readonly #stride: number;
  /** Last row that chose an expert, by layer and expert, and the request it was in. */
  readonly #usedAt: Int32Array;
  /** `[layer][window]`: reuses at a distance of at most the window, and choices that could be reuses. */
  readonly #reused: Float64Array;
  readonly #choices: Float64Array;
  /** Window index by distance. */
  readonly #windowOf = Uint8Array.from({ length: REUSE_WINDOWS.at(-1)! + 1 }, (_, distance) =>
    REUSE_WINDOWS.findIndex((window) => distance <= window),
  );
  #request = -1;
  #requestStart = 0;
  #row = 0;

  constructor(trace: Pick<RoutingTrace, 'layers' | 'topK' | 'expertsPerLayer'>) {
    this.#layers = trace.layers;
    this.#topK = trace.topK;
    this.#experts = trace.expertsPerLayer;
    this.#counts = trace.expertsPerLayer.map((experts) => new Float64Array(experts));
    this.#stride = Math.max(...trace.expertsPerLayer);
    this.#usedAt = new Int32Array(trace.layers * this.#stride).fill(-1);
    this.#reused = new Float64Array(trace.layers * REUSE_WINDOWS.length);
    this.#choices = new Float64Array(trace.layers);
  }

  /** Counts the rows of a chunk. */
  rows(chunk: TraceChunk): void {
    const { experts } = chunk;
    const topK = this.#topK;
    const usedAt = this.#usedAt;
    const furthest = REUSE_WINDOWS.at(-1)!;
    let at = 0;
    for (let row = 0; row < chunk.tokens; row++, this.#row++) {
      if (chunk.request[row] !== this.#request) {
        this.#request = chunk.request[row]!;
        this.#requestStart = this.#row;
      }
      const follows = this.#row > this.#requestStart;
      for (let layer = 0; layer < this.#layers; layer++) {
        const counts = this.#counts[layer]!;
        const base = layer * this.#stride;
        let choices = 0;
        for (const end = at + topK; at < end; at++) {
          const expert = experts[at]!;
          if (expert === NULL_EXPERT) continue;
          choices++;
          counts[expert]! += 1;
          const used = usedAt[base + expert]!;
          const distance = this.#row - used;
          if (used >= this.#requestStart && distance <= furthest)
            this.#reused[layer * REUSE_WINDOWS.length + this.#windowOf[distance]!]! += 1;
          usedAt[base + expert] = this.#row;
        }
        if (follows) this.#choices[layer]! += choices;
      }
    }
  }

  /** The skew so far, by layer. */
  skew(): LayerSkew[] {
    return this.#counts.map((counts, layer) => {
      const total = counts.reduce((sum, count) => sum + count, 0);
      const experts = this.#experts[layer]!;
      const falling = Float64Array.from(counts).sort().reverse();
      const share = (part: number): number => {
        const top = Math.max(1, Math.round(part * experts));
        return total === 0 ? 0 : falling.subarray(0, top).reduce((sum, count) => sum + count, 0) / total;
      };
      let entropy = 0;
      for (const count of counts) if (count > 0) entropy -= (count / total) * Math.log2(count / total);
      let reused = 0;
      return {
        counts,
        hottestOverMean: total === 0 ? 0 : (falling[0]! * experts) / total,
        gini: giniOf(counts),
        entropy: experts < 2 ? 1 : entropy / Math.log2(experts),
        unused: counts.reduce((sum, count) => sum + (count === 0 ? 1 : 0), 0),
        topTenth: share(0.1),
        topQuarter: share(0.25),
        reuse: REUSE_WINDOWS.map((_, window) => {
          reused += this.#reused[layer * REUSE_WINDOWS.length + window]!;
          return this.#choices[layer]! === 0 ? 0 : reused / this.#choices[layer]!;
        }),
      };
    });
  }
}
