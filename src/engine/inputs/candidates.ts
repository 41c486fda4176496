// The choices of a model in a trace of candidates: where the trace holds more than top-k experts per layer, the first k are the choices.

import { UserError } from '../../base/errors.js';
import type { ModelSpec } from '../../model/door.js';
import type { RoutingTrace } from '../../trace/trace.js';
import { firstRanks } from '../../trace/variants/top-k.js';
import { variantTrace } from '../../trace/variants/variant.js';

/** Largest top-k of a model's layers. */
export function widestTopK(model: ModelSpec): number {
  return model.layers.reduce((most, layer) => Math.max(most, layer.topK), 1);
}

/**
 * The model's own choices, without re-ranking.
 * @throws UserError where the trace has no gate weights, or no more choices than the model makes
 */
export function topOf(candidates: RoutingTrace, model: ModelSpec): RoutingTrace {
  const widest = widestTopK(model);
  const make = `moeprof trace generate --candidates ${4 * widest}`;
  if (!candidates.has.weights)
    throw new UserError(`rerank: needs gate weights, which ${candidates.path} does not carry; record them, or take ${make}`);
  if (candidates.topK <= widest) {
    throw new UserError(
      `rerank: ${candidates.path} has ${candidates.topK} choices per token and layer and ${model.name} makes ${widest}, ` +
        `so there is nothing to choose from; record more with their weights, or take ${make}`,
    );
  }
  const choices = Array.from({ length: candidates.layers }, (_, layer) => model.layers[layer]?.topK ?? widest);
  return variantTrace(candidates, firstRanks(candidates, choices), `choices ${choices.join()}`, `top-k=${widest}`);
}
