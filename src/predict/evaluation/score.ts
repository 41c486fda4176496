import { meanOfPresent, sum } from '../../base/statistics.js';
import { type ModelSpec, mostTopK } from '../../model/door.js';
import { NULL_EXPERT } from '../../trace/trace.js';

/** Predictions with a probability in `[from, to)` (last bin: `to` included). */
interface ReliabilityBin {
  readonly from: number;
  readonly to: number;
  readonly predictions: number;
  readonly probability: number;
  readonly frequency: number;
}

/** Before the pass or at a distance; ratios are 0..1. */
export interface Score {
  readonly tokens: number;
  /** Share of a token's experts among the k best-scored (k: layer's top-k); mean over tokens, then layers. */
  readonly recallAtK: number;
  readonly recallAt2K: number;
  /** By MoE layer; null: no predictions. */
  readonly recallAtKByLayer: readonly (number | null)[];
  readonly recallAt2KByLayer: readonly (number | null)[];
  /** {@link recallAtK} of prompt and of generated tokens; null: no tokens. */
  readonly recallAtKByPhase: { readonly prefill: number | null; readonly decode: number | null };
  /** Share of predictions of at least `minProbability` that came true; null: no predictions. */
  readonly precision: number | null;
  /** Share of used experts predicted with at least `minProbability`. */
  readonly recall: number;
  /** Experts predicted with at least `minProbability`, per token and layer. */
  readonly named: number;
  /** Expected calibration error: |probability - frequency|, weighted by predictions. */
  readonly calibrationError: number;
  readonly reliability: readonly ReliabilityBin[];
}

/** Bins of the reliability curve. Ours. */
const BINS = 10;

/** Collects judgements before the pass or at one distance. */
export class ScoreCounter {
  readonly #model: ModelSpec;
  readonly #minProbability: number;
  readonly #tokens: Float64Array;
  readonly #atK: Float64Array;
  readonly #at2K: Float64Array;
  readonly #decoded: Float64Array;
  readonly #decodedAtK: Float64Array;
  #named = 0;
  #right = 0;
  #used = 0;
  readonly #binCount = new Float64Array(BINS);
  readonly #binProbability = new Float64Array(BINS);
  readonly #binRight = new Float64Array(BINS);
  readonly #truth: Uint8Array;
  readonly #others: Float32Array;
  readonly #order: Int32Array;
  /** The last judgement's 2k best-scored dense ids, best first. */
  readonly best: Int32Array;
  bestCount = 0;

  constructor(model: ModelSpec, minProbability: number) {
    this.#model = model;
    this.#minProbability = minProbability;
    const layers = model.layers.length;
    this.#tokens = new Float64Array(layers);
    this.#atK = new Float64Array(layers);
    this.#at2K = new Float64Array(layers);
    this.#decoded = new Float64Array(layers);
    this.#decodedAtK = new Float64Array(layers);
    this.#truth = new Uint8Array(model.experts);
    this.#others = new Float32Array(model.experts);
    this.#order = new Int32Array(2 * mostTopK(model));
    this.best = new Int32Array(2 * mostTopK(model));
  }

  get silent(): boolean {
    return this.#binProbability.every((sum) => sum === 0);
  }

  /** @param choices `[topK]` from index `from` @param decoded true: generated @param fill scores to fill up to 2k */
  judge(
    layer: number,
    scores: Float32Array,
    choices: Uint16Array,
    from: number,
    topK: number,
    decoded = false,
    fill: Float32Array | null = null,
  ): void {
    const { experts, offset, topK: k } = this.#model.layers[layer]!;
    const truth = this.#truth;
    this.bestCount = 0;
    let size = 0;
    for (let at = from; at < from + topK; at++) {
      if (choices[at] === NULL_EXPERT) continue;
      truth[offset + choices[at]!] = 1;
      size++;
    }
    if (size === 0) return; // L1: no event
    const names = Math.min(2 * k, experts);
    this.bestCount = bestOf(scores, offset, experts, this.best, names);
    if (fill !== null && this.bestCount < names) this.#fillUp(fill, scores, offset, experts, names);
    let atK = 0;
    let at2K = 0;
    for (let rank = 0; rank < this.bestCount; rank++) {
      const right = truth[this.best[rank]!]!;
      if (rank < k) atK += right;
      at2K += right;
    }
    this.#tokens[layer]! += 1;
    this.#atK[layer]! += atK / size;
    if (decoded) {
      this.#decoded[layer]! += 1;
      this.#decodedAtK[layer]! += atK / size;
    }
    this.#at2K[layer]! += at2K / size;
    this.#used += size;
    for (let id = offset; id < offset + experts; id++) {
      const score = scores[id]!;
      const right = truth[id]!;
      const bin = Math.min(BINS - 1, Math.floor(score * BINS));
      this.#binCount[bin]! += 1;
      this.#binProbability[bin]! += score;
      this.#binRight[bin]! += right;
      if (score >= this.#minProbability && score > 0) {
        this.#named++;
        this.#right += right;
      }
    }
    for (let at = from; at < from + topK; at++) if (choices[at] !== NULL_EXPERT) truth[offset + choices[at]!] = 0;
  }

  #fillUp(fill: Float32Array, scores: Float32Array, offset: number, experts: number, names: number): void {
    const others = this.#others;
    for (let id = offset; id < offset + experts; id++) others[id] = scores[id]! > 0 ? 0 : fill[id]!;
    const more = bestOf(others, offset, experts, this.#order, names - this.bestCount);
    for (let i = 0; i < more; i++) this.best[this.bestCount++] = this.#order[i]!;
  }

  /** Null if nothing was judged, or no score was positive. */
  score(): Score | null {
    if (this.#used === 0 || this.silent) return null;
    const byLayer = (sums: Float64Array, tokens = this.#tokens): (number | null)[] =>
      Array.from(sums, (sum, layer) => (tokens[layer] === 0 ? null : sum / tokens[layer]!));
    const recallAtKByLayer = byLayer(this.#atK);
    const recallAt2KByLayer = byLayer(this.#at2K);
    const judged = sum(this.#tokens);
    const all = sum(this.#binCount);
    const reliability = Array.from({ length: BINS }, (_, bin): ReliabilityBin => {
      const predictions = this.#binCount[bin]!;
      const mean = (sum: number): number => (predictions === 0 ? 0 : sum / predictions);
      return {
        from: bin / BINS,
        to: (bin + 1) / BINS,
        predictions,
        probability: mean(this.#binProbability[bin]!),
        frequency: mean(this.#binRight[bin]!),
      };
    });
    return {
      tokens: Math.max(...this.#tokens),
      recallAtK: meanOfPresent(recallAtKByLayer)!,
      recallAt2K: meanOfPresent(recallAt2KByLayer)!,
      recallAtKByLayer,
      recallAt2KByLayer,
      recallAtKByPhase: {
        prefill: meanOfPresent(
          byLayer(
            this.#atK.map((sum, layer) => sum - this.#decodedAtK[layer]!),
            this.#tokens.map((count, layer) => count - this.#decoded[layer]!),
          ),
        ),
        decode: meanOfPresent(byLayer(this.#decodedAtK, this.#decoded)),
      },
      precision: this.#named === 0 ? null : this.#right / this.#named,
      recall: this.#right / this.#used,
      named: this.#named / judged,
      calibrationError: reliability.reduce((sum, bin) => sum + (bin.predictions / all) * Math.abs(bin.probability - bin.frequency), 0),
      reliability: reliability.filter((bin) => bin.predictions > 0),
    };
  }
}

/** Writes the `count` best positive ids of `[offset, offset + experts)`, ties by id (L16). @returns their number */
export function bestOf(scores: Float32Array, offset: number, experts: number, order: Int32Array, count: number): number {
  let found = 0;
  for (let id = offset; id < offset + experts; id++) {
    const score = scores[id]!;
    if (score <= 0 || (found === count && score <= scores[order[found - 1]!]!)) continue;
    let at = found < count ? found++ : found - 1;
    while (at > 0 && scores[order[at - 1]!]! < score) {
      order[at] = order[at - 1]!;
      at--;
    }
    order[at] = id;
  }
  return found;
}
