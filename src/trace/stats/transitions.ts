// How well the choices of one layer predict those of the next: a table of transition frequencies, trained on one half of the trace and tested
// on the other. A baseline for every prefetcher that looks one layer ahead.
import { allocateChunk, NULL_EXPERT, type RoutingTrace } from '../trace.js';

/** Rows of the alternating blocks for training and test, so that both halves cover the same texts. */
const BLOCK = 64;
/** Maximum number of test rows, each of which costs top-k x experts additions per layer. */
const JUDGED = 1024;

/** Recall of a transition table, 0..1, mean over layers. */
export interface TransitionRecall {
  /** Of a token's experts at a layer, those among the k likeliest after its experts at the layer before; k = its choices there. */
  readonly atK: number;
  /** The same among the 2k likeliest. */
  readonly at2K: number;
  /** {@link atK} by layer; the first layer has no layer before it and is not in the list. */
  readonly byLayer: readonly number[];
}

/**
 * Trains and tests the table. Memory: 4 bytes per pair of experts of neighbouring layers.
 * @returns null if there is only one layer, or fewer rows than two blocks
 */
export function transitionRecall(trace: RoutingTrace): TransitionRecall | null {
  const { layers, topK, tokens, expertsPerLayer } = trace;
  if (layers < 2 || tokens < 2 * BLOCK) return null;
  const tables = Array.from({ length: layers - 1 }, (_, l) => new Float32Array(expertsPerLayer[l]! * expertsPerLayer[l + 1]!));
  const given = Array.from({ length: layers - 1 }, (_, l) => new Float32Array(expertsPerLayer[l]!));
  const chunk = allocateChunk(trace, BLOCK);
  const block = (number: number): void => trace.read(number * BLOCK, Math.min(BLOCK, tokens - number * BLOCK), chunk);
  const blocks = Math.ceil(tokens / BLOCK);
  for (let number = 0; number < blocks; number += 2) {
    block(number);
    for (let row = 0; row < chunk.tokens; row++) {
      for (let l = 0; l + 1 < layers; l++) {
        const at = (row * layers + l) * topK;
        const width = expertsPerLayer[l + 1]!;
        for (let k = 0; k < topK; k++) {
          const before = chunk.experts[at + k]!;
          if (before === NULL_EXPERT) continue;
          given[l]![before]! += 1;
          const table = tables[l]!;
          for (let j = 0; j < topK; j++) {
            const after = chunk.experts[at + topK + j]!;
            if (after !== NULL_EXPERT) table[before * width + after]! += 1;
          }
        }
      }
    }
  }
  const judged = Math.floor(blocks / 2);
  const step = Math.max(1, Math.floor((judged * BLOCK) / JUDGED));
  const found = new Float64Array(layers - 1);
  const found2 = new Float64Array(layers - 1);
  const all = new Float64Array(layers - 1);
  const scores = new Float64Array(Math.max(...expertsPerLayer));
  for (let number = 1; number < blocks; number += 2) {
    block(number);
    for (let row = 0; row < chunk.tokens; row += step) {
      for (let l = 0; l + 1 < layers; l++) {
        const at = (row * layers + l) * topK;
        const width = expertsPerLayer[l + 1]!;
        scores.fill(0, 0, width);
        for (let k = 0; k < topK; k++) {
          const before = chunk.experts[at + k]!;
          if (before === NULL_EXPERT || given[l]![before] === 0) continue;
          const table = tables[l]!;
          const scale = 1 / given[l]![before]!;
          for (let e = 0; e < width; e++) scores[e]! += table[before * width + e]! * scale;
        }
        const truth = chunk.experts.subarray(at + topK, at + 2 * topK).filter((expert) => expert !== NULL_EXPERT);
        for (const expert of truth) {
          // Rank of the expert: the number of experts that score higher, ties by id.
          let rank = 0;
          const own = scores[expert]!;
          for (let e = 0; e < width; e++) if (scores[e]! > own || (scores[e] === own && e < expert)) rank++;
          if (rank < truth.length) found[l]! += 1;
          if (rank < 2 * truth.length) found2[l]! += 1;
        }
        all[l]! += truth.length;
      }
    }
  }
  const byLayer = Array.from(found, (hits, l) => (all[l] === 0 ? 0 : hits / all[l]!));
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return { atK: mean(byLayer), at2K: mean(Array.from(found2, (hits, l) => (all[l] === 0 ? 0 : hits / all[l]!))), byLayer };
}
