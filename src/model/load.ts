// The one door to models: whatever a user names with `-m` becomes a ModelSpec here.
import type { Override } from '../base/yaml.js';
import { buildModel } from './build.js';
import { loadModelProfile } from './profile.js';
import { findQuantization } from './quantization.js';
import type { ModelSpec } from './spec.js';

/**
 * Loads a model.
 * @param nameOrPath name of a bundled profile, or path of a YAML profile, relative to `relativeTo`
 * @param quantization storage format; null: the one that the profile names
 * @param relativeTo folder that a path is relative to; the working directory unless said
 * @param overrides values that replace the profile's
 * @throws UserError where the model or the format is unknown, or the file is not well-formed
 */
export function loadModel(
  nameOrPath: string,
  quantization: string | null = null,
  relativeTo?: string,
  overrides: readonly Override[] = [],
): ModelSpec {
  const profile = loadModelProfile(nameOrPath, relativeTo, overrides);
  const format =
    quantization === null
      ? findQuantization(profile.quantization, `model ${profile.name}`)
      : findQuantization(quantization, '--quantization');
  return buildModel(profile, format);
}
