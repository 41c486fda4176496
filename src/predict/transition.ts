// Cross-layer transition: the experts a token has just used at a layer tell which it will use at the next ones. A table of how often
// expert e of layer l + d follows expert s of layer l, read as naive Bayes over the layer's true experts.
import type { ModelSpec } from '../model/spec.js';
import type { Pass } from '../schedule/pass.js';
import { chunks, NULL_EXPERT, type RoutingTrace } from '../trace/trace.js';
import { either, type Predictor, type PredictorContext, type PredictorDefinition } from './predictor.js';

/** Log-odds tables for the distances 1..reach, learned online and, if traces are given, before the run. */
class Transition implements Predictor {
  readonly costNs: number;
  readonly #model: ModelSpec;
  readonly #topK: number;
  /** Layers ahead that have tables of their own; farther layers are predicted by the farthest table that reaches them. */
  readonly #reach: number;
  /** Counts of pairs: table of (source layer l, distance d) starts at `#start[l * reach + d - 1]`, row = source expert. */
  readonly #pairs: Float32Array;
  readonly #start: Float64Array;
  /** How often each expert was used, by dense id, and tokens seen, by layer. */
  readonly #used: Float64Array;
  readonly #tokens: Float64Array;
  /** Of the experts ranked r-th at distance d, how many were right: `[reach, rank]`. */
  readonly #right: Float64Array;
  readonly #trials: Float64Array;
  readonly #ranks: number;
  readonly #logits: Float64Array;
  readonly #order: Int32Array;
  readonly #mark: Uint8Array;

  constructor({ model, topK }: PredictorContext, reach: number, costNs: number) {
    this.#model = model;
    this.#topK = topK;
    this.costNs = costNs;
    const { layers } = model;
    this.#reach = Math.max(1, Math.min(reach, layers.length - 1));
    this.#start = new Float64Array(layers.length * this.#reach);
    let size = 0;
    for (let l = 0; l < layers.length; l++) {
      for (let d = 1; d <= this.#reach && l + d < layers.length; d++) {
        this.#start[l * this.#reach + d - 1] = size;
        size += layers[l]!.experts * layers[l + d]!.experts;
      }
    }
    this.#pairs = new Float32Array(size);
    this.#used = new Float64Array(model.experts);
    this.#tokens = new Float64Array(layers.length);
    const widest = layers.reduce((most, layer) => Math.max(most, layer.experts), 0);
    this.#ranks = Math.min(widest, 4 * topK);
    this.#right = new Float64Array(this.#reach * this.#ranks);
    this.#trials = new Float64Array(this.#reach * this.#ranks);
    this.#logits = new Float64Array(widest);
    this.#order = new Int32Array(widest);
    this.#mark = new Uint8Array(widest);
  }

  /** Learns from a whole trace; the ranks are judged on the way, as they are online. */
  train(trace: RoutingTrace): void {
    for (const chunk of chunks(trace)) {
      for (let token = 0; token < chunk.tokens; token++) {
        const row = token * trace.layers * trace.topK;
        for (let layer = 0; layer < trace.layers; layer++) this.#learn(chunk.experts, row, layer);
      }
    }
  }

  observe(pass: Pass, layer: number): void {
    for (let token = 0; token < pass.tokens; token++) this.#learn(pass.choices, token * pass.row, layer);
  }

  predict(pass: Pass, after: number, horizon: number, scores: Float32Array): void {
    const { layers } = this.#model;
    const last = Math.min(layers.length - 1, after + horizon);
    for (let layer = after + 1; layer <= last; layer++) {
      const { experts, offset } = layers[layer]!;
      scores.fill(0, offset, offset + experts);
      if (after < 0) continue; // nothing has been observed of this pass
      const distance = layer - after;
      if (distance > this.#reach) continue;
      for (let token = 0; token < pass.tokens; token++) {
        const count = this.#rank(pass.choices, token * pass.row, after, distance);
        for (let rank = 0; rank < count; rank++) {
          const id = offset + this.#order[rank]!;
          scores[id] = either(scores[id]!, this.#probability(distance, rank));
        }
      }
    }
  }

  /** Adds what a token chose at `layer` to the tables that lead there, after judging what they would have said. */
  #learn(choices: Uint16Array, row: number, layer: number): void {
    const { layers } = this.#model;
    const topK = this.#topK;
    const { experts, offset } = layers[layer]!;
    const to = row + layer * topK;
    for (let d = 1; d <= this.#reach && d <= layer; d++) {
      // Judging costs as much as predicting: a sample of the tokens is enough.
      if (d === 1 ? this.#tokens[layer]! % 4 === 1 : this.#tokens[layer]! % 16 === d % 16) this.#judge(choices, row, layer - d, d);
      const table = this.#start[(layer - d) * this.#reach + d - 1]!;
      const from = row + (layer - d) * topK;
      for (let i = from; i < from + topK; i++) {
        if (choices[i] === NULL_EXPERT) continue;
        const base = table + choices[i]! * experts;
        for (let j = to; j < to + topK; j++) if (choices[j] !== NULL_EXPERT) this.#pairs[base + choices[j]!]! += 1;
      }
    }
    for (let j = to; j < to + topK; j++) if (choices[j] !== NULL_EXPERT) this.#used[offset + choices[j]!]! += 1;
    this.#tokens[layer]! += 1;
  }

  #judge(choices: Uint16Array, row: number, source: number, distance: number): void {
    const count = this.#rank(choices, row, source, distance);
    const to = row + (source + distance) * this.#topK;
    const mark = this.#mark;
    for (let j = to; j < to + this.#topK; j++) if (choices[j] !== NULL_EXPERT) mark[choices[j]!] = 1;
    const base = (distance - 1) * this.#ranks;
    for (let rank = 0; rank < count; rank++) {
      this.#trials[base + rank]! += 1;
      this.#right[base + rank]! += mark[this.#order[rank]!]!;
    }
    for (let j = to; j < to + this.#topK; j++) if (choices[j] !== NULL_EXPERT) mark[choices[j]!] = 0;
  }

  /** Probability that the expert ranked `rank` is right, as measured so far; one pseudo-trial keeps it inside (0, 1). */
  #probability(distance: number, rank: number): number {
    const at = (distance - 1) * this.#ranks + rank;
    return (this.#right[at]! + 0.3) / (this.#trials[at]! + 1);
  }

  /**
   * Naive Bayes: logit(e) = log prior odds + sum over the source experts s of log P(s | e) / P(s | not e), counts smoothed by 0.5.
   * Writes the best experts into `#order`, best first, ties by id; @returns how many.
   */
  #rank(choices: Uint16Array, row: number, source: number, distance: number): number {
    const { layers } = this.#model;
    const topK = this.#topK;
    const target = layers[source + distance]!;
    const { experts, offset } = target;
    const logits = this.#logits;
    const tokens = this.#tokens[source + distance]!;
    const table = this.#start[source * this.#reach + distance - 1]!;
    for (let e = 0; e < experts; e++) logits[e] = Math.log((this.#used[offset + e]! + 0.5) / (tokens - this.#used[offset + e]! + 1));
    const from = row + source * topK;
    for (let i = from; i < from + topK; i++) {
      if (choices[i] === NULL_EXPERT) continue;
      const base = table + choices[i]! * experts;
      const sourceUsed = this.#used[layers[source]!.offset + choices[i]!]!;
      for (let e = 0; e < experts; e++) {
        const both = this.#pairs[base + e]!;
        const used = this.#used[offset + e]!;
        const withE = (both + 0.5) / (used + 1);
        const withoutE = (Math.max(0, sourceUsed - both) + 0.5) / (Math.max(0, tokens - used) + 1);
        logits[e]! += Math.log(withE / withoutE);
      }
    }
    return selectBest(logits, experts, this.#order, Math.min(this.#ranks, experts));
  }
}

/** Writes the indices of the `count` largest of `values[0..size)` into `order`, largest first, ties by index; @returns how many. */
export function selectBest(values: Float64Array, size: number, order: Int32Array, count: number): number {
  let found = 0;
  for (let i = 0; i < size; i++) {
    const value = values[i]!;
    if (found === count && value <= values[order[found - 1]!]!) continue;
    let at = found < count ? found++ : found - 1;
    while (at > 0 && values[order[at - 1]!]! < value) {
      order[at] = order[at - 1]!;
      at--;
    }
    order[at] = i;
  }
  return found;
}

/** Registry entry. */
export const transition: PredictorDefinition = {
  name: 'transition',
  summary: "the next layers' experts from the true experts of this one, by a table of log-odds",
  cites: 'naive Bayes over expert transitions; the count-based end of ExpertFlow, arXiv 2410.17954, and MoE-Infinity, arXiv 2401.14361',
  parameters: {
    reach: { default: 1, description: 'layers ahead that have a table of their own', min: 1 },
    costNs: { default: 0, description: 'modelled cost of one prediction, ns', min: 0 },
  },
  needs: [],
  create(context, { reach, costNs }) {
    const predictor = new Transition(context, Number(reach), Number(costNs));
    for (const trace of context.training) predictor.train(trace);
    return predictor;
  },
};
