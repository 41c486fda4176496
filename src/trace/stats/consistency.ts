import { NULL_EXPERT, type RoutingTrace, type TraceChunk } from '../trace.js';

/** Tokens of a segment, as in published figures. */
export const SEGMENT = 16;

/** Segment routing best performance (SRP; Liang et al., arXiv 2505.16056), 0..1; null without a full segment. */
export interface SegmentConsistency {
  /** One threshold for all layers, as published. */
  readonly all: number | null;
  readonly byLayer: readonly (number | null)[];
}

/**
 * Counts segments from every token. A segment holds experts with more choices than a threshold; SRP is the harmonic
 * mean of choices served and places used (held experts x tokens) at the best threshold.
 */
export function openConsistency({ expertsPerLayer, layers, topK }: Pick<RoutingTrace, 'layers' | 'topK' | 'expertsPerLayer'>) {
  const width = layers * topK;
  const stride = Math.max(...expertsPerLayer);
  const ring = new Int32Array(SEGMENT * width);
  /** By layer and expert. */
  const chosen = new Uint8Array(layers * stride);
  /** `[layer][count]`: experts chosen `count` times in the current segment (0 not kept), and over all segments. */
  const level = new Int32Array(layers * (SEGMENT + 1));
  const levels = new Float64Array(level.length);
  let request = -1;
  let rows = 0;
  const move = (layer: number, expert: number, by: 1 | -1): void => {
    if (expert === NULL_EXPERT) return;
    const dense = layer * stride + expert;
    const before = chosen[dense]!;
    const base = layer * (SEGMENT + 1);
    if (before > 0) level[base + before]! -= 1;
    chosen[dense] = before + by;
    if (before + by > 0) level[base + before + by]! += 1;
  };
  return {
    rows(chunk: TraceChunk): void {
      for (let row = 0; row < chunk.tokens; row++) {
        if (chunk.request[row] !== request) {
          request = chunk.request[row]!;
          rows = 0;
          chosen.fill(0);
          level.fill(0);
        }
        const at = (rows % SEGMENT) * width;
        for (let cell = 0; cell < width; cell++) {
          const layer = Math.floor(cell / topK);
          if (rows >= SEGMENT) move(layer, ring[at + cell]!, -1);
          const expert = chunk.experts[row * width + cell]!;
          ring[at + cell] = expert;
          move(layer, expert, 1);
        }
        rows++;
        if (rows < SEGMENT) continue;
        for (let i = 0; i < levels.length; i++) levels[i]! += level[i]!;
      }
    },
    result(): SegmentConsistency {
      const byLayer = Array.from({ length: layers }, (_, layer) => levels.subarray(layer * (SEGMENT + 1), (layer + 1) * (SEGMENT + 1)));
      const pooled = Float64Array.from({ length: SEGMENT + 1 }, (_, count) => byLayer.reduce((sum, counts) => sum + counts[count]!, 0));
      return { all: best(pooled), byLayer: byLayer.map(best) };
    },
  };
}

/** Best harmonic mean over thresholds; null without choices. */
function best(levels: Float64Array): number | null {
  const choices = levels.reduce((sum, experts, count) => sum + experts * count, 0);
  if (choices === 0) return null;
  let [most, held, served] = [0, 0, 0];
  for (let threshold = SEGMENT; threshold > 0; threshold--) {
    held += levels[threshold]!;
    served += levels[threshold]! * threshold;
    most = Math.max(most, (2 * served) / (held * SEGMENT + choices));
  }
  return most;
}
