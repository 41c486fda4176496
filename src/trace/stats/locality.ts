import { sum } from '../../base/statistics.js';
import { giniOf } from '../generate/popularity-shape.js';
import { NULL_EXPERT, type RoutingTrace, type TraceChunk } from '../trace.js';

/** Windows of reuse, in tokens. */
export const REUSE_WINDOWS = [1, 2, 4, 8, 16] as const;

/** Distribution of a layer's load over experts. */
export interface LayerSkew {
  readonly counts: Float64Array;
  readonly hottestOverMean: number;
  /** Gini coefficient: 0 even. */
  readonly gini: number;
  /** Entropy relative to an even load, 0..1. */
  readonly entropy: number;
  readonly unused: number;
  /** Load share of the most popular tenth and quarter of experts (rounded to whole experts). */
  readonly topTenth: number;
  readonly topQuarter: number;
  /** Share of choices also made within the last 1, 2, 4, 8, 16 tokens of the request; first tokens do not count. */
  readonly reuse: readonly number[];
}

const WINDOW_OF = Uint8Array.from({ length: REUSE_WINDOWS.at(-1)! + 1 }, (_, distance) =>
  REUSE_WINDOWS.findIndex((window) => distance <= window),
);

/** Frequency and reuse distance of experts, in one pass over the rows. */
export function openLocality({ expertsPerLayer, layers, topK }: Pick<RoutingTrace, 'layers' | 'topK' | 'expertsPerLayer'>) {
  const loads = expertsPerLayer.map((experts) => new Float64Array(experts));
  const stride = Math.max(...expertsPerLayer);
  /** By layer and expert. */
  const usedAt = new Int32Array(layers * stride).fill(-1);
  /** `[layer][window]`: reuses within the window; by layer: possible reuses. */
  const reused = new Float64Array(layers * REUSE_WINDOWS.length);
  const reusable = new Float64Array(layers);
  let request = -1;
  let requestStart = 0;
  let number = 0;
  return {
    rows(chunk: TraceChunk): void {
      const { experts } = chunk;
      let at = 0;
      for (let row = 0; row < chunk.tokens; row++, number++) {
        if (chunk.request[row] !== request) {
          request = chunk.request[row]!;
          requestStart = number;
        }
        for (let layer = 0; layer < layers; layer++) {
          const counts = loads[layer]!;
          const base = layer * stride;
          let choices = 0;
          for (const end = at + topK; at < end; at++) {
            const expert = experts[at]!;
            if (expert === NULL_EXPERT) continue;
            choices++;
            counts[expert]! += 1;
            const used = usedAt[base + expert]!;
            const distance = number - used;
            if (used >= requestStart && distance < WINDOW_OF.length) reused[layer * REUSE_WINDOWS.length + WINDOW_OF[distance]!]! += 1;
            usedAt[base + expert] = number;
          }
          if (number > requestStart) reusable[layer]! += choices;
        }
      }
    },
    skew(): LayerSkew[] {
      return loads.map((counts, layer) => {
        let within = 0;
        const reuse = REUSE_WINDOWS.map((_, window) => {
          within += reused[layer * REUSE_WINDOWS.length + window]!;
          return reusable[layer]! === 0 ? 0 : within / reusable[layer]!;
        });
        return { ...distributionOf(counts), reuse };
      });
    },
  };
}

function distributionOf(counts: Float64Array): Omit<LayerSkew, 'reuse'> {
  const experts = counts.length;
  const total = sum(counts);
  const falling = Float64Array.from(counts).sort().reverse();
  const share = (part: number): number => {
    const top = Math.max(1, Math.round(part * experts));
    return total === 0 ? 0 : sum(falling.subarray(0, top)) / total;
  };
  let entropy = 0;
  for (const count of counts) if (count > 0) entropy -= (count / total) * Math.log2(count / total);
  return {
    counts,
    hottestOverMean: total === 0 ? 0 : (falling[0]! * experts) / total,
    gini: giniOf(counts),
    entropy: experts < 2 ? 1 : entropy / Math.log2(experts),
    unused: counts.filter((count) => count === 0).length,
    topTenth: share(0.1),
    topQuarter: share(0.25),
  };
}
