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
  const { layers, tokens } = trace;
  if (layers < 2 || tokens < 2 * BLOCK) return null;
  const table = new TransitionTable(trace);
  const chunk = allocateChunk(trace, BLOCK);
  const read = (block: number): void => trace.read(block * BLOCK, Math.min(BLOCK, tokens - block * BLOCK), chunk);
  const blocks = Math.ceil(tokens / BLOCK);
  for (let block = 0; block < blocks; block += 2) {
    read(block);
    for (let row = 0; row < chunk.tokens; row++) for (let l = 0; l + 1 < layers; l++) table.learn(chunk.experts, row, l);
  }
  const step = Math.max(1, Math.floor((Math.floor(blocks / 2) * BLOCK) / JUDGED));
  for (let block = 1; block < blocks; block += 2) {
    read(block);
    for (let row = 0; row < chunk.tokens; row += step) for (let l = 0; l + 1 < layers; l++) table.judge(chunk.experts, row, l);
  }
  return table.recall();
}

/** Frequencies of the transitions from each layer to the next, and how often they named what came. */
class TransitionTable {
  readonly #layers: number;
  readonly #topK: number;
  readonly #experts: readonly number[];
  /** By layer: `[experts, experts of the next layer]`, tokens that chose both; and tokens that chose each expert. */
  readonly #both: readonly Float32Array[];
  readonly #given: readonly Float32Array[];
  /** By layer: choices at the next one that were judged, and those among the k and the 2k likeliest. */
  readonly #all: Float64Array;
  readonly #atK: Float64Array;
  readonly #at2K: Float64Array;
  readonly #scores: Float64Array;

  constructor({ expertsPerLayer, layers, topK }: RoutingTrace) {
    const pairs = layers - 1;
    this.#layers = layers;
    this.#topK = topK;
    this.#experts = expertsPerLayer;
    this.#both = Array.from({ length: pairs }, (_, l) => new Float32Array(expertsPerLayer[l]! * expertsPerLayer[l + 1]!));
    this.#given = Array.from({ length: pairs }, (_, l) => new Float32Array(expertsPerLayer[l]!));
    this.#all = new Float64Array(pairs);
    this.#atK = new Float64Array(pairs);
    this.#at2K = new Float64Array(pairs);
    this.#scores = new Float64Array(Math.max(...expertsPerLayer));
  }

  /** Counts a token's transitions from layer `l`. @param experts `[rows, layers, topK]` */
  learn(experts: Uint16Array, row: number, l: number): void {
    const topK = this.#topK;
    const at = (row * this.#layers + l) * topK;
    const width = this.#experts[l + 1]!;
    const [both, given] = [this.#both[l]!, this.#given[l]!];
    for (let k = 0; k < topK; k++) {
      const before = experts[at + k]!;
      if (before === NULL_EXPERT) continue;
      given[before]! += 1;
      for (let j = 0; j < topK; j++) {
        const after = experts[at + topK + j]!;
        if (after !== NULL_EXPERT) both[before * width + after]! += 1;
      }
    }
  }

  /** Scores the next layer's experts by a token's choices at layer `l`, and looks where its next choices rank. */
  judge(experts: Uint16Array, row: number, l: number): void {
    const topK = this.#topK;
    const at = (row * this.#layers + l) * topK;
    const width = this.#experts[l + 1]!;
    const [both, given, scores] = [this.#both[l]!, this.#given[l]!, this.#scores];
    scores.fill(0, 0, width);
    for (let k = 0; k < topK; k++) {
      const before = experts[at + k]!;
      if (before === NULL_EXPERT || given[before] === 0) continue;
      const scale = 1 / given[before]!;
      for (let e = 0; e < width; e++) scores[e]! += both[before * width + e]! * scale;
    }
    const truth = experts.subarray(at + topK, at + 2 * topK).filter((expert) => expert !== NULL_EXPERT);
    for (const expert of truth) {
      // Rank of the expert: the number of experts that score higher, ties by id.
      let rank = 0;
      const own = scores[expert]!;
      for (let e = 0; e < width; e++) if (scores[e]! > own || (scores[e] === own && e < expert)) rank++;
      if (rank < truth.length) this.#atK[l]! += 1;
      if (rank < 2 * truth.length) this.#at2K[l]! += 1;
    }
    this.#all[l]! += truth.length;
  }

  /** The recall over all that was judged. */
  recall(): TransitionRecall {
    const shares = (found: Float64Array): number[] => Array.from(found, (hits, l) => (this.#all[l] === 0 ? 0 : hits / this.#all[l]!));
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    const byLayer = shares(this.#atK);
    return { atK: mean(byLayer), at2K: mean(shares(this.#at2K)), byLayer };
  }
}
