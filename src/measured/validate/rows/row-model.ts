import { UserError } from '../../../base/errors.js';
import { listProfiles } from '../../../base/profiles.js';
import { isKvFormat, loadRouting, type ModelSpec, measuredModel, parseKvFormat, withKvFormat } from '../../../model/door.js';
import type { Measurement } from './measurement.js';

/** @returns the model of a row, or the missing input */
export function modelOfRow({ model, run }: Measurement): ModelSpec | { readonly lacks: string } {
  try {
    const measured = withActive(measuredModel(model), run.active_experts);
    // An unknown KV cache type counts as f16.
    return run.kv !== undefined && isKvFormat(run.kv) ? withKvFormat(measured, parseKvFormat(run.kv)) : measured;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { lacks: error.message };
  }
}

/** Routing statistics of the bundled model; null: not bundled, the generator takes the shape's. */
export function routingOfRow({ model }: Measurement): Record<string, unknown> | null {
  return listProfiles('models').includes(model.name) ? loadRouting(model.name) : null;
}

function withActive(model: ModelSpec, active: number | undefined): ModelSpec {
  if (active === undefined) return model;
  return { ...model, layers: model.layers.map((layer) => ({ ...layer, topK: Math.min(active, layer.experts) })) };
}
