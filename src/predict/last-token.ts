// Token-level persistence (TLP): a token will use the experts that its request's previous token used at the same layer. The baseline
// that every other predictor must beat; how often it holds is learned per layer.
import type { ModelSpec } from '../model/spec.js';
import type { Pass } from '../schedule/pass.js';
import { NULL_EXPERT } from '../trace/trace.js';
import { either, type Predictor, type PredictorDefinition } from './predictor.js';

/** Predicts the previous token's path. */
class LastToken implements Predictor {
  readonly costNs: number;
  readonly #model: ModelSpec;
  readonly #topK: number;
  /** `[slots, layers, topK]` path of each slot's last token; valid where `#owner` is the slot's request. */
  #paths: Uint16Array;
  /** Request of each slot's path, per layer: layers are observed one after another. */
  #owner: Int32Array;
  /** Experts that were used again, and experts that could have been, by layer. */
  readonly #again: Float64Array;
  readonly #trials: Float64Array;

  constructor(model: ModelSpec, topK: number, slots: number, costNs: number) {
    this.#model = model;
    this.#topK = topK;
    this.costNs = costNs;
    const layers = model.layers.length;
    this.#paths = new Uint16Array(slots * layers * topK);
    this.#owner = new Int32Array(slots * layers).fill(-1);
    // One pseudo-observation at the mean that is measured on real models (reuse by the next token, 0.26 to 0.5).
    this.#again = new Float64Array(layers).fill(0.4);
    this.#trials = new Float64Array(layers).fill(1);
  }

  observe(pass: Pass, layer: number): void {
    const { choices, row, tokens } = pass;
    const topK = this.#topK;
    const layers = this.#model.layers.length;
    const paths = this.#paths;
    for (let token = 0; token < tokens; token++) {
      const slot = pass.slot[token]!;
      const from = token * row + layer * topK;
      const to = (slot * layers + layer) * topK;
      if (this.#owner[slot * layers + layer] === pass.request[token]) {
        for (let i = 0; i < topK; i++) {
          const expert = paths[to + i]!;
          if (expert === NULL_EXPERT) continue;
          this.#trials[layer]! += 1;
          for (let j = from; j < from + topK; j++) if (choices[j] === expert) this.#again[layer]! += 1;
        }
      }
      this.#owner[slot * layers + layer] = pass.request[token]!;
      for (let i = 0; i < topK; i++) paths[to + i] = choices[from + i]!;
    }
  }

  predict(pass: Pass, after: number, horizon: number, scores: Float32Array): void {
    const { layers } = this.#model;
    const last = Math.min(layers.length - 1, after + horizon);
    for (let layer = after + 1; layer <= last; layer++) {
      const { experts, offset } = layers[layer]!;
      scores.fill(0, offset, offset + experts);
      const again = this.#again[layer]! / this.#trials[layer]!;
      for (let token = 0; token < pass.tokens; token++) {
        const slot = pass.slot[token]!;
        if (this.#owner[slot * layers.length + layer] !== pass.request[token]) continue;
        const from = (slot * layers.length + layer) * this.#topK;
        for (let i = from; i < from + this.#topK; i++) {
          const expert = this.#paths[i]!;
          if (expert !== NULL_EXPERT) scores[offset + expert] = either(scores[offset + expert]!, again);
        }
      }
    }
  }
}

/** Registry entry. */
export const lastToken: PredictorDefinition = {
  name: 'last-token',
  summary: "the same layer's experts of the request's previous token",
  cites: 'baseline TLP of ExpertFlow, arXiv 2410.17954',
  parameters: { costNs: { default: 0, description: 'modelled cost of one prediction, ns', min: 0 } },
  needs: [],
  create: ({ model, topK, slots }, { costNs }) => new LastToken(model, topK, slots, Number(costNs)),
};
