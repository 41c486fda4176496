import { mean } from '../../base/statistics.js';
import { allocateChunk, NULL_EXPERT, type RoutingTrace } from '../trace.js';

/** Rows per block; blocks alternate between training and test. */
const BLOCK = 64;
/** Maximum test rows; a row costs top-k x experts additions per layer. */
const JUDGED = 1024;

/** Recall of a transition table, 0..1, mean over layers. */
export interface TransitionRecall {
  /** Share of a token's k experts among the k likeliest given the previous layer. */
  readonly atK: number;
  /** Share among the 2k likeliest. */
  readonly at2K: number;
  /** {@link atK} by layer, without layer 0. */
  readonly byLayer: readonly number[];
}

/** 4 bytes per pair. @returns null for one layer or too few rows */
export function transitionRecall(trace: RoutingTrace): TransitionRecall | null {
  const { layers, tokens } = trace;
  if (layers < 2 || tokens < 2 * BLOCK) return null;
  const { judge, learn, recall } = transitionTable(trace);
  const chunk = allocateChunk(trace, BLOCK);
  const read = (block: number): void => trace.read(block * BLOCK, Math.min(BLOCK, tokens - block * BLOCK), chunk);
  const blocks = Math.ceil(tokens / BLOCK);
  for (let block = 0; block < blocks; block += 2) {
    read(block);
    for (let row = 0; row < chunk.tokens; row++) for (let l = 0; l + 1 < layers; l++) learn(chunk.experts, row, l);
  }
  const step = Math.max(1, Math.floor((Math.floor(blocks / 2) * BLOCK) / JUDGED));
  for (let block = 1; block < blocks; block += 2) {
    read(block);
    for (let row = 0; row < chunk.tokens; row += step) for (let l = 0; l + 1 < layers; l++) judge(chunk.experts, row, l);
  }
  return recall();
}

function transitionTable({ expertsPerLayer, layers, topK }: RoutingTrace) {
  /** `[experts, experts of the next layer]`: tokens by pair; tokens by expert. */
  const pairs = expertsPerLayer.slice(0, -1).map((experts, l) => new Float32Array(experts * expertsPerLayer[l + 1]!));
  const alone = expertsPerLayer.slice(0, -1).map((experts) => new Float32Array(experts));
  const all = new Float64Array(layers - 1);
  const atK = new Float64Array(layers - 1);
  const at2K = new Float64Array(layers - 1);
  const scores = new Float64Array(Math.max(...expertsPerLayer));
  return {
    /** Counts a token's transitions from layer `l`. @param experts `[rows, layers, topK]` */
    learn(experts: Uint16Array, row: number, l: number): void {
      const at = (row * layers + l) * topK;
      const width = expertsPerLayer[l + 1]!;
      const [both, given] = [pairs[l]!, alone[l]!];
      for (let k = 0; k < topK; k++) {
        const before = experts[at + k]!;
        if (before === NULL_EXPERT) continue;
        given[before]! += 1;
        for (let j = 0; j < topK; j++) {
          const after = experts[at + topK + j]!;
          if (after !== NULL_EXPERT) both[before * width + after]! += 1;
        }
      }
    },
    /** Ranks a token's choices at the next layer. */
    judge(experts: Uint16Array, row: number, l: number): void {
      const at = (row * layers + l) * topK;
      const width = expertsPerLayer[l + 1]!;
      const [both, given] = [pairs[l]!, alone[l]!];
      scores.fill(0, 0, width);
      for (let k = 0; k < topK; k++) {
        const before = experts[at + k]!;
        if (before === NULL_EXPERT || given[before] === 0) continue;
        const scale = 1 / given[before]!;
        for (let e = 0; e < width; e++) scores[e]! += both[before * width + e]! * scale;
      }
      const truth = experts.subarray(at + topK, at + 2 * topK).filter((expert) => expert !== NULL_EXPERT);
      for (const expert of truth) {
        // Rank: number of higher scores, ties by id.
        let rank = 0;
        const score = scores[expert]!;
        for (let e = 0; e < width; e++) if (scores[e]! > score || (scores[e] === score && e < expert)) rank++;
        if (rank < truth.length) atK[l]! += 1;
        if (rank < 2 * truth.length) at2K[l]! += 1;
      }
      all[l]! += truth.length;
    },
    recall(): TransitionRecall {
      const shares = (found: Float64Array): number[] => Array.from(found, (hits, l) => (all[l] === 0 ? 0 : hits / all[l]!));
      const byLayer = shares(atK);
      return { atK: mean(byLayer), at2K: mean(shares(at2K)), byLayer };
    },
  };
}
