// From a row to the model that ran, in the format of its file: a bundled profile, or the shape that the row carries; with the experts that
// a token used, and the type of its KV cache.
import { UserError } from '../../base/errors.js';
import { listProfiles } from '../../base/profiles.js';
import { loadRouting } from '../../model/load.js';
import { measuredModel } from '../../model/measured.js';
import type { ModelSpec } from '../../model/spec.js';
import type { Measurement } from './measurement.js';

/** Bytes of a value of the KV cache by its type: ggml's are blocks of 32 values with one or two 16-bit scales. */
const KV_BYTES: Readonly<Record<string, number>> = {
  f32: 4,
  f16: 2,
  bf16: 2,
  fp8: 1,
  q8_0: 34 / 32,
  q5_1: 24 / 32,
  q5_0: 22 / 32,
  q4_1: 20 / 32,
  q4_0: 18 / 32,
};
/** Profiles count 16-bit values. */
const PROFILE_KV_BYTES = 2;

/**
 * The model of a row.
 * @returns what the row lacks, where it does not tell enough
 */
export function modelOfRow({ model, run }: Measurement): ModelSpec | { readonly lacks: string } {
  try {
    return withKv(withActive(measuredModel(model), run.active_experts), run.kv);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { lacks: error.message };
  }
}

/** How the model routes, for the synthetic generator; null: as models of its shape do. */
export function routingOfRow({ model }: Measurement): Record<string, unknown> | null {
  return listProfiles('models').includes(model.name) ? loadRouting(model.name) : null;
}

/** A model whose tokens use fewer experts than they might. */
function withActive(model: ModelSpec, active: number | undefined): ModelSpec {
  if (active === undefined) return model;
  return { ...model, layers: model.layers.map((layer) => ({ ...layer, topK: Math.min(active, layer.experts) })) };
}

/** A model with the KV cache of another type; of two (`q8_0/q4_0`) the first, which is that of the keys. */
function withKv(model: ModelSpec, type: string | undefined): ModelSpec {
  const bytes = type === undefined ? undefined : KV_BYTES[type.split('/')[0]!];
  if (bytes === undefined) return model;
  const factor = bytes / PROFILE_KV_BYTES;
  const segments = model.dense.segments.map((segment) => ({
    ...segment,
    attention: segment.attention.map((one) => ({ ...one, kvBytesPerToken: one.kvBytesPerToken * factor })),
  }));
  return { ...model, dense: { ...model.dense, segments, kvBytesPerToken: model.dense.kvBytesPerToken * factor } };
}
