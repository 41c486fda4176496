// Token-level persistence (TLP): a token will use the experts that its request's previous token used at the same layer. The baseline
// that every other predictor must beat; how often it holds is learned per layer.
import type { Pass } from '../schedule/pass.js';
import { NamedExperts } from './named-experts.js';
import { PathMemory } from './path-memory.js';
import { COST, type Predictor, type PredictorContext, type PredictorDefinition } from './predictor.js';
import { trainedOn } from './training.js';

/** Predicts the previous token's path. */
class LastToken implements Predictor {
  readonly costNs: number;
  readonly #layers: number;
  readonly #memory: PathMemory;
  readonly #named: NamedExperts;

  constructor({ model, topK, slots }: PredictorContext, costNs: number) {
    this.costNs = costNs;
    this.#layers = model.layers.length;
    this.#memory = new PathMemory(slots, model.layers.length, topK);
    this.#named = new NamedExperts(model);
  }

  observe(pass: Pass, layer: number): void {
    for (let token = 0; token < pass.tokens; token++) {
      const from = this.#memory.previous(pass, token, layer);
      if (from >= 0) this.#named.judge(pass, token, layer, this.#memory.experts, from, pass.topK);
      this.#memory.store(pass, token, layer);
    }
  }

  predict(pass: Pass, after: number, horizon: number, scores: Float32Array): void {
    const last = Math.min(this.#layers - 1, after + horizon);
    for (let layer = after + 1; layer <= last; layer++) this.next(pass, layer, scores);
  }

  /** A token's path does not depend on what is known of it, so the next token is predicted as this one is before it is observed. */
  next(pass: Pass, layer: number, scores: Float32Array): void {
    this.#named.clear(layer, scores);
    for (let token = 0; token < pass.tokens; token++) {
      const from = this.#memory.previous(pass, token, layer);
      if (from >= 0) this.#named.score(layer, this.#memory.experts, from, pass.topK, scores);
    }
  }
}

/** Registry entry. */
export const lastToken: PredictorDefinition = {
  name: 'last-token',
  summary: "the same layer's experts of the request's previous token",
  cites: 'baseline TLP of ExpertFlow, arXiv 2410.17954',
  parameters: { costNs: COST },
  create: (context, { costNs }) => trainedOn(new LastToken(context, Number(costNs)), context.training),
};
