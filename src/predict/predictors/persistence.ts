// ExpertFlow's baselines: experts of the request's previous token (TLP), or ids of the layer before (SLP).
import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import { NAMING, NamedExperts } from '../named-experts.js';
import { PathMemory } from '../path-memory.js';
import { COST, layerwise, type Predictor, type PredictorContext, predictor, trainedOn } from '../predictor.js';

function persistent({ model, topK, slots }: PredictorContext): Predictor {
  const memory = new PathMemory(slots, model.layers.length, topK);
  const names = new NamedExperts(model);
  /** Known layers do not matter: before `observe`, the next token is predicted alike. */
  const next = (pass: Pass, layer: number, scores: Float32Array): void => {
    names.clear(layer, scores);
    for (let token = 0; token < pass.tokens; token++) {
      const from = memory.previous(pass, token, layer);
      if (from >= 0) names.score(layer, memory.experts, from, pass.topK, scores);
    }
  };
  const observe = (pass: Pass, layer: number): void => {
    for (let token = 0; token < pass.tokens; token++) {
      if (pass.wrong[token] === 1) continue;
      const from = memory.previous(pass, token, layer);
      if (from >= 0) names.judge(pass, token, layer, memory.experts, from, pass.topK);
      memory.store(pass, token, layer);
    }
  };
  return { ...layerwise(model, ({ index }, scores, pass) => next(pass, index, scores), observe), next };
}

/** Baseline; the success rate is learned per layer. */
export const lastToken = predictor({
  name: 'last-token',
  summary: "the same layer's experts of the request's previous token",
  cites: 'baseline TLP of ExpertFlow, arXiv 2410.17954',
  parameters: { costNs: COST },
  cost: () => NAMING,
  create: (context) => trainedOn(persistent(context), context.training),
});

function sameIds(model: ModelSpec): Predictor {
  const names = new NamedExperts(model);
  return layerwise(
    model,
    ({ index }, scores, { choices, row, tokens, topK }, after) => {
      names.clear(index, scores);
      if (after < 0) return;
      for (let token = 0; token < tokens; token++) names.score(index, choices, token * row + after * topK, topK, scores);
    },
    (pass, layer) => {
      if (layer === 0) return;
      const { choices, row, tokens, topK } = pass;
      for (let token = 0; token < tokens; token++) names.judge(pass, token, layer, choices, token * row + (layer - 1) * topK, topK);
    },
  );
}

/** Weaker baseline: ids of different layers are unrelated. */
export const previousLayer = predictor({
  name: 'previous-layer',
  summary: 'experts of the same ids as at the last layer that is known',
  cites: 'baseline SLP of ExpertFlow, arXiv 2410.17954',
  parameters: { costNs: COST },
  cost: () => NAMING,
  create: (context) => trainedOn(sameIds(context.model), context.training),
});
